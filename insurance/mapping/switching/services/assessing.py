"""What a change of codes does to each standing relation, worked out anew from the table, the catalogue and the work."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from insurance.catalogue.queries import code_rows, validity
from insurance.mapping.choices import (
    UNDECIDED,
    EndingState,
    LineKind,
    LineState,
    MappingState,
    SwitchRelation,
    SwitchState,
)
from insurance.mapping.models import CodeSwitch, CodeSwitchRow, Ending, Mapping, SwitchLine
from insurance.mapping.switching.facts import Known, has_area, known, money, standing, yes_no
from insurance.mapping.switching.successors import candidates_of
from insurance.mapping.switching.tabling import stated_relation

PROGRESS = {
    MappingState.PROPOSED: LineState.PROPOSED,
    MappingState.RETURNED: LineState.RETURNED,
    MappingState.APPROVED: LineState.APPROVED,
    MappingState.IN_FORCE: LineState.DONE,
    MappingState.ENDED: LineState.DONE,
}
ENDING_PROGRESS = {
    EndingState.PROPOSED: LineState.PROPOSED,
    EndingState.RETURNED: LineState.RETURNED,
    EndingState.APPROVED: LineState.APPROVED,
    EndingState.DONE: LineState.DONE,
}
OPEN_LINES = (LineState.WAITING, LineState.RETURNED)
OPEN_ENDINGS = (EndingState.PROPOSED, EndingState.RETURNED, EndingState.APPROVED)
COLUMNS = (
    "kind", "state", "relation", "new_code", "new_name", "candidates", "hindrance", "warnings", "over", "class_from",
    "class_to", "proposal", "ending",
)  # fmt: skip
BATCH = 500


@dataclass
class Sight:
    """Everything a line is worked out from."""

    switch: CodeSwitch
    rows: dict[str, list[CodeSwitchRow]]
    codes: dict[tuple[str, str], Known] = field(default_factory=dict)
    proposals: dict[int, Mapping] = field(default_factory=dict)
    undecided: dict[int, Mapping] = field(default_factory=dict)
    endings: dict[int, Ending] = field(default_factory=dict)
    own: set[int] = field(default_factory=set)
    """Keys of endings that were made for this switch."""
    area: bool = False
    """Whether it is known at all what the insured area pays for."""


@transaction.atomic
def assess(switch: CodeSwitch, day: dt.date | None = None) -> CodeSwitch:
    """Work the lines of a switch out anew on `day` (today), with its summary and state; returns it as it is now.

    Harmless to repeat. Touched are the relations to an old code that reach the day of the switch, those whose change
    was prepared before, and those whose code ends then although the table does not name it.
    """
    locked: CodeSwitch = (
        CodeSwitch.objects.select_for_update(of=("self",)).select_related("institution").get(pk=switch.pk)
    )
    if locked.state in (SwitchState.CANCELLED, SwitchState.DONE):
        return locked
    sight, relations = _sight(locked)
    lines = [line for one in relations if (line := _line(one, sight)) is not None]
    _keep(locked, lines)
    locked.summary = summary_of(lines, sight) | {"already": _already(locked, sight)}
    locked.assessed_at = timezone.now()
    locked.state = _state(locked, lines, day or timezone.localdate())
    locked.save(update_fields=["summary", "assessed_at", "state"])
    return locked


def _already(switch: CodeSwitch, sight: Sight) -> int:
    """Return how many relations bear a new code of the table without this switch."""
    news = {row.new_code for rows in sight.rows.values() for row in rows if row.new_code}
    held = standing(switch.institution, switch.day).filter(med_list_codg__in=news)
    return held.exclude(switch=switch).count()


def _sight(switch: CodeSwitch) -> tuple[Sight, list[Mapping]]:
    rows: dict[str, list[CodeSwitchRow]] = defaultdict(list)
    for row in switch.rows.order_by("pk"):
        rows[row.old_code].append(row)
    sight = Sight(switch, dict(rows), area=has_area(switch.institution))
    before = {line.mapping_id: line for line in switch.lines.exclude(ending=None)}
    sight.own = {line.ending_id for line in before.values() if line.ending_id}
    for one in switch.mappings.exclude(state__in=[MappingState.CANCELLED, MappingState.REMOVED]).exclude(replaces=None):
        assert one.replaces_id is not None
        sight.proposals[one.replaces_id] = one
    relations = _relations(switch, sight, before)
    _codes(switch, sight, relations)
    items = {one.item_id for one in relations}
    for one in Mapping.objects.filter(item__in=items, state__in=UNDECIDED):
        sight.undecided[one.item_id] = one
    mine = Ending.objects.filter(
        Q(pk__in=sight.own) | Q(mapping__in=[one.pk for one in relations], state__in=OPEN_ENDINGS)
    )
    for ending in mine.exclude(state=EndingState.CANCELLED).order_by("pk"):
        sight.endings[ending.mapping_id] = ending
    return sight, relations


def _relations(switch: CodeSwitch, sight: Sight, before: dict[int, SwitchLine]) -> list[Mapping]:
    """Return the relations that the switch touches, by item."""
    held = standing(switch.institution, switch.day)
    found = {one.pk: one for one in held.filter(med_list_codg__in=sight.rows)}
    prepared = Mapping.objects.filter(pk__in=[*sight.proposals, *before]).select_related("item")
    found |= {one.pk: one for one in prepared}
    found |= {one.pk: one for one in _unlisted(switch, sight, held.exclude(med_list_codg__in=sight.rows))}
    return sorted(found.values(), key=lambda one: (-one.item.revenue, one.pk))


def _unlisted(switch: CodeSwitch, sight: Sight, others: Iterable[Mapping]) -> list[Mapping]:
    """Return relations whose code ends with the switch although the table does not say what becomes of it."""
    others = list(others)
    codes = known_rows({(one.list_type, one.med_list_codg) for one in others})
    last = {switch.day - dt.timedelta(days=1), switch.day}
    return [
        one for one in others if (row := codes.get((one.list_type, one.med_list_codg))) and validity(row)[1] in last
    ]


def known_rows(wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """Return the newest catalogue row of each (list_type, code)."""
    by_type: dict[str, set[str]] = defaultdict(set)
    for list_type, code in wanted:
        by_type[list_type].add(code)
    return {
        (kind, code): row for kind, codes in by_type.items() for code, row in code_rows(kind, sorted(codes)).items()
    }


def _codes(switch: CodeSwitch, sight: Sight, relations: Sequence[Mapping]) -> None:
    """Look up old and new codes on the day of the switch."""
    wanted = {(one.list_type, one.med_list_codg) for one in relations}
    for one in relations:
        wanted |= {(one.list_type, row.new_code) for row in sight.rows.get(one.med_list_codg, []) if row.new_code}
        if one.pk in sight.proposals:
            wanted.add((one.list_type, sight.proposals[one.pk].med_list_codg))
    sight.codes = known(switch.institution, wanted, switch.day)


def _line(one: Mapping, sight: Sight) -> SwitchLine | None:
    """Return the line of one relation, unsaved."""
    rows = sight.rows.get(one.med_list_codg, [])
    news = [row for row in rows if row.new_code]
    line = SwitchLine(
        switch=sight.switch, institution=sight.switch.institution, item=one.item, mapping=one, kind=_kind(one, rows),
        relation=rows[0].relation if rows else "",
    )  # fmt: skip
    if len(news) == 1:
        line.new_code, line.new_name = news[0].new_code, news[0].new_name
    elif news:
        line.candidates = candidates_of(one.item, [(row.new_code, row.new_name) for row in news], sight.codes)
    _progress(line, one, sight, {row.new_code for row in news})
    _terms(line, one, sight)
    return line


def _kind(one: Mapping, rows: Sequence[CodeSwitchRow]) -> LineKind:
    if not rows:
        return LineKind.UNLISTED
    news = [row for row in rows if row.new_code]
    return LineKind.DROPPED if not news else LineKind.READY if len(news) == 1 else LineKind.CHOICE


def _progress(line: SwitchLine, one: Mapping, sight: Sight, news: set[str]) -> None:
    """Say how far the change is prepared, and what stands in its way."""
    proposal, ending = sight.proposals.get(one.pk), sight.endings.get(one.pk)
    other = sight.undecided.get(one.item_id)
    line.proposal = proposal
    if proposal is not None:
        line.state = PROGRESS.get(MappingState(proposal.state), LineState.WAITING)
        line.new_code = proposal.med_list_codg
        if news and proposal.med_list_codg not in news:
            line.kind, line.hindrance = LineKind.BLOCKED, "已准备的新编码与更正后的对照表不符，请撤回后重新准备"
    elif ending is not None:
        mine = ending.pk in sight.own
        line.ending = ending if mine else None
        line.state = ENDING_PROGRESS[EndingState(ending.state)] if mine else LineState.SETTLED
        if mine and news:
            line.kind, line.hindrance = LineKind.BLOCKED, "已准备终止，更正后的对照表却有新编码，请撤回后重新准备"
    elif other is not None:
        line.kind = LineKind.BLOCKED
        line.hindrance = f"另有「{other.get_state_display()}」的对照 {other.med_list_codg}，请先处理它"
    elif one.begndate >= sight.switch.day:
        line.kind = LineKind.BLOCKED
        line.hindrance = f"对照自 {one.begndate} 才开始，不早于切换日，请人工处理"


def _terms(line: SwitchLine, one: Mapping, sight: Sight) -> None:
    """Compare what the old and the new code pay, and warn of what a person should look at."""
    before = sight.codes.get((one.list_type, one.med_list_codg), Known(None))
    line.class_from = _class(before) if sight.area else ""
    if not line.new_code:
        return
    after = sight.codes.get((one.list_type, line.new_code), Known(None))
    line.new_name = line.new_name or (after.row.name if after.row else "")
    line.class_to = _class(after) if sight.area else ""
    why = _not_yet(after, sight.switch) if line.state in OPEN_LINES else ""
    if why and not line.hindrance:
        line.hindrance = why
        line.kind = LineKind.CHOICE if line.kind == LineKind.CHOICE else LineKind.BLOCKED
    line.warnings = list(_warnings(line, one, before, after))
    terms = after.terms
    if terms is not None and terms.ceiling is not None and one.item.pric is not None:
        line.over = max(one.item.pric - terms.ceiling, Decimal(0)) or None


def _class(code: Known) -> str:
    if code.row is None or code.terms is None:
        return ""
    return (code.terms.chrgitm_lv_word or code.terms.chrgitm_lv) if code.listed else "不支付"


def _not_yet(after: Known, switch: CodeSwitch) -> str:
    """Return why a new code cannot carry a relation from the day on, by the catalogue as it is now."""
    if after.row is None:
        return "新编码还不在医保编码目录中，更新目录后再准备"
    begin, end, valid = validity(after.row)
    if not valid or (end is not None and end < switch.day):
        return "新编码在医保编码目录中无效或已停用，请向局方核实"
    return f"新编码自 {begin} 起才有效，晚于切换日" if begin is not None and begin > switch.day else ""


def _warnings(line: SwitchLine, one: Mapping, before: Known, after: Known) -> Iterable[str]:
    if after.row is None:
        yield f"医保目录中还没有新编码 {line.new_code}：切换日的版本到来后再核对"
        return
    if line.class_to != line.class_from:
        yield f"等级由「{line.class_from or '未知'}」变为「{line.class_to or '未知'}」"
    for name, word in (("restricted", "限制使用"), ("maternity", "生育使用")):
        old, new = (yes_no(getattr(code.terms, name)) if code.listed else "" for code in (before, after))
        if old and new and old != new:
            yield f"{word}由「{old}」变为「{new}」"
    ceiling = after.terms.ceiling if after.terms else None
    if ceiling is not None and one.item.pric is not None and one.item.pric > ceiling:
        yield f"本院单价 {money(one.item.pric)} 元高于新编码限价 {money(ceiling)} 元"


def _keep(switch: CodeSwitch, lines: Sequence[SwitchLine]) -> None:
    """Write the lines in place of those kept, so that a line keeps its number."""
    wanted = {line.mapping_id for line in lines}
    switch.lines.exclude(mapping__in=wanted).delete()
    SwitchLine.objects.bulk_create(
        lines, batch_size=BATCH, update_conflicts=True, unique_fields=["switch", "mapping"], update_fields=list(COLUMNS)
    )


def summary_of(lines: Sequence[SwitchLine], sight: Sight) -> dict[str, Any]:
    """Return what the lines come to: numbers by kind of item, situation and progress, yuan, stock, patients."""
    items = [line.item for line in lines]
    open_lines = [line for line in lines if line.state == LineState.WAITING]
    kinds: dict[str, int] = defaultdict(int)
    for item in items:
        kinds[item.list_type] += 1
    relations: dict[str, int] = defaultdict(int)
    for rows in sight.rows.values():
        for row in rows:
            relations[row.relation] += 1
    return {
        "items": len(items),
        "kinds": dict(kinds),
        "rows": sum(relations.values()),
        "relations": {relation.value: relations[relation.value] for relation in SwitchRelation},
        "old_codes": len(sight.rows),
        "unused": len(sight.rows.keys() - {line.mapping.med_list_codg for line in lines}),
        "revenue": str(sum((item.revenue for item in items), Decimal(0))),
        "stocked": sum(1 for item in items if item.stock),
        "inpatients": sum(item.inpatients or 0 for item in items),
        "over": sum(1 for line in lines if line.over),
        "reclassed": sum(1 for line in lines if line.class_to and line.class_to != line.class_from),
        "unknown": sum(1 for line in lines if any("还没有新编码" in words for words in line.warnings)),
        "situations": {kind.value: sum(1 for line in open_lines if line.kind == kind) for kind in LineKind},
        "progress": {state.value: sum(1 for line in lines if line.state == state) for state in LineState},
        "mismatched": sum(1 for rows in sight.rows.values() for row in rows if _mismatched(row)),
    }


def _mismatched(row: CodeSwitchRow) -> bool:
    stated = stated_relation(row.stated)
    return stated is not None and stated != row.relation


def _state(switch: CodeSwitch, lines: Sequence[SwitchLine], day: dt.date) -> SwitchState:
    """Return where the switch stands by its lines: prepared ones wait for approval, approved ones for the day."""
    states = {line.state for line in lines}
    if states & {LineState.PROPOSED, LineState.RETURNED}:
        return SwitchState.PROPOSED
    moved = states & {LineState.APPROVED, LineState.DONE}
    if not moved:
        return SwitchState.DRAFT
    if switch.day <= day and LineState.APPROVED not in states and LineState.WAITING not in states:
        return SwitchState.DONE
    return SwitchState.READY
