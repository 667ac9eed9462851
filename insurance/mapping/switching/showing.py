"""What the page of a switch shows above its list: impact in numbers, how far it is, what can be done and why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone

from insurance.mapping.choices import LineState, ListType, SwitchRelation, SwitchState
from insurance.mapping.models import CodeSwitch
from insurance.mapping.switching.services.switches import CHANGEABLE
from insurance.mapping.switching.tables import NO_RIGHT
from portal.approvals.rules import may_decide
from portal.people.actor import Actor


@dataclass(frozen=True)
class Card:
    """One number of the impact, with the list behind it and a colour when it needs a look."""

    label: str
    value: str
    url: str = ""
    colour: str = ""


@dataclass(frozen=True)
class PageAct:
    """One button above the list: where it leads, and why it cannot be pressed now."""

    label: str
    url: str
    reason: str = ""
    primary: bool = False
    post: bool = False
    rare: bool = False


def cards_of(switch: CodeSwitch) -> list[Card]:
    """Return the impact of a switch as numbers."""
    summary: dict[str, Any] = switch.summary
    if not summary:
        return []
    url = switch.get_absolute_url()
    kinds = "、".join(f"{ListType(kind).label} {count:,}" for kind, count in sorted(summary["kinds"].items()))
    situations = summary["situations"]
    always = [
        Card("涉及项目", f"{summary['items']:,}", f"{url}?tab=all"),
        Card("按类别", kinds or "—"),
        Card("收入（元）", f"{Decimal(summary['revenue']):,.2f}"),
        Card("有库存", f"{summary['stocked']:,}"),
        Card("在院使用人次", f"{summary['inpatients']:,}", f"{url}?tab=all&risk=patients"),
    ]
    risks = [
        Card("单价超新限价", f"{summary['over']:,}", f"{url}?tab=all&risk=over", "orange"),
        Card("等级变化", f"{summary['reclassed']:,}", f"{url}?tab=all&risk=class", "purple"),
        Card("需人选择", f"{situations['choice']:,}", f"{url}?tab=choice", "orange"),
        Card("受阻", f"{situations['blocked']:,}", f"{url}?tab=blocked", "yellow"),
        Card("未列而失效", f"{situations['unlisted']:,}", f"{url}?tab=blocked", "red"),
        Card("新编码未到", f"{summary['unknown']:,}", f"{url}?tab=all&risk=unknown", "orange"),
        Card("已用新编码", f"{summary.get('already', 0):,}"),
    ]
    return [*always, *(card for card in risks if card.value != "0")]


def steps_of(switch: CodeSwitch) -> list[tuple[str, str, bool]]:
    """Return (step, how far, done) of a switch's way from table to day."""
    summary = switch.summary or {}
    progress = summary.get("progress", {})
    rows, items = summary.get("rows", 0), summary.get("items", 0)
    waiting = progress.get(LineState.WAITING, 0) + progress.get(LineState.RETURNED, 0)
    proposed = progress.get(LineState.PROPOSED, 0)
    ahead, done = progress.get(LineState.APPROVED, 0), progress.get(LineState.DONE, 0)
    relations = summary.get("relations", {})
    words = "、".join(f"{one.label} {relations[one.value]:,}" for one in SwitchRelation if relations.get(one.value))
    return [
        ("导入对照表", f"{rows:,} 行（{words}）" if rows else "还没有导入", bool(rows)),
        ("准备新对照", f"还差 {waiting:,} 项" if waiting else f"共 {items:,} 项", bool(items) and not waiting),
        ("另一人审核", f"待审核 {proposed:,} 项" if proposed else "没有待审核", bool(ahead or done) and not proposed),
        (f"{switch.day} 上传", f"已切换 {done:,} 项，待切换 {ahead:,} 项", switch.state == SwitchState.DONE),
    ]


def acts_of(actor: Actor, switch: CodeSwitch) -> list[PageAct]:
    """Return the buttons of a switch's page, those that cannot be pressed with the reason."""
    return list(_acts(actor, switch))


def _acts(actor: Actor, switch: CodeSwitch) -> Iterator[PageAct]:
    state = f"本次切换{switch.get_state_display()}"
    progress = (switch.summary or {}).get("progress", {})
    proposed = progress.get(LineState.PROPOSED, 0)
    open_still = switch.state not in (SwitchState.CANCELLED, SwitchState.DONE)
    may_import = "" if actor.may("mapping.import") else NO_RIGHT

    def at(name: str) -> str:
        return reverse(f"mapping:{name}", args=[switch.pk])

    yield PageAct("导入对照表", at("switch_upload"), may_import or ("" if switch.state in CHANGEABLE else state))
    yield PageAct("查看对照表", at("switch_rows"))
    why = may_decide(actor, "mapping.approve", switch.proposed_by) if proposed else "没有待审核的项目"
    yield PageAct("审核", at("switch_approve"), why, primary=bool(proposed))
    decide = "" if actor.may("mapping.decide") else NO_RIGHT
    prepared = proposed or progress.get(LineState.APPROVED, 0) or progress.get(LineState.RETURNED, 0)
    early = "" if switch.day > timezone.localdate() else "切换日已到，不能整体撤回"
    undo = (state if not open_still else early) or ("" if prepared else "还没有准备任何项目")
    yield PageAct("整体撤回", at("switch_undo"), decide or undo)
    draft = "" if switch.state == SwitchState.DRAFT else f"{state}，不能修改"
    yield PageAct("修改", at("switch_edit"), may_import or draft, rare=True)
    yield PageAct("作废", at("switch_cancel"), decide or ("" if open_still else state), rare=True)
    yield PageAct("重新核对影响", at("switch_assess"), "" if open_still else state, post=True)
