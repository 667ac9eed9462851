"""Addresses of the exchange's pages."""

from django.urls import URLPattern

app_name = "exchange"
urlpatterns: list[URLPattern] = []
