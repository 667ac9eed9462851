"""Mappings in bulk, from a spreadsheet or another system: judged in two queries a set, taken in a few statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone

from portal.people.actor import Actor
from portal.values.choices import MappingState
from portal.values.enforcing import enforce
from portal.values.errors import ValueRefused
from portal.values.keys import key_of
from portal.values.models import ValueMapping
from portal.values.queries import EFFECTIVE
from portal.values.registry import ValueSet
from portal.values.services import must_end_after, note, set_for
from portal.values.targets import Targets
from portal.values.waiting import start_release

OPEN = (MappingState.DRAFT, MappingState.WAITING)


@dataclass(frozen=True)
class Proposal:
    """One mapping as it came: `target` a code, label or both; `begins` today and `until` open when None."""

    set_code: str
    source: str
    target: str
    source_label: str = ""
    begins: date | None = None
    until: date | None = None
    note: str = ""


@dataclass(frozen=True)
class Judged:
    """What taking a proposal would do: kind is new, changed, same or error; `fault` says why not, `field` where.

    `before` is the code that counts now, empty where there is none; `mapping` is what would be saved.
    """

    kind: str
    mapping: ValueMapping | None = None
    before: str = ""
    fault: str = ""
    field: str = ""


def judge(actor: Actor, proposals: Sequence[Proposal]) -> list[Judged]:
    """Judge proposals against what counts and what is proposed already; change nothing."""
    found: dict[int, Judged] = {}
    by_set: dict[str, list[int]] = {}
    for place, one in enumerate(proposals):
        by_set.setdefault(one.set_code, []).append(place)
    for code, places in by_set.items():
        judge_one = _judge_of(actor, code, [proposals[place] for place in places])
        found |= {place: judge_one(proposals[place]) for place in places}
    return [found[place] for place in range(len(proposals))]


def _judge_of(actor: Actor, code: str, proposals: Sequence[Proposal]) -> Callable[[Proposal], Judged]:
    """Return what judges proposals of one set, with all that it looks at fetched."""
    try:
        value_set = set_for(code)
    except ValueRefused as error:
        words = str(error)
        return lambda one: Judged("error", fault=words, field="set_code")
    if not actor.may(value_set.edit):
        return lambda one: Judged("error", fault=f"您没有修改「{value_set.label}」对照的权限", field="set_code")
    targets, known = (
        Targets(actor.institution, value_set),
        _known(actor, code, [key_of(one.source) for one in proposals]),
    )

    def judge_one(one: Proposal) -> Judged:
        try:
            mapping = _mapping(actor, value_set, one, targets)
        except ValueRefused as error:
            field = "last_day" if one.until and one.begins and one.until <= one.begins else "target"
            return Judged("error", fault=str(error).rstrip("。"), field=field)
        return _against(mapping, known.get(mapping.key, []))

    return judge_one


def _known(actor: Actor, code: str, keys: Sequence[str]) -> dict[str, list[ValueMapping]]:
    rows = ValueMapping.objects.filter(
        institution=actor.institution, set_code=code, key__in=set(keys), state__in=[*EFFECTIVE, *OPEN]
    )
    found: dict[str, list[ValueMapping]] = {}
    for row in rows:
        found.setdefault(row.key, []).append(row)
    return found


def _mapping(actor: Actor, value_set: ValueSet, one: Proposal, targets: Targets) -> ValueMapping:
    begins = one.begins or timezone.localdate()
    must_end_after(begins, one.until)
    target, label = targets.find(one.target)
    return ValueMapping(
        institution=actor.institution, set_code=value_set.code, source=one.source.strip(), key=key_of(one.source),
        source_label=one.source_label, target=target, target_label=label[:300], begins=begins, until=one.until,
        note=one.note, owner=actor.person, proposed_by=actor.person,
        state=MappingState.WAITING if value_set.money else MappingState.DRAFT,
    )  # fmt: skip


def _against(mapping: ValueMapping, known: Sequence[ValueMapping]) -> Judged:
    """Compare with what counts on the day it begins, and with what already waits for a second person."""
    now = next((one for one in known if one.state in EFFECTIVE and _counts(one, mapping.begins)), None)
    if "*" in mapping.source_label and mapping.value_set and mapping.value_set.personal:
        mapping.source_label = now.source_label if now else ""
    waiting = next((one for one in known if one.state == MappingState.WAITING), None)
    if now is not None and (now.target, now.until) == (mapping.target, mapping.until):
        return Judged("same", mapping, now.target)
    if waiting is not None and _said(waiting) == _said(mapping):
        return Judged("same", mapping, now.target if now else "")
    return Judged("changed" if now or waiting else "new", mapping, now.target if now else "")


def _counts(one: ValueMapping, day: date) -> bool:
    return one.begins <= day and (one.until is None or day < one.until)


def _said(one: ValueMapping) -> tuple[str, date, date | None]:
    return one.target, one.begins, one.until


@transaction.atomic
def take(actor: Actor, *, proposals: Sequence[Proposal]) -> dict[str, int]:
    """Take proposals: those of money sets wait for a second person, the others count at once.

    Returns 待审核 → number, 生效 → number. Raises NotAllowed, ValueRefused (one is not good now).
    """
    judged = judge(actor, proposals)
    bad = next((item for item in judged if item.kind == "error"), None)
    if bad is not None:
        raise ValueRefused(f"{bad.fault}。")
    rows = [item.mapping for item in judged if item.mapping is not None and item.kind != "same"]
    counts = {"待审核": 0, "生效": 0}
    for code in sorted({row.set_code for row in rows}):
        group, value_set = [row for row in rows if row.set_code == code], set_for(code)
        actor.must(value_set.edit)
        made = _replace_open(actor, code, group)
        counts["待审核" if value_set.money else "生效"] += len(made)
        if not value_set.money:
            enforce(actor, code, made)
        note(actor, "values.submit" if value_set.money else "values.in_force", made, "导入")
    start_release(actor.institution)
    return counts


def _replace_open(actor: Actor, code: str, rows: Sequence[ValueMapping]) -> list[ValueMapping]:
    """Save new proposals in place of open ones for the same values."""
    keys = [row.key for row in rows]
    ValueMapping.objects.filter(institution=actor.institution, set_code=code, key__in=keys, state__in=OPEN).delete()
    return list(ValueMapping.objects.bulk_create(rows, batch_size=2_000))
