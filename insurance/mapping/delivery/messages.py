"""Relation → message: what 3301, 3302 and 3360 say is a projection onto the fields that the edition names."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping as Values
from functools import cache
from pathlib import Path
from typing import Any

from insurance.directory.messages import book_of, route_node
from insurance.mapping.choices import EndingKind, EndingState
from insurance.mapping.models import Ending, Mapping
from insurance.specification.books import Book
from insurance.specification.checking import Problem, check
from insurance.specification.model import Node

__all__ = ["book_of", "ending_row", "mapping_row", "problems_of", "purpose_of"]

ADD, END, REMOVE = "mapping.add", "mapping.end", "mapping.remove"
ITEM_COLUMNS = (
    "fixmedins_hilist_id", "fixmedins_hilist_name", "spec", "dosform", "pacspec", "aprvno", "prcunt", "pric",
    "item_cont", "exct_cont",
)  # fmt: skip
# Two editions write one fact differently (fields/3301.csv).
ALIASES = {"exept_cont": "exct_cont"}
STAND_INS = Path(__file__).parent / "data" / "stand_ins.csv"


def purpose_of(ending: Ending) -> str:
    """Return the purpose by which an ending travels."""
    return REMOVE if ending.kind == EndingKind.REMOVE else END


def mapping_row(mapping: Mapping, book: Book) -> dict[str, Any]:
    """Return the row of mapping.add. While an approved ending waits behind it, it says the end from before that.

    So that what goes in a thread is always: the relation as approved, its ending, its successor.
    """
    return _row(_facts(mapping, _enddate_to_tell(mapping)), route_node(book, ADD), mapping)


def ending_row(ending: Ending, book: Book) -> dict[str, Any]:
    """Return the row of mapping.end or mapping.remove: the relation, with the end that it shall have."""
    facts = _facts(ending.mapping, ending.enddate or ending.mapping.enddate)
    return _row(facts, route_node(book, purpose_of(ending)), ending.mapping)


def _enddate_to_tell(mapping: Mapping) -> dt.date:
    if not mapping.pk:
        return mapping.enddate
    # not narrowed by the database, so that endings read together for many relations serve
    for one in mapping.endings.all():
        if one.state == EndingState.APPROVED and one.kind == EndingKind.END and not one.quiet:
            return one.enddate_before or mapping.enddate
    return mapping.enddate


def _facts(mapping: Mapping, enddate: dt.date) -> dict[str, Any]:
    item = mapping.item
    facts = {name: getattr(item, name) for name in ITEM_COLUMNS}
    return facts | {
        "fixmedins_code": mapping.institution.fixmedins_code,
        "list_type": mapping.list_type,
        "med_list_codg": mapping.med_list_codg,
        "begndate": mapping.begndate,
        "enddate": enddate,
        "memo": mapping.memo or item.memo,
    }


def _row(facts: Values[str, Any], node: Node, mapping: Mapping) -> dict[str, Any]:
    """Return field → value of a node; what the edition requires and the item lacks is stood in for by data."""
    row = {}
    for name, field in node.fields.items():
        value = facts.get(ALIASES.get(name, name), mapping.item.extra.get(name))
        if value in (None, "") and field.required:
            value = _stand_ins().get((mapping.list_type, name), value)
        row[name] = value
    return row


@cache
def _stand_ins() -> dict[tuple[str, str], str]:
    with STAND_INS.open(encoding="utf-8") as file:
        return {(row["list_type"], row["field"]): row["value"] for row in csv.DictReader(file)}


def problems_of(row: Values[str, Any], purpose: str, book: Book) -> list[Problem]:
    """Return every error that the specification finds in the message of one row."""
    route = book.route(purpose)
    given: Any = [dict(row)] if route_node(book, purpose).many else dict(row)
    found = check(book.transaction(route.infno), {route.node: given}, book)
    return [problem for problem in found if problem.level == "error"]
