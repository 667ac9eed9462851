"""What this room gives to the shell: menu lines and a card on the desk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Count as Number
from django.db.models import Min
from django.urls import reverse
from django.utils import timezone

from insurance.directory.choices import ComparisonKind, Verdict
from insurance.directory.models import ComparisonRow, Department, Practitioner
from insurance.directory.queries import TABS, VERDICT_TABS, with_delivery
from insurance.directory.recording import register_recording
from insurance.exchange.debugging.registry import register_form
from portal.desk.registry import Count, MenuEntry, Panel, Work, WorkLine, add_menu, add_panel, add_work
from portal.people.actor import Actor

SOON_DAYS = 60
PANEL = {"todo": "yellow", "queued": "azure", "refused": "red", "unknown": "orange"}


def departments_panel(actor: Actor) -> Mapping[str, Any]:
    """Return how many departments somebody must look at, how many differ, and whose certificate ends soon."""
    rows = with_delivery(Department.objects.filter(institution=actor.institution))
    found = rows.aggregate(**{f"n_{key}": Number("pk", filter=TABS[key][1]) for key in PANEL})
    url = reverse("directory:departments")
    counts = [Count(TABS[key][0], found[f"n_{key}"], f"{url}?tab={key}", colour) for key, colour in PANEL.items()]
    ending = Practitioner.objects.filter(
        institution=actor.institution, left_at=None, endtime__lte=timezone.now() + timedelta(days=SOON_DAYS)
    ).count()
    staff = f"{reverse('directory:practitioners')}?tab=all&left=0&within={SOON_DAYS}"
    return {
        "counts": [
            *counts,
            Count(f"证书 {SOON_DAYS} 天内到期", ending, staff, "yellow"),
        ]
    }


def lines_to_see_to(actor: Actor) -> list[WorkLine]:
    """Return what somebody must do about departments and certificates, each number with exactly its rows."""
    url = reverse("directory:departments")
    drafts = Department.objects.filter(TABS["draft"][1], institution=actor.institution)
    draft = drafts.aggregate(number=Number("pk"), since=Min("created_at"))
    rows = ComparisonRow.objects.filter(institution=actor.institution, kind=ComparisonKind.DEPARTMENT)
    differing = rows.filter(VERDICT_TABS[Verdict.DIFFERENT.value][1]).count()
    now = timezone.now()
    ending = Practitioner.objects.filter(
        institution=actor.institution, left_at=None, endtime__lte=now + timedelta(days=SOON_DAYS)
    ).aggregate(number=Number("pk"), due=Min("endtime"))
    staff = f"{reverse('directory:practitioners')}?tab=all&left=0&within={SOON_DAYS}"
    compare = f"{reverse('directory:compare')}?tab={Verdict.DIFFERENT.value}"
    return [
        WorkLine(
            "科室草稿未上传", draft["number"], f"{url}?tab=draft", "info", "核对后勾选，点「上传」。", draft["since"],
            duty="directory.submit",
        ),
        WorkLine(
            "科室与平台不同", differing, compare, "warning", "逐条选「以平台为准」「以本院为准」或「不处理」。",
            duty="directory.decide",
        ),
        WorkLine(
            f"医执人员证书已过期或 {SOON_DAYS} 天内到期", ending["number"], staff, "warning",
            "通知本人续期，续期后再核对人员。", due=ending["due"], duty="directory.edit",
        ),
    ]  # fmt: skip


def register_shell() -> None:
    """Hand menu, panel, the words of the audit and the records with a history over."""
    register_recording()
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
    for infno in ("3401", "3401A", "3402", "3403"):
        register_form(infno, "directory:departments", "科室")
    add_panel(Panel("科室与人员", departments_panel, order=20, action=view))
    add_work(Work("directory", lines_to_see_to, action=view, order=40))
