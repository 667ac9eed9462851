"""Addresses of 值对照."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "values"
urlpatterns: list[URLPattern] = []
