"""What this room gives to the shell: menu lines and a card on the desk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Count as Number
from django.urls import reverse
from django.utils import timezone

from insurance.directory.choices import ComparisonKind, Verdict
from insurance.directory.models import ComparisonRow, Department, Practitioner
from insurance.directory.queries import TABS, with_delivery
from portal.desk.registry import Count, MenuEntry, Panel, add_menu, add_panel
from portal.people.actor import Actor

SOON_DAYS = 60
PANEL = {"todo": "yellow", "queued": "azure", "refused": "red", "unknown": "orange"}


def departments_panel(actor: Actor) -> Mapping[str, Any]:
    """Return how many departments somebody must look at, how many differ, and whose certificate ends soon."""
    rows = with_delivery(Department.objects.filter(institution=actor.institution))
    found = rows.aggregate(**{f"n_{key}": Number("pk", filter=TABS[key][1]) for key in PANEL})
    url = reverse("directory:departments")
    counts = [Count(TABS[key][0], found[f"n_{key}"], f"{url}?tab={key}", colour) for key, colour in PANEL.items()]
    differing = ComparisonRow.objects.filter(
        institution=actor.institution, kind=ComparisonKind.DEPARTMENT, verdict=Verdict.DIFFERENT
    ).count()
    ending = Practitioner.objects.filter(
        institution=actor.institution, left_at=None, endtime__lte=timezone.now() + timedelta(days=SOON_DAYS)
    ).count()
    staff = f"{reverse('directory:practitioners')}?tab=all&left=0&within={SOON_DAYS}"
    compare = f"{reverse('directory:compare')}?tab={Verdict.DIFFERENT.value}"
    return {
        "counts": [
            *counts,
            Count("与平台不同", differing, compare, Verdict.DIFFERENT.colour),
            Count(f"证书 {SOON_DAYS} 天内到期", ending, staff, "yellow"),
        ]
    }


def register_shell() -> None:
    """Hand menu and panel over."""
    group = "科室与人员"
    view = "directory.view"
    add_menu(
        MenuEntry(
            "科室",
            "directory:departments",
            group,
            10,
            view,
            ("3401", "3402", "3403", "5101", "部门", "对科室", "科室核对"),
        )
    )
    add_menu(
        MenuEntry(
            "医保医师护士药师",
            "directory:practitioners",
            group,
            30,
            view,
            ("5102", "医执人员", "医生", "本院人员", "人员核对"),
        )
    )
    add_menu(MenuEntry("机构信息", "directory:institution", group, 50, view, ("1201",)))
    add_panel(Panel("科室与人员", departments_panel, order=20, action=view))
