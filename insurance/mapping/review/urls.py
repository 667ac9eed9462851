"""Addresses of this corner, under the room's."""

from django.urls import URLPattern, path
from django.views.generic import RedirectView

from insurance.mapping.review.views import approvals, bench, bulk, mappings, rounds

# The wizard of portal.sheets, under this room's addresses.
to_wizard = RedirectView.as_view(pattern_name="sheets:new")

urlpatterns: list[URLPattern] = [
    path("review/", bench.bench, name="review"),
    path("review/keys/", bench.keys, name="review_keys"),
    path("review/certain/", bulk.certain, name="certain"),
    path("review/<int:pk>/take/", bench.take, name="take"),
    path("review/<int:pk>/skip/", bench.skip, name="skip"),
    path("review/<int:pk>/no-code/", bench.no_code, name="no_code"),
    path("review/<int:pk>/note/", bench.note, name="note"),
    path("review/undo/<int:pk>/", bench.undo, name="undo"),
    path("approvals/", approvals.Approvals.as_view(), name="approvals"),
    path("approvals/approve/", approvals.Approve.as_view(), name="approvals_approve"),
    path("approvals/return/", approvals.Return.as_view(), name="approvals_return"),
    path("approvals/cancel/", mappings.CancelMine.as_view(), name="approvals_cancel"),
    path("approvals/endings/", approvals.EndingApprovals.as_view(), name="ending_approvals"),
    path("approvals/endings/approve/", approvals.ApproveEndings.as_view(), name="endings_approve"),
    path("approvals/endings/return/", approvals.ReturnEndings.as_view(), name="endings_return"),
    path("approvals/endings/cancel/", approvals.CancelEndings.as_view(), name="endings_cancel"),
    path("approvals/rounds/<int:pk>/", rounds.show, name="round"),
    path("approvals/rounds/<int:pk>/approve/", rounds.approve, name="round_approve"),
    path("approvals/looks/<int:pk>/", rounds.look, name="round_look"),
    path("approvals/looks/<int:pk>/return/", rounds.give_back, name="round_return"),
    path("mappings/", mappings.Mappings.as_view(), name="mappings"),
    path("mappings/import/", to_wizard, {"code": "mapping.relations"}, name="mappings_import"),
    path("mappings/end/", mappings.End.as_view(), name="mappings_end"),
    path("mappings/remove/", mappings.Remove.as_view(), name="mappings_remove"),
    path("mappings/cancel/", mappings.Cancel.as_view(), name="mappings_cancel"),
    path("mappings/upload/", mappings.UploadAgain.as_view(), name="mappings_upload"),
    path("mappings/<int:pk>/", mappings.detail, name="mapping"),
]
