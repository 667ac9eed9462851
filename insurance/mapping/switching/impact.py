"""What catalogue versions, prices and the calendar do to the relations that stand: found, kept, gone again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from insurance.catalogue.models import Item
from insurance.catalogue.queries import validity
from insurance.mapping.choices import STANDING, FindingKind, WorkState
from insurance.mapping.models import Finding, Mapping, RelationTerms
from insurance.mapping.switching.facts import Known, has_area, has_catalogue, known, standing
from insurance.mapping.switching.judging import Found, Sight, judge
from portal.people.models import Institution

Key = tuple[int, str]
SETTLED_BY_ITSELF = "对照已更换或终止"
BATCH = 1000
# What a version of the national catalogue itself brings; the others come from the area's lists or from prices.
OF_THE_CODE = (FindingKind.BROKEN, FindingKind.ENDING, FindingKind.RENAMED)


@transaction.atomic
def find_impact(institution: Institution, *, day: dt.date | None = None) -> dict[FindingKind, int]:
    """Look at every standing relation of an institution on `day` (today) and return how many findings are open by kind.

    Findings that are no longer true go by themselves; one that a person set aside comes back only when something else
    is found. Harmless to repeat.
    """
    # One at a time: two would open the same finding twice.
    Institution.objects.select_for_update(no_key=True).get(pk=institution.pk)
    day = day or timezone.localdate()
    relations = _looked_at(institution, day)
    codes = known(institution, {(one.list_type, one.med_list_codg) for one in relations}, day)
    sight = Sight(day, settings.CODE_ENDING_DAYS, has_area(institution), _first_days(relations, codes))
    found = _judged(relations, codes, sight)
    _settle(institution, found, _brought(relations, codes))
    open_ones = Finding.objects.filter(institution=institution, state=WorkState.OPEN)
    counts = Counter(open_ones.values_list("kind", flat=True))
    return {kind: counts[kind.value] for kind in FindingKind}


def _looked_at(institution: Institution, day: dt.date) -> list[Mapping]:
    """Return the standing relations of kinds whose catalogue was loaded."""
    relations = list(standing(institution, day).select_related("terms").order_by("pk"))
    loaded = {list_type: has_catalogue(list_type) for list_type in {one.list_type for one in relations}}
    return [one for one in relations if loaded[one.list_type]]


def _first_days(relations: Sequence[Mapping], codes: dict[tuple[str, str], Known]) -> dict[str, dt.date]:
    """Return the first day of any version of the codes whose newest row begins after a relation to them."""
    late: set[str] = set()
    for one in relations:
        row = codes[one.list_type, one.med_list_codg].row
        begin = validity(row)[0] if row else None
        if begin and one.begndate < begin:
            late.add(one.med_list_codg)
    rows = Item.objects.filter(code__in=late, begndate__isnull=False).values("code").annotate(first=Min("begndate"))
    return {row["code"]: row["first"] for row in rows.order_by()}


def _judged(relations: Sequence[Mapping], codes: dict[tuple[str, str], Known], sight: Sight) -> dict[Key, Found]:
    """Return what is found, and keep what a relation's code is where nobody accepted anything yet."""
    found: dict[Key, Found] = {}
    first: list[RelationTerms] = []
    grown: list[RelationTerms] = []
    for one in relations:
        code = codes[one.list_type, one.med_list_codg]
        kept: RelationTerms | None = getattr(one, "terms", None)
        for what in judge(one, code, kept.facts if kept else {}, sight):
            found[one.pk, what.kind.value] = what
        _keep_first(one, kept, code.facts(), first, grown)
    RelationTerms.objects.bulk_create(first, batch_size=BATCH, ignore_conflicts=True)
    RelationTerms.objects.bulk_update(grown, ["facts"], batch_size=BATCH)
    return found


def _keep_first(
    one: Mapping,
    kept: RelationTerms | None,
    facts: dict[str, str],
    first: list[RelationTerms],
    grown: list[RelationTerms],
) -> None:
    """Note facts seen for the first time; what a person accepted stays the measure."""
    if kept is None:
        if facts:
            first.append(RelationTerms(mapping=one, facts=facts))
    elif facts.keys() - kept.facts.keys():
        kept.facts = facts | kept.facts
        grown.append(kept)


def _brought(relations: Sequence[Mapping], codes: dict[tuple[str, str], Known]) -> dict[int, int]:
    """Return by relation the download that brought what its code is now."""
    rows = {one.pk: codes[one.list_type, one.med_list_codg].row for one in relations}
    return {pk: row.load_id if row.current else row.replaced_by_id or row.load_id for pk, row in rows.items() if row}


def _settle(institution: Institution, found: dict[Key, Found], brought: dict[int, int]) -> None:
    """Bring the kept findings in line with what was found now."""
    now = timezone.now()
    kept = Finding.objects.filter(institution=institution, state__in=[WorkState.OPEN, WorkState.IGNORED])
    latest: dict[Key, Finding] = {}
    for one in kept.select_related("mapping").order_by("pk"):
        latest[one.mapping_id, one.kind] = one
    _end_gone([one for key, one in latest.items() if key not in found], now)
    changed: list[Finding] = []
    made: list[Finding] = []
    for key, what in found.items():
        old = latest.get(key)
        if old is not None and (old.state == WorkState.OPEN or old.signature == what.signature):
            _take_over(old, what, now)
            changed.append(old)
        else:
            made.append(_new(institution, key, what, brought.get(key[0]), now))
    Finding.objects.bulk_update(changed, ["details", "signature", "due", "seen_at"], batch_size=BATCH)
    Finding.objects.bulk_create(made, batch_size=BATCH)


def _take_over(old: Finding, what: Found, now: dt.datetime) -> None:
    old.details, old.signature, old.due, old.seen_at = what.details, what.signature, what.due, now


def _new(institution: Institution, key: Key, what: Found, load_id: int | None, now: dt.datetime) -> Finding:
    return Finding(
        institution=institution, mapping_id=key[0], kind=what.kind, details=what.details, signature=what.signature,
        due=what.due, load_id=load_id if what.kind in OF_THE_CODE else None, seen_at=now,
    )  # fmt: skip


def _end_gone(gone: Iterable[Finding], now: dt.datetime) -> None:
    """End the open ones that are no longer true: handled where the relation itself was changed, else gone."""
    ended: list[Finding] = []
    for one in gone:
        if one.state != WorkState.OPEN:
            continue
        replaced = one.mapping.state not in STANDING or one.mapping.ended_at is not None or _cut(one)
        one.state = WorkState.HANDLED if replaced else WorkState.GONE
        one.reason = SETTLED_BY_ITSELF if replaced else ""
        one.settled_at = now
        ended.append(one)
    Finding.objects.bulk_update(ended, ["state", "reason", "settled_at"], batch_size=BATCH)


def _cut(one: Finding) -> bool:
    """Say whether the relation was given an end at or before the day by which something had to be done."""
    return one.due is not None and one.mapping.enddate <= one.due
