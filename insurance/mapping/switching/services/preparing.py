"""Preparing a change of codes: proposals and endings are made for its lines, and taken back again as a whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from insurance.mapping.choices import EndingKind, LineKind, LineState, Source, SwitchState
from insurance.mapping.errors import MappingError
from insurance.mapping.models import CodeSwitch, SwitchLine
from insurance.mapping.review.services import Choice, propose_all, propose_ending
from insurance.mapping.rules import may_map
from insurance.mapping.switching.errors import SwitchingError
from insurance.mapping.switching.services.assessing import assess
from insurance.mapping.switching.services.switches import hold
from portal.audit.services import record
from portal.people.actor import Actor

NOT_MINE = "您没有对这类项目对码的权限，请由负责的科室准备"


@dataclass
class Prepared:
    """What became of the lines: `done`, and the rest each with the reason why not."""

    done: list[SwitchLine] = field(default_factory=list)
    skipped: list[tuple[SwitchLine, str]] = field(default_factory=list)


def hindrance_of(actor: Actor, line: SwitchLine) -> str:
    """Return why a line cannot be prepared now, "" when it can."""
    if line.switch.state in (SwitchState.CANCELLED, SwitchState.DONE):
        return f"本次切换{line.switch.get_state_display()}"
    if line.state not in (LineState.WAITING, LineState.RETURNED):
        return f"已是「{line.get_state_display()}」，无需再准备"
    if line.kind == LineKind.CHOICE and not line.new_code:
        return "旧编码拆成几个新编码，须逐项选择"
    if line.hindrance:
        return line.hindrance
    if line.kind == LineKind.UNLISTED:
        return "局方对照表没有列出这个编码，请向局方核实后更正对照表，或在对码工作台更换编码"
    return "" if may_map(actor, line.item.list_type) else NOT_MINE


@transaction.atomic
def prepare_lines(actor: Actor, *, switch: CodeSwitch, lines: Iterable[SwitchLine]) -> Prepared:
    """Propose the change of each line: the only successor from the day on, or the end of what has none.

    Nothing is sent. Raises NotAllowed; a line that cannot be prepared is told with its reason and hinders no other.
    """
    actor.must("mapping.edit")
    locked = hold(actor, switch)
    done = Prepared()
    rows = SwitchLine.objects.filter(switch=locked, pk__in=[line.pk for line in lines])
    able: list[SwitchLine] = []
    for line in rows.select_related("item", "mapping", "switch", "ending").order_by("pk"):
        words = hindrance_of(actor, line)
        if words:
            done.skipped.append((line, words))
        else:
            able.append(line)
    _end_lines(actor, locked, [line for line in able if line.kind == LineKind.DROPPED], done)
    _propose_lines(actor, locked, [line for line in able if line.kind != LineKind.DROPPED], done)
    if done.done:
        _note_proposed(actor, locked)
        record(actor, "mapping.switch_prepare", [locked], label=f"准备切换 {len(done.done)} 项：{locked.name}")
    assess(locked)
    return done


def _end_lines(actor: Actor, switch: CodeSwitch, lines: Sequence[SwitchLine], done: Prepared) -> None:
    last = switch.day - dt.timedelta(days=1)
    words = f"目录切换「{switch.name}」：旧编码停用，没有新编码"
    for line in lines:
        try:
            with transaction.atomic():
                line.ending = propose_ending(
                    actor, mapping=line.mapping, kind=EndingKind.END, enddate=last, reason=words
                )
                line.save(update_fields=["ending"])
            done.done.append(line)
        except MappingError as error:
            done.skipped.append((line, str(error)))


def _propose_lines(actor: Actor, switch: CodeSwitch, lines: Sequence[SwitchLine], done: Prepared) -> None:
    """Propose many in a few statements; what was left out says why."""
    if not lines:
        return
    by_item = {line.item_id: line for line in lines}
    choices = [_choice(switch, line, line.new_code) for line in by_item.values()]
    made = propose_all(actor, choices=choices, label=f"目录切换「{switch.name}」")
    for mapping in made.made:
        line = by_item[mapping.item_id]
        line.proposal = mapping
        done.done.append(line)
    done.skipped += [(by_item[item.pk], words) for item, words in made.left_out]
    done.skipped += [(line, "同一项目另有一行，请先处理它") for line in lines if by_item[line.item_id] is not line]


def _choice(switch: CodeSwitch, line: SwitchLine, code: str) -> Choice:
    words = f"目录切换「{switch.name}」：{line.mapping.med_list_codg} → {code}"
    reasons: list[dict[str, Any]] = next((one["reasons"] for one in line.candidates if one["code"] == code), [])
    return Choice(
        line.item, code, Source.SWITCHED.value, begndate=switch.day, reasons=reasons, memo=words, switch=switch
    )


@transaction.atomic
def choose_code(actor: Actor, *, line: SwitchLine, code: str) -> SwitchLine:
    """Take one of the successors for a relation whose old code was split, and propose it. Raises SwitchingError."""
    actor.must("mapping.edit")
    switch = hold(actor, line.switch)
    found: SwitchLine = SwitchLine.objects.select_related("item", "mapping", "switch").get(pk=line.pk)
    if not may_map(actor, found.item.list_type):
        raise SwitchingError(NOT_MINE)
    if code not in [one["code"] for one in found.candidates]:
        raise SwitchingError(f"对照表没有把 {found.mapping.med_list_codg} 对应到 {code}。请从列出的新编码中选择。")
    if found.kind != LineKind.CHOICE or found.state not in (LineState.WAITING, LineState.RETURNED):
        raise SwitchingError(f"{found.item}：{found.hindrance or f'已是「{found.get_state_display()}」'}，不能再选择。")
    made = propose_all(actor, choices=[_choice(switch, found, code)], label=f"目录切换「{switch.name}」")
    if made.left_out:
        raise SwitchingError(made.left_out[0][1])
    _note_proposed(actor, switch)
    record(actor, "mapping.switch_choose", [switch, found.item], label=f"选择新编码 {code}：{found.item}")
    assess(switch)
    found.refresh_from_db()
    return found


def _note_proposed(actor: Actor, switch: CodeSwitch) -> None:
    """Note who prepared last: that person is not the one who approves as a whole. The sample is drawn anew."""
    SwitchLine.objects.filter(switch=switch, drawn=True).update(drawn=False)
    if switch.approved_by_id is None:
        switch.proposed_by, switch.proposed_at = actor.person, timezone.now()
        switch.words = ""
        switch.save(update_fields=["proposed_by", "proposed_at", "words"])
