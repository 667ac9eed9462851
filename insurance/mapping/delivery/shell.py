"""What this corner gives to the shell: words, work lines, a card on the desk, alarms, its forms."""

from __future__ import annotations

from collections.abc import Mapping as Values
from typing import Any

from django.conf import settings
from django.db.models import Count as Number
from django.db.models import Min, Q
from django.urls import reverse

from insurance.exchange.choices import SubmissionState
from insurance.exchange.debugging.registry import register_form
from insurance.exchange.models import Submission
from insurance.mapping.delivery.queries import (
    BAD,
    FOR_BUREAU,
    IDLE,
    REFUSED,
    TABS,
    UNKNOWN,
    late_before,
    relations_on_their_way,
)
from insurance.mapping.models import Mapping
from portal.audit.words import register_words
from portal.desk.registry import Count, Panel, Work, WorkLine, add_panel, add_work
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.system.alarms import AlarmKind, AlarmSource, register_source

VIEW = "mapping.view"
WORDS = {
    "mapping.submit": "上传对照",
    "mapping.recall": "撤回上传",
    "mapping.verdict": "局方审核结果",
}
PANEL = {
    "refused": "red", "unknown": "orange", "failed": "red", "idle": "yellow", "queued": "azure", "waiting": "yellow",
}  # fmt: skip


def _rows(institution: Institution) -> Any:
    return relations_on_their_way(Mapping.objects.filter(institution=institution))


def uploads_panel(actor: Actor) -> Values[str, Any]:
    """Return how many relations stand where on their way, each number with exactly its rows."""
    found = _rows(actor.institution).aggregate(**{f"n_{key}": Number("pk", filter=TABS[key][1]) for key in PANEL})
    url = reverse("mapping:deliveries")
    return {
        "counts": [Count(TABS[key][0], found[f"n_{key}"], f"{url}?tab={key}", colour) for key, colour in PANEL.items()]
    }


def lines_to_see_to(actor: Actor) -> list[WorkLine]:
    """Return what somebody must do about uploads and the bureau's word."""
    url = reverse("mapping:deliveries")
    late = FOR_BUREAU & Q(told_at__lt=late_before())
    found = _rows(actor.institution).aggregate(
        refused=Number("pk", filter=REFUSED),
        unknown=Number("pk", filter=UNKNOWN),
        failed=Number("pk", filter=BAD),
        failed_at=Min("verdict_at", filter=BAD),
        idle=Number("pk", filter=IDLE),
        idle_at=Min("approved_at", filter=IDLE),
        late=Number("pk", filter=late),
        late_at=Min("told_at", filter=late),
    )
    days = settings.MAPPING_VERDICT_DAYS
    return [
        WorkLine(
            "对照上传失败", found["refused"], f"{url}?tab=refused", "danger",
            "按「下一步」改正后重新上传；同一项目后面的对照在等它。", duty="mapping.submit",
        ),
        WorkLine(
            "局方不通过的对照", found["failed"], f"{url}?tab=failed", "danger", "按局方意见更正后重新对码或重新上传。",
            found["failed_at"], duty="mapping.submit",
        ),
        WorkLine(
            "对照上传结果待查", found["unknown"], f"{url}?tab=unknown", "warning",
            "系统正在查证；查不出的到「结果待查」写下结论。", duty="exchange.decide",
        ),
        WorkLine(
            "审核通过未上传的对照", found["idle"], f"{url}?tab=idle", "warning", "看明原因，改正后点「重新上传」。",
            found["idle_at"], duty="mapping.submit",
        ),
        WorkLine(
            f"超过 {days} 天待局方审核", found["late"], f"{url}?tab=waiting&late=1", "warning",
            "请联系医保局；没有审核的对照不能上传费用。", found["late_at"], duty="mapping.submit",
        ),
    ]  # fmt: skip


def look_refused(institution: Institution | None) -> tuple[str, str] | None:
    """Say that uploads of relations were refused and nobody has seen to them."""
    found = Submission.objects.filter(
        institution=institution, state=SubmissionState.REFUSED, superseded=False, purpose__startswith="mapping."
    )
    number = found.count() if institution else 0
    return (f"{number} 条目录对照上传失败，须改正后重新上传", "warning") if number else None


def look_turned_down(institution: Institution | None) -> tuple[str, str] | None:
    """Say that the bureau turned relations down."""
    number = Mapping.objects.filter(BAD, institution=institution).count() if institution else 0
    return (f"{number} 条目录对照局方不通过，相关费用上传会被拒", "danger") if number else None


def look_late(institution: Institution | None) -> tuple[str, str] | None:
    """Say that relations wait for the bureau longer than the setting says."""
    late = Mapping.objects.filter(FOR_BUREAU, institution=institution, told_at__lt=late_before())
    number = late.count() if institution else 0
    return (f"{number} 条目录对照待局方审核超过 {settings.MAPPING_VERDICT_DAYS} 天", "warning") if number else None


def register_shell() -> None:
    """Hand everything over."""
    register_words(WORDS)
    for infno in ("3301", "3302", "3360"):
        register_form(infno, "mapping:deliveries", "目录对照")
    add_panel(Panel("对照上传", uploads_panel, order=30, action=VIEW))
    add_work(Work("mapping.deliveries", lines_to_see_to, action=VIEW, order=52))
    for code, label, look in (
        ("mapping.refused", "对照上传失败", look_refused),
        ("mapping.turned_down", "局方不通过", look_turned_down),
        ("mapping.late", "局方超期未审", look_late),
    ):
        register_source(AlarmSource(AlarmKind(code, label, "exchange"), look))
