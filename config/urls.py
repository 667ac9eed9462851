"""Addresses of the portal: each room brings its own."""

from django.urls import include, path

handler400 = "portal.desk.views.bad_request"
handler403 = "portal.desk.views.forbidden"
handler404 = "portal.desk.views.not_found"
handler500 = "portal.desk.views.broken"

urlpatterns = [
    path("", include("portal.desk.urls")),
    path("", include("portal.people.urls")),
    path("tasks/", include("portal.tasks.urls")),
    path("approvals/", include("portal.approvals.urls")),
    path("uncover/", include("portal.audit.uncover_urls")),
    path("values/", include("portal.values.urls")),
    path("system/", include("portal.system.urls")),
    path("audit/", include("portal.system.audit_urls")),
    path("sheets/", include("portal.sheets.urls")),
    path("directory/", include("insurance.directory.urls")),
    path("exchange/", include("insurance.exchange.urls")),
    path("catalogue/", include("insurance.catalogue.urls")),
    path("mapping/", include("insurance.mapping.urls")),
]
