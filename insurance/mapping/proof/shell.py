"""What this corner gives to the shell: menu lines, words, work lines and an alarm."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, Min
from django.urls import reverse
from django.utils import timezone

from insurance.directory.queries import latest_task
from insurance.exchange.models import Connection
from insurance.mapping.choices import DifferenceKind
from insurance.mapping.models import Difference
from insurance.mapping.proof.queries import ADVICE, OPEN
from insurance.mapping.proof.tasks import COMPARE
from portal.audit.words import register_words
from portal.desk.registry import MenuEntry, Work, WorkLine, add_menu, add_work
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.system.alarms import AlarmKind, AlarmSource, register_source
from portal.tasks.choices import TaskState

VIEW = "mapping.view"
GROUP = "目录对照"
WORDS = {
    "mapping.compare": "平台对照核对",
    "mapping.adopt": "以平台为准",
    "mapping.keep": "以本院为准",
    "mapping.ignore": "不处理差异",
}
LEVELS = {DifferenceKind.OTHER_CODE: "danger", DifferenceKind.EXPIRED: "danger", DifferenceKind.MISSING: "danger"}
# The night's run may fail once; what was not compared for two days is not known any more.
STALE = dt.timedelta(hours=50)


def lines_to_see_to(actor: Actor) -> list[WorkLine]:
    """Return the open differences by kind, each number with exactly its rows."""
    rows = Difference.objects.filter(OPEN, institution=actor.institution).values("kind").order_by("kind")
    found = {row["kind"]: row for row in rows.annotate(number=Count("pk"), since=Min("found_at"))}
    url = reverse("mapping:proof")
    return [
        WorkLine(
            f"平台核对：{kind.label}", found[kind.value]["number"], f"{url}?tab={kind.value}",
            LEVELS.get(kind, "warning"), ADVICE[kind], found[kind.value]["since"], duty="mapping.decide",
        )
        for kind in DifferenceKind if kind.value in found
    ]  # fmt: skip


def look_failed(institution: Institution | None) -> tuple[str, str] | None:
    """Say that the comparison with the platform failed last time, or was not made for days."""
    if institution is None or not Connection.objects.filter(institution=institution).exists():
        return None
    task = latest_task(institution, COMPARE)
    if task is None:
        return None
    if task.state == TaskState.FAILED:
        return f"平台对照核对没有完成：{task.message}"[:300], "warning"
    if task.ended_at is not None and timezone.now() - task.ended_at > STALE:
        return f"平台对照已 {(timezone.now() - task.ended_at).days} 天没有核对", "warning"
    return None


def register_shell() -> None:
    """Hand everything over."""
    register_words(WORDS)
    add_menu(MenuEntry("对照总览", "mapping:board", GROUP, 5, VIEW, ("对码进度", "看板", "对照率")))
    add_menu(
        MenuEntry(
            "对照上传", "mapping:deliveries", GROUP, 45, VIEW, ("3301", "3302", "3360", "待局方", "局方审核", "5163")
        )
    )
    add_menu(MenuEntry("平台核对", "mapping:proof", GROUP, 50, VIEW, ("1317", "核对对照", "对照差异", "多出", "缺少")))
    add_work(Work("mapping.proof", lines_to_see_to, action=VIEW, order=54))
    register_source(AlarmSource(AlarmKind("mapping.compare", "平台对照没有核对", "exchange"), look_failed))
