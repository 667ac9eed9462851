"""Addresses of 双人审核."""

from __future__ import annotations

from django.urls import path

from portal.approvals.views import clearing, deciding, handovers, leaves, rosters

app_name = "approvals"
urlpatterns = [
    path("", deciding.ApprovalList.as_view(), name="list"),
    path("<int:pk>/", deciding.detail, name="detail"),
    path("<int:pk>/approve/", deciding.approve, name="approve"),
    path("<int:pk>/refuse/", deciding.refuse, name="refuse"),
    path("<int:pk>/withdraw/", deciding.withdraw, name="withdraw"),
    path("<int:pk>/countersign/", deciding.countersign, name="countersign"),
    path("leave/", leaves.leave, name="leave"),
    path("leave/<int:pk>/end/", leaves.end, name="leave_end"),
    path("roster/", rosters.roster, name="roster"),
    path("roster/save/", rosters.save, name="roster_save"),
    path("roster/fill/", rosters.fill, name="roster_fill"),
    path("handover/", handovers.handover, name="handover"),
    path("handover/<int:pk>/seen/", handovers.seen, name="handover_seen"),
    path("clearing/", clearing.GrantList.as_view(), name="clearing"),
    path("clearing/new/", clearing.new, name="clearing_new"),
    path("clearing/<int:pk>/", clearing.one, name="clearing_one"),
    path("clearing/<int:pk>/end/", clearing.end, name="clearing_end"),
]
