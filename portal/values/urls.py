"""Addresses of 值对照."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from portal.values import views

app_name = "values"
urlpatterns = [
    path("", views.MissingList.as_view(), name="missing"),
    path("missing/<int:pk>/", views.missing_value, name="missing_value"),
    path("mappings/", views.MappingList.as_view(), name="mappings"),
    path("mappings/new/", views.new, name="new"),
    path("mappings/<int:pk>/", views.mapping, name="mapping"),
    path("mappings/<int:pk>/edit/", views.edit, name="edit"),
    path("mappings/approve/", views.Approve.as_view(), name="approve"),
    path("mappings/send-back/", views.SendBack.as_view(), name="send_back"),
    path("mappings/submit/", views.Submit.as_view(), name="submit"),
    path("mappings/discard/", views.Discard.as_view(), name="discard"),
    path("mappings/end/", views.End.as_view(), name="end"),
    path("targets/", views.targets, name="targets"),
    path("import/", RedirectView.as_view(pattern_name="sheets:new"), {"code": "values.mapping"}, name="import"),
]
