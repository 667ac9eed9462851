"""Addresses of this room."""

from django.urls import path
from django.views.generic import RedirectView

from insurance.directory.views import comparing, department_batches, departments, staff
from insurance.directory.views.asking import asking

app_name = "directory"


# The wizard of portal.sheets, under this room's addresses.
to_wizard = RedirectView.as_view(pattern_name="sheets:new")

urlpatterns = [
    path("", departments.DepartmentList.as_view(), name="departments"),
    path("new/", departments.new, name="department_new"),
    path("import/", to_wizard, {"code": "directory.department"}, name="departments_import"),
    path("<int:pk>/", departments.detail, name="department"),
    path("<int:pk>/edit/", departments.edit, name="department_edit"),
    path("upload/", department_batches.Upload.as_view(), name="department_upload"),
    path("end/", department_batches.End.as_view(), name="department_end"),
    path("withdraw/", department_batches.Withdraw.as_view(), name="department_withdraw"),
    path("discard/", department_batches.Discard.as_view(), name="department_discard"),
    path("compare/", comparing.Comparison.as_view(), name="compare"),
    path("compare/run/", asking("directory.compare", "directory:compare"), name="compare_run"),
    path("compare/<int:pk>/", comparing.detail, name="comparison"),
    path("practitioners/", staff.PractitionerList.as_view(), name="practitioners"),
    path("practitioners/run/", asking("directory.practitioners", "directory:practitioners"), name="practitioners_run"),
    path("practitioners/<int:pk>/", staff.practitioner, name="practitioner"),
    path("practitioners/import/", to_wizard, {"code": "directory.staff"}, name="staff_import"),
    path("practitioners/compare/", comparing.StaffComparison.as_view(), name="compare_staff"),
    path("institution/", staff.institution, name="institution"),
    path("institution/run/", asking("directory.institution", "directory:institution"), name="institution_run"),
]
for which, page, back in (
    ("departments", comparing.Comparison, "directory:compare"),
    ("staff", comparing.StaffComparison, "directory:compare_staff"),
):
    for key, way in (("adopt", comparing.Adopt), ("keep", comparing.Keep), ("ignore", comparing.Ignore)):
        address = f"compare/{which}/{key}/"
        urlpatterns.append(path(address, comparing.settling(way, page, back), name=f"compare_{which}_{key}"))
