"""Values as this room keeps them, and when two of them are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from insurance.directory.models import DEPARTMENT_COLUMNS, PRACTITIONER_COLUMNS

COUNTS = frozenset({"aprv_bed_cnt", "hi_crtf_bed_cnt", "dr_psncnt", "phar_psncnt", "nurs_psncnt", "tecn_psncnt"})
TIMES = frozenset({"begntime", "endtime", "dept_estbdat"})
# Shown masked and never written into an audit or a log.
SENSITIVE = frozenset({"dept_resper_tel", "certno"})


FIRST_YEAR = 1900


def as_time(value: object) -> datetime | None:
    """Return an aware time (Asia/Shanghai for a date or a naive one), None for what is empty, unreadable or no day."""
    if isinstance(value, str):
        value = parse_datetime(value.strip()) or parse_date(value.strip()) if value.strip() else None
    if isinstance(value, datetime):
        return _storable(value if timezone.is_aware(value) else timezone.make_aware(value))
    if isinstance(value, date):
        return _storable(timezone.make_aware(datetime.combine(value, time())))
    return None


def _storable(moment: datetime) -> datetime | None:
    """Return None for what other systems write for "no date" (0001-01-01): no database and no page can hold it."""
    return moment if moment.year >= FIRST_YEAR else None


def as_count(value: object) -> int | None:
    """Return a whole number, None for what is empty or no number."""
    try:
        return int(Decimal(str(value))) if value not in (None, "") else None
    except (InvalidOperation, ValueError, OverflowError):
        return None


def as_text(value: object) -> str:
    """Return a text without blanks around it, '' for None."""
    return "" if value is None else str(value).strip()


def column_value(column: str, value: object) -> Any:
    """Return `value` (an answer's, a form's, a spreadsheet's) as the column keeps it."""
    if column in TIMES:
        return as_time(value)
    return as_count(value) if column in COUNTS else as_text(value)


def department_values(row: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a row that came in into columns of DepartmentFacts; what has no column goes to `extra`."""
    return _values(row, DEPARTMENT_COLUMNS)


def practitioner_values(row: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a row of 5102 into columns of Practitioner; what has no column goes to `extra`."""
    return _values(row, PRACTITIONER_COLUMNS)


def _values(row: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    values = {column: column_value(column, row[column]) for column in columns if column in row}
    extra = {name: as_text(value) for name, value in row.items() if name not in columns and as_text(value)}
    return {**values, "extra": extra}


def same(ours: object, theirs: object) -> bool:
    """Say whether two values are the same by the empty-value rule (protocol.md 5): 0, '' and None are all empty."""
    return _plain(ours) == _plain(theirs)


def _plain(value: object) -> object:
    if isinstance(value, str):
        value = value.replace("\r\n", "\n").strip()
    if isinstance(value, datetime):
        return (as_time(value) or value).replace(microsecond=0)
    if isinstance(value, (int, Decimal)):
        return Decimal(value) or ""
    return "" if value is None else value


def differences(ours: models.Model, theirs: models.Model, columns: Iterable[str]) -> list[str]:
    """Return the columns in which two records differ, in the order of `columns`."""
    return [column for column in columns if not same(getattr(ours, column), getattr(theirs, column))]


def facts_of(record: models.Model, columns: Iterable[str]) -> dict[str, Any]:
    """Return the columns of a record and its `extra`, to be laid onto another."""
    return {column: getattr(record, column) for column in columns} | {"extra": dict(getattr(record, "extra", {}))}


def digest_of(*records: models.Model | None, columns: Iterable[str]) -> str:
    """Return a digest of the values of records, equal while none of them changes."""
    columns = tuple(columns)
    said = [[str(_plain(getattr(record, column))) for column in columns] if record else None for record in records]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
