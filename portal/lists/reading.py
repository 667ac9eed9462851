"""How a list's cells are read without the screen: quickly, and masked exactly as the screen masks them.

A spreadsheet of 200,000 rows reads millions of cells; django-tables2 looks up signatures and choices for each. Here
that is done once a column: `reader(table, name)` gives a function from a record to the cell's plain value, and
`many_reader` one from many records to the whole column, which costs a tenth where values stand for themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db.models import Field, Model
from django_tables2.rows import BoundRow

from portal.lists.columns import DateColumn, NumberColumn, StateColumn, TextColumn
from portal.lists.tables import ListTable

Reader = Callable[[Any], Any]
ManyReader = Callable[[Sequence[Any]], list[Any]]
# What `plain` of these columns gives back as it got it.
STANDS_FOR_ITSELF: dict[type[TextColumn], frozenset[type]] = {
    TextColumn: frozenset({str, type(None)}),
    NumberColumn: frozenset({int, float, Decimal, type(None)}),
    DateColumn: frozenset({date, type(None)}),
}


def reader(table: ListTable, name: str, model: type[Model]) -> Reader:
    """Return how to read column `name` of `table` from a record of `model`: None where the cell is empty."""
    column = table.base_columns[name]
    if hasattr(table, f"render_{name}") or hasattr(table, f"value_{name}"):
        return lambda record: BoundRow(record, table).get_cell_value(name)
    get = getter(path_of(column, name))
    if isinstance(column, StateColumn):
        return lambda record: column.plain(get(record)) or None
    if isinstance(column, TextColumn):
        return _text_reader(column, get, _choices(model, path_of(column, name)))
    return lambda record: BoundRow(record, table).get_cell_value(name)


def _text_reader(column: TextColumn, get: Reader, choices: dict[Any, str]) -> Reader:
    plain, empty = (column.words if says_otherwise(column) else column.plain), column.empty_values

    def read(record: Any) -> Any:
        value = get(record)
        if value in empty:
            return None
        return plain(choices.get(value, value) if choices else value, record)

    return read


def many_reader(table: ListTable, name: str, model: type[Model], read: Reader) -> ManyReader:
    """Return how to read column `name` from many records at once: what `read` gives for each, in their order.

    An empty text may stay as it is.
    """
    column = table.base_columns[name]
    kinds = _kinds_kept(table, name, model)
    if not kinds:
        return lambda records: [read(record) for record in records]
    follow = attrgetter(path_of(column, name).replace("__", "."))

    def read_many(records: Sequence[Any]) -> list[Any]:
        try:
            found = list(map(follow, records))
        except (AttributeError, ObjectDoesNotExist):
            return [read(record) for record in records]
        return found if kinds.issuperset(map(type, found)) else [read(record) for record in records]

    return read_many


def _kinds_kept(table: ListTable, name: str, model: type[Model]) -> frozenset[type]:
    """Return the types whose values stand in a file as the record has them, none where the column says otherwise."""
    column = table.base_columns[name]
    special = hasattr(table, f"render_{name}") or hasattr(table, f"value_{name}")
    if special or not isinstance(column, TextColumn) or says_otherwise(column):
        return frozenset()
    plain = _owner(type(column), "plain")
    wordless = plain is not TextColumn or _owner(type(column), "words") is TextColumn
    if not wordless or _choices(model, path_of(column, name)):
        return frozenset()
    return STANDS_FOR_ITSELF.get(plain, frozenset())


def kind_of(column: TextColumn, model: type[Model], name: str) -> str:
    """Return what a spreadsheet makes of a column: text, code, whole, number, money, date or datetime."""
    if says_otherwise(column):
        return "text"
    if column.kind == "number":
        field = field_of(model, path_of(column, name))
        return "whole" if field is not None and "Integer" in field.get_internal_type() else "number"
    return column.kind


def says_otherwise(column: TextColumn) -> bool:
    """Say whether a room's column shows other words than its kind (a day made of a time): then they are the value.

    A column that gives its own `plain` knows what it does.
    """
    words, kind, plain = (_owner(type(column), attribute) for attribute in ("words", "kind", "plain"))
    return words is not kind and issubclass(words, kind) and not issubclass(plain, words)


def getter(path: str) -> Reader:
    """Return a function that follows `requested_by__name` from a record, calling what is callable; None at a gap."""
    follow = attrgetter(path.replace("__", "."))

    def get(record: Any) -> Any:
        try:
            found = follow(record)
        except (AttributeError, ObjectDoesNotExist):
            return None
        return found() if callable(found) else found

    return get


def path_of(column: Any, name: str) -> str:
    """Return where a column's value stands, as `a__b`."""
    return str(column.accessor or name).replace(".", "__")


def field_of(model: type[Model], path: str) -> Field[Any, Any] | None:
    """Return the model field at the end of a path, None when there is none (an annotation, a property)."""
    found: Any = None
    place: Any = model
    for part in path.split("__"):
        try:
            found = place._meta.get_field(part)
        except (FieldDoesNotExist, AttributeError):
            return None
        place = found.related_model
    return found if isinstance(found, Field) else None


def _choices(model: type[Model], path: str) -> dict[Any, str]:
    field = field_of(model, path)
    return {code: str(word) for code, word in field.flatchoices} if field is not None and field.choices else {}


def _owner(kind: type, attribute: str) -> type:
    return next(base for base in kind.__mro__ if attribute in base.__dict__)
