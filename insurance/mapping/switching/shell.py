"""What this corner gives to the shell: menu lines, work lines, importers, the words of its acts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import Count as Number
from django.db.models import Min, Q
from django.urls import reverse
from django.utils import timezone

from insurance.mapping.choices import FindingKind, LineState, NightState, SwitchState, WorkState
from insurance.mapping.models import CodeSwitch, Finding, NightRun
from insurance.mapping.switching.importing import register_importers
from insurance.mapping.switching.recording import register_recording
from insurance.mapping.switching.watching import register_watching
from portal.desk.registry import Count, MenuEntry, Panel, Work, WorkLine, add_menu, add_panel, add_work
from portal.people.actor import Actor

VIEW = "mapping.view"
COLOURS = {
    FindingKind.BROKEN: "red", FindingKind.ENDING: "orange", FindingKind.OVER_CEILING: "orange",
    FindingKind.RECLASSED: "purple",
}  # fmt: skip
LINES: tuple[tuple[FindingKind, str, str, str], ...] = (
    (FindingKind.BROKEN, "对照的编码已失效", "danger", "逐条更换编码，或终止、标为不处理。"),
    (FindingKind.ENDING, "对照的编码即将失效", "warning", "在失效日以前更换编码，或请局方给出新旧编码对照表。"),
    (FindingKind.OVER_CEILING, "单价超过限价", "warning", "请物价核对单价，或标为不处理并写明原因。"),
    (FindingKind.RECLASSED, "医保等级或限制变化", "info", "核对后标为不处理，或更换编码。"),
)


def findings_lines(actor: Actor) -> list[WorkLine]:
    """Return what catalogue versions and prices did, each number with exactly its rows."""
    rows = Finding.objects.filter(institution=actor.institution, state=WorkState.OPEN).order_by()
    counted = rows.values("kind").annotate(n=Number("pk"), due=Min("due"), since=Min("found_at"))
    found: dict[str, dict[str, Any]] = {row["kind"]: dict(row) for row in counted}
    url = reverse("mapping:findings")
    lines = []
    for kind, label, level, step in LINES:
        row = found.get(kind.value, {})
        due = _end_of(row["due"]) if row.get("due") and kind == FindingKind.ENDING else None
        lines.append(
            WorkLine(
                label,
                row.get("n", 0),
                f"{url}?tab={kind.value}",
                level,
                step,
                row.get("since"),
                due,
                duty="mapping.edit",
            )
        )
    return lines


def _end_of(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time(23, 59, 59)))


def switch_lines(actor: Actor) -> list[WorkLine]:
    """Return each change of codes that is near: what of it is not prepared, not approved, or hangs after its day."""
    rows = CodeSwitch.objects.filter(institution=actor.institution).exclude(
        state__in=[SwitchState.DONE, SwitchState.CANCELLED]
    )
    unready = Q(lines__state__in=[LineState.WAITING, LineState.RETURNED])
    counted = rows.annotate(
        unready=Number("lines", filter=unready),
        proposed=Number("lines", filter=Q(lines__state=LineState.PROPOSED)),
        ahead=Number("lines", filter=Q(lines__state=LineState.APPROVED)),
    ).order_by("day", "pk")
    return [line for switch in counted[:20] for line in _of_switch(switch)]


def _of_switch(switch: Any) -> list[WorkLine]:
    days = (switch.day - timezone.localdate()).days
    left = f"还有 {days} 天" if days > 0 else "今天切换" if days == 0 else f"已过 {-days} 天"
    name, url = f"「{switch.name}」（{left}）", switch.get_absolute_url()
    due = timezone.make_aware(dt.datetime.combine(switch.day, dt.time.min))
    level = "danger" if days <= 3 else "warning"
    lines = [
        WorkLine(
            f"{name}未准备", switch.unready, f"{url}?tab=unready", level, "逐类准备，一对多的逐项选择新编码。",
            due=due, duty="mapping.edit",
        ),
        WorkLine(
            f"{name}待审核", switch.proposed, f"{url}?tab=proposed", level, "由另一人抽查后整体通过。", due=due,
            duty="mapping.approve",
        ),
    ]  # fmt: skip
    if days <= 0:
        late = f"{name}还没有切换"
        lines.append(WorkLine(late, switch.ahead, f"{url}?tab=approved", "danger", "看上传结果和平台原因。", due=due))
    return lines


def lines_to_see_to(actor: Actor) -> list[WorkLine]:
    """Return everything of this corner that somebody has to see to."""
    return [*switch_lines(actor), *findings_lines(actor)]


def changes_panel(actor: Actor) -> Mapping[str, Any]:
    """Return how catalogue changes, switches and last night stand."""
    rows = Finding.objects.filter(institution=actor.institution, state=WorkState.OPEN).order_by()
    found = dict(rows.values_list("kind").annotate(n=Number("pk")))
    url = reverse("mapping:findings")
    counts = [
        Count(kind.label, found.get(kind.value, 0), f"{url}?tab={kind.value}", COLOURS.get(kind, "yellow"))
        for kind in FindingKind
        if kind not in (FindingKind.RENAMED, FindingKind.REPRICED)
    ]
    open_switches = CodeSwitch.objects.filter(institution=actor.institution).exclude(
        state__in=[SwitchState.DONE, SwitchState.CANCELLED]
    )
    counts.append(Count("进行中的目录切换", open_switches.count(), reverse("mapping:switches"), "blue"))
    return {"counts": counts, "note": night_note(actor)}


def night_note(actor: Actor) -> str:
    """Return how the last night went, in one sentence: green says so too."""
    night = NightRun.objects.filter(institution=actor.institution).order_by("-day").first()
    if night is None:
        return "夜间更新还没有运行过。"
    ended = f" {timezone.localtime(night.ended_at):%H:%M}" if night.ended_at else ""
    if night.state == NightState.GREEN:
        return f"夜间更新 {night.day} 全部完成（{ended.strip()}）。"
    return f"夜间更新 {night.day} {night.get_state_display()}{ended}。"


def register_shell() -> None:
    """Hand over what the shell shows of this corner."""
    register_recording()
    register_importers()
    register_watching()
    group = "目录对照"
    add_menu(MenuEntry("目录变更影响", "mapping:findings", group, 60, VIEW, ("编码失效", "超限价", "停用", "目录更新")))
    add_menu(MenuEntry("目录切换", "mapping:switches", group, 65, VIEW, ("新旧编码", "对照表", "换码", "切码", "1:n")))
    add_menu(MenuEntry("夜间更新", "mapping:nights", group, 70, VIEW, ("每晚", "定时", "凌晨", "1317")))
    add_panel(Panel("目录变更与切换", changes_panel, order=34, action=VIEW))
    add_work(Work("mapping.switching", lines_to_see_to, action=VIEW, order=46))
