"""The columns of an item: which travel in 3301, which are the hospital's own, and when two values are the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dateparse import parse_date

from insurance.directory.values import as_count, as_text
from insurance.mapping.models import HospitalItem

KEY = ("list_type", "fixmedins_hilist_id")
# What is kept with the day from which it holds.
DATED = (
    "fixmedins_hilist_name", "spec", "dosform", "pacspec", "prodentp_name", "aprvno", "prcunt", "pric", "item_cont",
    "exct_cont", "memo", "begndate", "enddate",
)  # fmt: skip
# What the hospital's system counts: the newest figure counts, none is kept.
USAGE = ("revenue", "stock", "inpatients", "usage_as_of")
# If one of these changes, the national code may be another one.
TELLING = ("fixmedins_hilist_name", "spec", "dosform", "pacspec", "prodentp_name", "aprvno")
DAYS = frozenset({"begndate", "enddate", "usage_as_of"})
AMOUNTS = frozenset({"pric", "revenue", "stock"})
# An empty cell leaves these as they are: no system means "from now on no price".
KEPT_WHEN_EMPTY = frozenset({"begndate", "pric", *USAGE})


def column_value(column: str, value: object) -> Any:
    """Return a value (a form's, a spreadsheet's, a kept text) as the column keeps it."""
    if column in DAYS:
        return value if isinstance(value, dt.date) else parse_date(as_text(value)[:10])
    if column in AMOUNTS:
        return _amount(value)
    return as_count(value) if column == "inpatients" else as_text(value).replace("\r\n", "\n")


def _amount(value: object) -> Decimal | None:
    try:
        return None if value in (None, "") else Decimal(str(value))
    except InvalidOperation:
        return None


def as_words(value: object) -> str:
    """Return a value as it is shown and kept in ItemChange: 2026-11-23, 12.5, text; '' for nothing."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value.normalize() if value else Decimal(0), "f")
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def equal(column: str, ours: object, theirs: object) -> bool:
    """Say whether two values of a column are the same; nothing and zero are two things only where counts tell."""
    return as_words(column_value(column, ours)) == as_words(column_value(column, theirs))


def label_of(column: str) -> str:
    """Return the Chinese label of a column."""
    return str(getattr(HospitalItem._meta.get_field(column), "verbose_name", column))


def price_words(before: object, after: object) -> str:
    """Return the new price with how far it moved: `12.8（上调 2.4 %）`."""
    old, new = _amount(before), _amount(after)
    if not old or new is None:
        return as_words(new)
    share = (new - old) / old * 100
    return f"{as_words(new)}（{'上调' if share > 0 else '下调'} {abs(share):.1f} %）"


def moved_far(before: object, after: object, limit: Decimal) -> bool:
    """Say whether a price moved by more than `limit` (0.3 is 30 %)."""
    old, new = _amount(before), _amount(after)
    return bool(old) and new is not None and abs(new - (old or 0)) > limit * (old or 0)


def shown_changes(changes: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[str, str]]:
    """Return column → (old, new) in words, with how far a price moved."""
    return {
        column: (as_words(old), price_words(old, new) if column == "pric" else as_words(new))
        for column, (old, new) in changes.items()
    }


def told(changes: Iterable[str]) -> str:
    """Return labels of columns in one line."""
    return "、".join(label_of(column) for column in changes)
