"""Addresses of this corner, under the room's."""

from django.urls import URLPattern, path

from insurance.mapping.delivery.views import asking
from insurance.mapping.proof import views
from insurance.mapping.proof.tasks import COMPARE

urlpatterns: list[URLPattern] = [
    path("board/", views.board, name="board"),
    path("proof/", views.Proof.as_view(), name="proof"),
    path("proof/run/", asking(COMPARE, "mapping:proof", "mapping.submit"), name="proof_run"),
    path("proof/adopt/", views.Adopt.as_view(), name="proof_adopt"),
    path("proof/send/", views.Send.as_view(), name="proof_send"),
    path("proof/ignore/", views.Ignore.as_view(), name="proof_ignore"),
    path("proof/<int:pk>/", views.detail, name="difference"),
]
