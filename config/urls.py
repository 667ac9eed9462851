"""Addresses of the portal: each room brings its own."""

from importlib.util import find_spec

from django.urls import include, path

handler400 = "portal.desk.views.bad_request"
handler403 = "portal.desk.views.forbidden"
handler404 = "portal.desk.views.not_found"
handler500 = "portal.desk.views.broken"

ROOMS = [
    ("", "portal.desk.urls"),
    ("", "portal.people.urls"),
    ("tasks/", "portal.tasks.urls"),
    ("sheets/", "portal.sheets.urls"),
    ("directory/", "insurance.directory.urls"),
    ("exchange/", "insurance.exchange.urls"),
]

urlpatterns = [path(prefix, include(module)) for prefix, module in ROOMS if find_spec(module)]
