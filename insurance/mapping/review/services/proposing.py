"""Taking a code for an item: the proposal of the first person. Nothing leaves before a second one approved it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from insurance.catalogue import queries as catalogue
from insurance.mapping import rules
from insurance.mapping.choices import Certainty, EndingState, MappingState, Source
from insurance.mapping.errors import MappingError
from insurance.mapping.matching.storing import is_fresh
from insurance.mapping.models import CodeSwitch, Ending, HospitalItem, Mapping, Suggestion
from insurance.mapping.queries import undecided_of
from insurance.mapping.review.facts import facts_of
from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed

REPLACEABLE = (MappingState.APPROVED, MappingState.IN_FORCE)
OPEN_ENDINGS = (EndingState.PROPOSED, EndingState.RETURNED)


@dataclass(frozen=True)
class Choice:
    """One code taken for one item, with everything that shall stand beside it. Days left out are filled in."""

    item: HospitalItem
    code: str
    source: str
    begndate: dt.date | None = None
    enddate: dt.date | None = None
    score: Decimal | float | None = None
    certain: bool = False
    reasons: Sequence[Values[str, Any]] = ()
    memo: str = ""
    switch: CodeSwitch | None = None


@dataclass
class Proposed:
    """What became of many choices: relations made, and items left out with the reason."""

    made: list[Mapping] = field(default_factory=list)
    left_out: list[tuple[HospitalItem, str]] = field(default_factory=list)


@transaction.atomic
def propose_mapping(
    actor: Actor,
    *,
    item: HospitalItem,
    code: str,
    begndate: dt.date | None = None,
    enddate: dt.date | None = None,
    source: str,
    score: Decimal | float | None = None,
    certain: bool = False,
    reasons: Sequence[Values[str, Any]] = (),
    memo: str = "",
    switch: CodeSwitch | None = None,
) -> Mapping:
    """Propose that an item bears a code. Raises NotAllowed, MappingError with everything wrong and by whom it is held.

    Days left out: from today, or when item or code begin; until the code ends or the next relation of the item begins.
    A relation that stands on the first day is replaced: it ends the day before, when the new one is approved.
    """
    rules.must_map(actor, item.list_type)
    choice = Choice(item, code.strip(), source, begndate, enddate, score, certain, reasons, memo.strip(), switch)
    done = _propose(actor, [choice])
    if done.left_out:
        raise MappingError(done.left_out[0][1])
    made = done.made[0]
    words = f"对码 {made.item.fixmedins_hilist_name} → {made.med_list_codg}"
    record(actor, "mapping.propose", [made, made.item], label=words, reason=made.memo)
    return made


@transaction.atomic
def propose_all(actor: Actor, *, choices: Iterable[Choice], label: str = "对码") -> Proposed:
    """Propose many at once; what cannot be is left out with its reason and hinders no other. Raises NotAllowed."""
    every = list(choices)
    for kind in sorted({choice.item.list_type for choice in every}):
        rules.must_map(actor, kind)
    done = _propose(actor, every)
    if done.made:
        record(actor, "mapping.propose", done.made, label=f"{label} {len(done.made):,} 条，提交审核")
    return done


@transaction.atomic
def judge_all(actor: Actor, *, choices: Iterable[Choice]) -> Proposed:
    """Return what `propose_all` would do now; `made` is not saved and nothing is changed. Raises NotAllowed."""
    every = list(choices)
    return _propose(actor, every, dry=True)


@transaction.atomic
def propose_certain(actor: Actor, *, items: Iterable[HospitalItem], shown: Values[int, str] | None = None) -> Proposed:
    """Propose for each item the code that its suggestion calls certain. Raises NotAllowed.

    `shown` (item key → code) is what the person had before them: an item whose suggestion has changed since, or is no
    longer certain, is left out and says so.
    """
    every = list(items)
    best = {one.item_id: one for one in Suggestion.objects.filter(item__in=every)}
    choices, refused = [], []
    stamps = {kind: catalogue.catalogue_stamp(kind) for kind in {item.list_type for item in every}}
    for item in every:
        choice = _certain_choice(item, best.get(item.pk), (shown or {}).get(item.pk, ""), stamps[item.list_type])
        if isinstance(choice, str):
            refused.append((item, f"「{item.fixmedins_hilist_name}」{choice}"))
        else:
            choices.append(choice)
    done = propose_all(actor, choices=choices, label="批量采用确定的推荐")
    done.left_out = refused + done.left_out
    return done


def _certain_choice(item: HospitalItem, suggestion: Suggestion | None, shown: str, stamp: str) -> Choice | str:
    if suggestion is not None and not is_fresh(item, suggestion, stamp):
        return "或目录在推荐之后有变化，推荐正在更新，请稍后再看"
    if suggestion is None or suggestion.certainty != Certainty.CERTAIN or not suggestion.candidates:
        return "已没有确定的推荐，请逐条查看"
    best = suggestion.candidates[0]
    if shown and shown != best["code"]:
        return "的推荐已变为另一编码，请重新查看"
    reasons = best.get("reasons", [])
    return Choice(item, best["code"], Source.SUGGESTED, score=best.get("score"), certain=True, reasons=reasons)


def _propose(actor: Actor, choices: Sequence[Choice], *, dry: bool = False) -> Proposed:
    done = Proposed()
    items = _held(actor, [choice.item for choice in choices])
    open_ones = undecided_of(items.values())
    ground = rules.ground_for(actor.institution, [(items[one.item.pk], one.code) for one in choices])
    ending = _ending_relations(ground)
    for choice in choices:
        item = items[choice.item.pk]
        try:
            words = _hindrance(item, open_ones.get(item.pk))
            made = None if words else _made(actor, item, choice, ground, ending)
        except MappingError as error:
            words, made = str(error), None
        if made is None:
            done.left_out.append((item, words))
            continue
        if not dry and item.pk in open_ones:
            _give_way(open_ones[item.pk])
        open_ones[item.pk] = made
        done.made.append(made)
    if not dry:
        Mapping.objects.bulk_create(done.made, batch_size=500)
    return done


def _held(actor: Actor, items: Iterable[HospitalItem]) -> dict[int, HospitalItem]:
    """Lock the items, in one order for everybody: of two persons at one item the second sees what the first did."""
    keys = {item.pk for item in items}
    rows = HospitalItem.objects.select_for_update(of=("self",)).select_related("institution")
    found = {one.pk: one for one in rows.filter(institution=actor.institution, pk__in=keys).order_by("pk")}
    if len(found) != len(keys):
        raise NotAllowed("所选项目不属于当前机构，不能对码。请切换机构后再操作。")
    return found


def _ending_relations(ground: rules.Ground) -> set[int]:
    keys = [one.pk for found in ground.standing.values() for one in found]
    return set(Ending.objects.filter(mapping__in=keys, state__in=OPEN_ENDINGS).values_list("mapping_id", flat=True))


def _hindrance(item: HospitalItem, open_one: Mapping | None) -> str:
    name = f"「{item.fixmedins_hilist_name}」"
    if open_one is not None and open_one.state == MappingState.PROPOSED:
        at = timezone.localtime(open_one.proposed_at) if open_one.proposed_at else None
        when = f" {at:%m-%d %H:%M}" if at else ""
        by = f"已由 {open_one.proposed_by}{when} 对为 {open_one.med_list_codg}"
        return f"{name}{by}，正在待审核。如需改码，请先撤回或退回那一条。"
    if item.no_code:
        return f"{name}已标为不需对照（{item.no_code_reason}）。如需对码，请先在院内收费项目里恢复。"
    if item.enddate is not None and item.enddate < timezone.localdate():
        return f"{name}已于 {item.enddate} 停用，不需要对码。"
    return ""


def _made(actor: Actor, item: HospitalItem, choice: Choice, ground: rules.Ground, ending: set[int]) -> Mapping:
    """Return the relation, unsaved. Raises MappingError with all its faults."""
    row = ground.rows.get((item.list_type, choice.code))
    standing = ground.standing.get(item.pk, [])
    begndate = choice.begndate or rules.first_day(item, row)
    replaces = replaced_on(standing, begndate)
    enddate = choice.enddate or _last_day(standing, begndate, rules.last_day(row))
    if words := _same(item, choice.code, replaces, enddate):
        raise MappingError(words)
    if replaces is not None and replaces.pk in ending:
        raise MappingError(f"{replaces} 有一条终止或撤销申请还没有处理完。请先审核或撤回它，再更换编码。")
    faults = rules.faults_of(item, choice.code, begndate, enddate, replaces=replaces, reason=choice.memo, ground=ground)
    if faults:
        raise MappingError(f"「{item.fixmedins_hilist_name}」" + "；".join(str(fault) for fault in faults) + "。")
    return Mapping(
        institution=item.institution, item=item, list_type=item.list_type, med_list_codg=choice.code,
        begndate=begndate, enddate=enddate, source=choice.source, score=choice.score, certain=choice.certain,
        reasons=list(choice.reasons), code_facts=facts_of(row), memo=choice.memo[:500], replaces=replaces,
        switch=choice.switch, proposed_by=actor.person, proposed_at=timezone.now(),
    )  # fmt: skip


def replaced_on(standing: Iterable[Mapping], begndate: dt.date) -> Mapping | None:
    """Return the relation that a new one from `begndate` on replaces: still open to change, and in the way."""
    return next((one for one in standing if one.state in REPLACEABLE and one.begndate <= begndate <= one.enddate), None)


def _last_day(standing: Iterable[Mapping], begndate: dt.date, last: dt.date) -> dt.date:
    later = [one.begndate - dt.timedelta(days=1) for one in standing if one.begndate > begndate]
    return min([last, *later])


def _same(item: HospitalItem, code: str, replaces: Mapping | None, enddate: dt.date) -> str:
    if replaces is None or replaces.med_list_codg != code or enddate != replaces.enddate:
        return ""
    return f"「{item.fixmedins_hilist_name}」自 {replaces.begndate} 起已对照 {code}，无需重复对码。"


def _give_way(returned: Mapping) -> None:
    """A returned proposal is done with once another is made for the item."""
    returned.state = MappingState.CANCELLED
    returned.save(update_fields=["state", "changed_at"])
