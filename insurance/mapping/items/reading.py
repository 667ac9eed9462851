"""What the page of one item shows: its facts, its relations over time, its prices, what happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from insurance.catalogue.models import Item
from insurance.catalogue.queries import code_rows
from insurance.mapping.items.facts import AMOUNTS, as_words, label_of, price_words
from insurance.mapping.models import HospitalItem, Mapping
from portal.audit.queries import history as decisions
from portal.audit.services import subject_of

FACTS = (
    "list_type", "spec", "dosform", "pacspec", "prodentp_name", "aprvno", "prcunt", "pric", "begndate", "enddate",
    "item_cont", "exct_cont", "memo",
)  # fmt: skip
FIGURES = ("revenue", "stock", "inpatients", "usage_as_of")
MOST = 100
SHOWN_CANDIDATES = 5


@dataclass(frozen=True)
class Fact:
    """One line of an item: label, value in words."""

    label: str
    value: str
    column: str


@dataclass(frozen=True)
class Changed:
    """One change of one column: from which day, old and new in words, who said so, and whether it is still to come."""

    begndate: dt.date
    column: str
    label: str
    before: str
    after: str
    who: str
    source: str
    coming: bool


def facts_of(item: HospitalItem, columns: Sequence[str]) -> list[Fact]:
    """Return the given columns in words."""
    return [Fact(label_of(column), _shown(item, column), column) for column in columns]


def _shown(item: HospitalItem, column: str) -> str:
    if column == "list_type":
        return f"{item.list_type} {item.get_list_type_display()}"
    value = getattr(item, column)
    if column in AMOUNTS and value is not None:
        return f"{value:,.2f}" if column == "revenue" else as_words(value)
    return as_words(value)


def changes_of(item: HospitalItem) -> list[Changed]:
    """Return every change of the item, the latest day first."""
    found = []
    for change in item.changes.select_related("person").order_by("-begndate", "-pk")[:MOST]:
        for column, (before, after) in change.changes.items():
            words = price_words(before, after) if column == "pric" else after
            who = str(change.person or "系统")
            found.append(
                Changed(change.begndate, column, label_of(column), before, words, who, change.source,
                        change.applied_at is None)
            )  # fmt: skip
    return found


def relations_of(item: HospitalItem) -> list[Mapping]:
    """Return all relations the item ever had, the latest first; what was tried and given up too."""
    found = Mapping.objects.filter(item=item).select_related("proposed_by", "approved_by")
    return list(found.order_by("-begndate", "-pk")[:MOST])


def story_of(item: HospitalItem, relations: Sequence[Mapping]) -> list[Any]:
    """Return the decisions about the item and its relations, newest first."""
    events = [*decisions(item)[:MOST]]
    for relation in relations:
        events += decisions(subject_of(relation))[:MOST]
    once = {event.pk: event for event in events}
    return sorted(once.values(), key=lambda event: event.pk, reverse=True)[:MOST]


@dataclass(frozen=True)
class Candidate:
    """One suggested code: what speaks for it and what against."""

    code: str
    name: str
    percent: int
    reasons: list[dict[str, Any]]


def shown_suggestion(item: Any) -> dict[str, Any] | None:
    """Return what was suggested for an item that `attach` saw: candidates, what would decide; None for nothing."""
    best = item.best
    if best is None:
        return None
    shown = best.candidates[:SHOWN_CANDIDATES]
    codes = code_rows(item.list_type, [str(one.get("code", "")) for one in shown])
    rows = [_candidate(one, codes.get(str(one.get("code", "")))) for one in shown]
    return {"stored": best, "rows": rows, "deciding": "、".join(str(word) for word in best.deciding)}


def _name(row: Item | None) -> str:
    """Return what a code stands for, with what tells it from its neighbours."""
    return " ".join(part for part in (row.name, row.spec, row.pacspec, row.maker) if part) if row else ""


def _candidate(one: dict[str, Any], row: Item | None) -> Candidate:
    percent = round(float(one.get("score") or 0) * 100)
    return Candidate(str(one.get("code", "")), _name(row), percent, list(one.get("reasons") or []))
