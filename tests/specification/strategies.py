"""Messages for any transaction, made from the tables, and values that are no message at all."""

from __future__ import annotations

import base64
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from insurance.specification.clock import SHANGHAI
from insurance.specification.model import Field, Node
from insurance.specification.parsing import is_nothing

# NUL cannot be stored and a surrogate cannot be encoded; both are refused, so a valid message has none.
LETTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\x00")
DAYS = st.dates(date(1900, 1, 1), date(2200, 1, 1))
# The zone's clock was put forward on some days until 1991; wall times that never were cannot survive.
MOMENTS = st.datetimes(datetime(1992, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
CONTENTS = st.dictionaries(st.text(LETTERS, max_size=5), st.integers() | st.text(LETTERS, max_size=5), max_size=2)


def _texts(field: Field) -> st.SearchStrategy[Any]:
    longest = min(field.max_length or 12, 12)
    texts = st.text(LETTERS, min_size=1, max_size=longest)
    return texts.filter(lambda text: not is_nothing(text)) if field.required else texts


def _numbers(field: Field) -> st.SearchStrategy[Any]:
    digits, decimals = field.digits or (12, 2)
    decimals = decimals or 0
    units = st.integers(-(10**digits) + 1, 10**digits - 1)
    exact = units.map(lambda unit: Decimal(f"{unit}E-{decimals}"))
    return exact | exact.map(lambda number: f"{number:f}")


def _moments() -> st.SearchStrategy[Any]:
    aware = MOMENTS.map(lambda moment: moment.replace(tzinfo=SHANGHAI))
    return MOMENTS | aware | DAYS.filter(lambda day: day.year > 1991) | MOMENTS.map(str)


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """Return values that fit a field: Python values and the texts that a person would write in JSON."""
    if field.type == "string":
        return _texts(field)
    if field.type == "number":
        return _numbers(field)
    if field.type == "date":
        return DAYS | DAYS.map(str)
    if field.type == "datetime":
        return _moments()
    if field.type == "json":
        return CONTENTS
    return st.binary(max_size=8).map(lambda content: base64.b64encode(content + b"x").decode())


@cache
def rows_of(node: Node) -> st.SearchStrategy[dict[str, Any]]:
    """Return valid rows of a node: required fields filled, others filled, empty or left out; child nodes likewise."""
    needed = {name: values_of(field) for name, field in node.fields.items() if field.required}
    others = {name: st.sampled_from([None, ""]) | values_of(field) for name, field in node.fields.items()}
    free = {name: strategy for name, strategy in others.items() if name not in needed}
    return st.fixed_dictionaries(needed, optional=free | {n: values_of_node(c) for n, c in node.children.items()})


def values_of_node(node: Node) -> st.SearchStrategy[Any]:
    """Return valid values of a node: one row, or a list of them."""
    return st.deferred(lambda: st.lists(rows_of(node), min_size=1, max_size=2) if node.many else rows_of(node))


def messages(root: Node) -> st.SearchStrategy[Any]:
    """Return valid messages: every top node is there, so that no judgement about optional nodes is needed."""
    if root.many:
        return values_of_node(root)
    tops = {name: values_of_node(child) for name, child in root.children.items()}
    return rows_of(root).flatmap(lambda row: st.fixed_dictionaries({**{n: st.just(v) for n, v in row.items()}, **tops}))


def expected(node: Node, value: Any) -> Any:
    """Return what reading must give back for a valid value of a node, by the empty-value rule."""
    if node.many:
        return [_expected_row(node, row) for row in value or []]
    return _expected_row(node, value) if value is not None else {}


def _expected_row(node: Node, row: dict[str, Any]) -> dict[str, Any]:
    typed = {name: _expected_value(field, row.get(name)) for name, field in node.fields.items()}
    return typed | {name: expected(child, row.get(name)) for name, child in node.children.items()}


def _expected_value(field: Field, value: Any) -> Any:
    if value is None or value == "":
        return Decimal(0) if field.type == "number" else None
    if field.type == "number":
        return Decimal(value)
    if field.type == "date":
        return date.fromisoformat(str(value))
    if field.type == "datetime":
        return _as_moment(value)
    return None if is_nothing(value) else value


def _as_moment(value: Any) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value.replace(tzinfo=SHANGHAI)


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)  # surrogates and NUL too
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | ANY_TEXT
    | st.sampled_from(["null", "0", "2024-02-30", "9" * 400, 10**4000, Decimal("1e999999"), "[" * 9000, b"\xff"])
)


def anything(names: list[str]) -> st.SearchStrategy[Any]:
    """Return arbitrary JSON-like values whose keys are often the tables' own names, in any case."""
    spelled = st.sampled_from(names or ["data"])
    keys = spelled | spelled.map(str.upper) | ANY_TEXT
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=12,
    )
