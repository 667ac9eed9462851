"""Addresses of this corner."""

from django.urls import URLPattern, path

from insurance.mapping.delivery import views
from insurance.mapping.delivery.tasks import VERDICTS

urlpatterns: list[URLPattern] = [
    path("uploads/", views.Deliveries.as_view(), name="deliveries"),
    path("uploads/send/", views.Upload.as_view(), name="deliveries_upload"),
    path("uploads/recall/", views.Recall.as_view(), name="deliveries_recall"),
    path(
        "uploads/verdicts/", views.asking(VERDICTS, "mapping:deliveries", "mapping.submit"), name="deliveries_verdicts"
    ),
]
