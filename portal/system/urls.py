"""Addresses of 系统."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "system"
urlpatterns: list[URLPattern] = []
