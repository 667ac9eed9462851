"""Addresses of the desk."""

from django.urls import path

from portal.desk import helping, views

app_name = "desk"
urlpatterns = [
    path("", views.home, name="home"),
    path("help/", helping.page, name="help"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]
