"""Addresses of the portal: each room brings its own."""

from django.urls import include, path

urlpatterns = [
    path("", include("portal.desk.urls")),
    path("", include("portal.people.urls")),
    path("tasks/", include("portal.tasks.urls")),
    path("sheets/", include("portal.sheets.urls")),
    path("directory/", include("insurance.directory.urls")),
    path("exchange/", include("insurance.exchange.urls")),
]
