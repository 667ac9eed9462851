"""Where one record is uncovered."""

from __future__ import annotations

from django.urls import path

from portal.audit import uncover_views

app_name = "uncover"
urlpatterns = [path("<str:label>/<int:pk>/", uncover_views.uncover_one, name="one")]
