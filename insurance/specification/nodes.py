"""From the flat rows of a fields table to the tree of nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import cast

from insurance.specification.errors import TableUnreadable
from insurance.specification.model import ROOT, TYPES, Field, Node, Side, Type, digits_of
from insurance.specification.tables import Row


@dataclass
class _Draft:
    many: bool = False
    fields: dict[str, Field] = field(default_factory=dict)
    children: dict[str, _Draft] = field(default_factory=dict)


def read_field(row: Row) -> Field:
    """Return the rule of one row. Raises TableUnreadable on an unknown type or an unreadable length."""
    cells = row.cells
    if cells["type"] not in TYPES:
        raise TableUnreadable(f"{row.place}：不认识的类型“{cells['type']}”")
    try:
        digits_of(cells["length"]) if cells["type"] == "number" else int(cells["length"] or 0)
    except ValueError:
        raise TableUnreadable(f"{row.place}：读不懂的长度“{cells['length']}”") from None
    return Field(
        name=cells["field"],
        label=cells["label"],
        type=cast(Type, cells["type"]),
        length=cells["length"],
        code=cells["code"],
        required=cells["required"] == "Y",
        note=cells["note"],
        origin=row.place,
    )


def build(rows: Iterable[Row], side: Side) -> Node:
    """Return the root node of one side. A parent that has no row of its own is one object. Raises TableUnreadable."""
    root = _Draft()
    for row in rows:
        if row.cells["direction"] == side:
            draft = _draft(root, row.cells["node"])
            draft.many = draft.many or row.cells["rows"] == "many"
            draft.fields[row.cells["field"]] = read_field(row)
    return _freeze(root, "", ROOT)


def _draft(root: _Draft, path: str) -> _Draft:
    draft = root
    for name in path.split(".") if path != ROOT else ():
        draft = draft.children.setdefault(name, _Draft())
    return draft


def _freeze(draft: _Draft, name: str, path: str) -> Node:
    prefix = "" if path == ROOT else f"{path}."
    children = {key: _freeze(child, key, prefix + key) for key, child in draft.children.items()}
    spellings = {key.lower(): key for key in (*draft.fields, *children)}
    return Node(
        name,
        path,
        draft.many,
        MappingProxyType(draft.fields),
        MappingProxyType(children),
        MappingProxyType(spellings),
    )
