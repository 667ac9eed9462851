"""Suggestions on request: for one item while a person waits, for all unmapped items in the background."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from insurance.catalogue import queries as catalogue
from insurance.catalogue.models import Item
from insurance.mapping.choices import Certainty, ListType
from insurance.mapping.matching import engine, plain
from insurance.mapping.matching.facts import CodeRow, ItemRow, Result
from insurance.mapping.matching.index import Index
from insurance.mapping.matching.narrowing import narrowed
from insurance.mapping.matching.storing import is_fresh, stale, store, unmapped
from insurance.mapping.matching.translating import COLUMNS, code_row, code_rows, item_row, plain_kind
from insurance.mapping.models import HospitalItem, Suggestion
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.tasks.models import Task
from portal.tasks.run import Run
from portal.tasks.services import start

KIND = "mapping.suggest"
# So few items are looked up one by one; for more the whole catalogue is read once.
FEW, CHUNK = 20, 200
Answer = Callable[[ItemRow], Result]


def suggest_item(item: HospitalItem) -> Suggestion:
    """Return the suggestion for one item, made anew when the item or the catalogue changed since.

    Raises nothing when there is no catalogue: then nothing is suggested.
    """
    stamp = catalogue.catalogue_stamp(item.list_type)
    known = Suggestion.objects.filter(item=item).first()
    if known is not None and is_fresh(item, known, stamp):
        return known
    store([(item, _answer_one(item))], stamp)
    return Suggestion.objects.get(item=item)


def _answer_one(item: HospitalItem) -> Result:
    row = item_row(item)
    rows, complete = narrowed(item.list_type, row)
    result = _answerer(item.list_type, rows)(row)
    if complete or result.certainty != Certainty.CERTAIN:
        return result
    return Result(Certainty.LIKELY.value, result.candidates, (), result.fitting)


def _answerer(list_type: str, rows: list[CodeRow]) -> Answer:
    kind = plain_kind(list_type)
    if kind:
        named = plain.PlainIndex(rows, kind)
        return lambda row: plain.suggest(named, row)
    drugs = Index(rows)
    return lambda row: engine.suggest(drugs, row)


def compare_facts(item: HospitalItem, row: Item) -> list[dict[str, Any]]:
    """Return what speaks for and against any one code, in the form of a suggestion's reasons."""
    kind, ours, theirs = plain_kind(item.list_type), item_row(item), code_row(row)
    reasons = plain.compare(ours, theirs, kind) if kind else engine.compare(ours, theirs)
    return [reason.as_json() for reason in reasons]


def suggest_later(institution: Institution, source: str = "目录更新") -> Task:
    """Let the suggestions of an institution be brought up to date; call it when a load or an import is committed."""
    return start(Actor.system(institution), kind=KIND, source=source)


def suggest_all(run: Run) -> Counter[str]:
    """Bring the suggestions for all unmapped items of the run's institution up to date; return how many of each."""
    counts: Counter[str] = Counter()
    for place, list_type in enumerate(ListType):
        run.progress(place, len(ListType), f"推荐编码：{list_type.label}")
        stamp = catalogue.catalogue_stamp(list_type)
        if stamp:
            counts.update(_suggest_kind(run, list_type, stamp))
    return counts


def _suggest_kind(run: Run, list_type: ListType, stamp: str) -> Counter[str]:
    every = list(unmapped(run.actor.institution, list_type).select_related("suggestion", "institution"))
    old = stale(every, stamp)
    counts = Counter({"未变": len(every) - len(old)}) if len(every) > len(old) else Counter[str]()
    if not old:
        return counts
    answer = None if len(old) <= FEW else _whole(run, list_type)
    for place in range(0, len(old), CHUNK):
        some = old[place : place + CHUNK]
        found = [(item, answer(item_row(item)) if answer else _answer_one(item)) for item in some]
        store(found, stamp)
        counts.update(Certainty(result.certainty).label for _, result in found)
        run.progress(place + len(some), len(old), f"推荐编码：{list_type.label}")
    return counts


def _whole(run: Run, list_type: ListType) -> Answer:
    rows = list(code_rows(catalogue.stream_codes(list_type, COLUMNS)))
    run.log(f"{list_type.label}：读入 {len(rows)} 条有效编码")
    return _answerer(list_type, rows)
