"""Addresses of the audit: its pages need the lists, so they stand here; the history page is the audit's own."""

from __future__ import annotations

from django.urls import path

from portal.audit.views import history
from portal.system import audit_pages, seal_pages

app_name = "audit"
urlpatterns = [
    path("", audit_pages.AuditList.as_view(), name="list"),
    path("<int:pk>/", audit_pages.event, name="event"),
    path("seals/", seal_pages.SealList.as_view(), name="seals"),
    path("seals/verify/", seal_pages.verify_now, name="verify"),
    path("history/<str:label>/<str:pk>/", history, name="history"),
]
