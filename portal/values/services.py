"""Everything that changes mappings. Bulk throughout: 70,000 diagnoses come in one file and are approved together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.approvals.rules import must_differ
from portal.audit.services import record
from portal.people.actor import Actor
from portal.values.choices import MappingState
from portal.values.enforcing import enforce
from portal.values.errors import ValueRefused
from portal.values.keys import MAX_VALUE, key_of
from portal.values.models import ValueMapping
from portal.values.registry import ValueSet, find_set
from portal.values.targets import Targets
from portal.values.waiting import start_release

AUDITED = 1_000
LEAST_REASON = 2


def set_for(code: str) -> ValueSet:
    """Return a set for a change. Raises ValueRefused in words."""
    found = find_set(code)
    if found is None:
        raise ValueRefused(f"没有「{code}」这种值对照。请从列表中选择类别。")
    return found


@transaction.atomic
def propose(
    actor: Actor,
    *,
    set_code: str,
    source: str,
    target: str,
    source_label: str = "",
    begins: date | None = None,
    until: date | None = None,
    note: str = "",
) -> ValueMapping:
    """Make a draft: what `source` shall be called from `begins` (today) until the day before `until`.

    An open draft or proposal for the same value is changed instead. Raises NotAllowed, ValueRefused.
    """
    value_set = set_for(set_code)
    actor.must(value_set.edit)
    key = key_of(source)
    if not key:
        raise ValueRefused("请填写院内值。")
    code, label = Targets(actor.institution, value_set).find(target)
    begins = begins or timezone.localdate()
    must_end_after(begins, until)
    open_one = _open_ones(actor, set_code, [key]).first()
    mapping: ValueMapping = open_one or ValueMapping(institution=actor.institution, set_code=set_code, key=key)
    mapping.source, mapping.source_label = source.strip()[:MAX_VALUE], source_label.strip()[:MAX_VALUE]
    mapping.target, mapping.target_label = code, label[:300]
    mapping.begins, mapping.until, mapping.note = begins, until, note.strip()[:300]
    mapping.state, mapping.words = MappingState.DRAFT, ""
    mapping.owner, mapping.proposed_by = actor.person, actor.person
    mapping.save()
    record(actor, "values.propose", [mapping], label=f"填写值对照 {value_set.label}：{mapping.source} → {code}")
    return mapping


def must_end_after(begins: date, until: date | None) -> None:
    """Raise ValueRefused when a time has no day in it."""
    if until is not None and until <= begins:
        raise ValueRefused("失效日期须晚于生效日期。")


def _open_ones(actor: Actor, set_code: str, keys: Iterable[str]) -> Any:
    return ValueMapping.objects.select_for_update().filter(
        institution=actor.institution,
        set_code=set_code,
        key__in=list(keys),
        state__in=[MappingState.DRAFT, MappingState.WAITING],
    )


@transaction.atomic
def submit(actor: Actor, *, mappings: Sequence[ValueMapping]) -> dict[str, int]:
    """Hand drafts in: those of money sets wait for a second person, the others are put in force at once.

    Returns 待审核 → number, 生效 → number. Raises NotAllowed, ValueRefused.
    """
    rows = _held(actor, mappings, MappingState.DRAFT, "提交审核")
    waiting = [row for row in rows if set_for(row.set_code).money]
    at_once = [row for row in rows if not set_for(row.set_code).money]
    for code in {row.set_code for row in rows}:
        actor.must(set_for(code).edit)
    ValueMapping.objects.filter(pk__in=[row.pk for row in waiting]).update(
        state=MappingState.WAITING, proposed_by=actor.person, words=""
    )
    if waiting:
        note(actor, "values.submit", waiting, "提交审核")
    if at_once:
        _put_in_force(actor, at_once, "生效")
    return {"待审核": len(waiting), "生效": len(at_once)}


@transaction.atomic
def approve(actor: Actor, *, mappings: Sequence[ValueMapping]) -> int:
    """Put proposals in force as the second person; returns how many. Raises NotAllowed, ValueRefused."""
    rows = _held(actor, mappings, MappingState.WAITING, "通过")
    for code in {row.set_code for row in rows}:
        actor.must(set_for(code).approve)
    # who wrote it down is its author still when a colleague handed it in
    authors = {person.pk: person for row in rows for person in (row.proposed_by, row.owner) if person is not None}
    must_differ(actor, *authors.values())
    _put_in_force(actor, rows, "审核通过")
    return len(rows)


@transaction.atomic
def send_back(actor: Actor, *, mappings: Sequence[ValueMapping], reason: str) -> int:
    """Return proposals to their proposers as drafts with a reason. Raises NotAllowed, ValueRefused."""
    rows = _held(actor, mappings, MappingState.WAITING, "退回")
    for code in {row.set_code for row in rows}:
        actor.must(set_for(code).approve)
    reason = _reason(reason, "退回")
    ValueMapping.objects.filter(pk__in=[row.pk for row in rows]).update(state=MappingState.DRAFT, words=reason)
    note(actor, "values.send_back", rows, "退回", reason)
    return len(rows)


@transaction.atomic
def end(actor: Actor, *, mappings: Sequence[ValueMapping], last_day: date, reason: str) -> int:
    """Let mappings count until `last_day`, included. Raises NotAllowed, ValueRefused.

    A money set's mapping is ended by one person: without it the value is asked for again, so nothing wrong can go out.
    """
    rows = _held(actor, mappings, MappingState.IN_FORCE, "结束")
    for code in {row.set_code for row in rows}:
        actor.must(set_for(code).edit)
    reason, until = _reason(reason, "结束"), last_day + timedelta(days=1)
    late = next((row for row in rows if until < row.begins or (row.until and row.until < until)), None)
    if late is not None:
        raise ValueRefused(f"「{late}」的有效期是 {late.begins} 至 {late.last_day or '长期'}，不能在 {last_day} 结束。")
    state = MappingState.ENDED if until <= timezone.localdate() else MappingState.IN_FORCE
    ValueMapping.objects.filter(pk__in=[row.pk for row in rows]).update(until=until, state=state)
    note(actor, "values.end", rows, f"{last_day} 结束", reason)
    return len(rows)


@transaction.atomic
def discard(actor: Actor, *, mappings: Sequence[ValueMapping]) -> int:
    """Delete drafts. Raises NotAllowed, ValueRefused."""
    rows = _held(actor, mappings, MappingState.DRAFT, "作废")
    for code in {row.set_code for row in rows}:
        actor.must(set_for(code).edit)
    note(actor, "values.discard", rows, "作废草稿")
    ValueMapping.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _reason(reason: str, verb: str) -> str:
    reason = reason.strip()
    if len(reason) < LEAST_REASON:
        raise ValueRefused(f"没有{verb}：请填写原因。")
    return reason[:300]


def _held(actor: Actor, mappings: Sequence[ValueMapping], state: MappingState, verb: str) -> list[ValueMapping]:
    """Lock the mappings and require that all are here and still in `state`."""
    pks = [mapping.pk for mapping in mappings]
    rows = list(
        ValueMapping.objects.select_for_update(of=("self",))
        .filter(institution=actor.institution, pk__in=pks)
        .select_related("proposed_by", "owner")
        .order_by("pk")
    )
    moved = [row for row in rows if row.state != state]
    if moved or len(rows) != len(pks):
        which = f"「{moved[0]}」现在是「{moved[0].get_state_display()}」" if moved else "有记录已不存在"
        raise ValueRefused(f"没有{verb}：{which}，可能已由他人处理。请刷新列表后重新选择。")
    return rows


def _put_in_force(actor: Actor, rows: Sequence[ValueMapping], words: str) -> None:
    by_set: dict[str, list[ValueMapping]] = {}
    for row in rows:
        by_set.setdefault(row.set_code, []).append(row)
    for code, group in sorted(by_set.items()):
        enforce(actor, code, group)
    note(actor, "values.in_force", rows, words)
    start_release(actor.institution)


def note(actor: Actor, action: str, rows: Sequence[ValueMapping], words: str, reason: str = "") -> None:
    """Audit one act in portions, so that each mapping's history finds it."""
    label = (
        f"值对照{words} {len(rows):,} 条" if len(rows) > 1 else f"值对照{words}：{rows[0].source} → {rows[0].target}"
    )
    counts: Mapping[str, int] = Counter(row.set_code for row in rows)
    for start in range(0, len(rows), AUDITED):
        part = rows[start : start + AUDITED]
        record(actor, action, part, label=label, reason=reason, sets=counts, part=len(part))
