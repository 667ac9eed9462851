"""Addresses of this corner, under the room's."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
