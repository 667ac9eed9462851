"""What one edition says otherwise than another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from insurance.specification.books import Book
from insurance.specification.editions import listed, table, table_names
from insurance.specification.tables import COLUMNS, KEYS, Row, key_of

TITLES: Mapping[str, str] = {
    "index": "交易",
    "routes": "用途",
    "exceptions": "字典例外",
    "fields": "字段表",
    "files": "文件格式",
    "dictionaries": "字典",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is only in one edition, or differs. `name` is the table's (infno, dictionary; "" for a list).

    `key` tells the row (direction, node, field; purpose; code). `changes` are (column, before, after); empty for rows
    that were added or removed.
    """

    kind: str
    name: str
    key: tuple[str, ...]
    label: str
    change: Literal["added", "removed", "changed"]
    changes: tuple[tuple[str, str, str], ...] = ()

    def __str__(self) -> str:
        mark = {"added": "+", "removed": "-", "changed": "~"}[self.change]
        words = "；".join(f"{column}：{before or '空'} → {after or '空'}" for column, before, after in self.changes)
        place = " ".join(part for part in (TITLES[self.kind], self.name, *self.key, self.label) if part)
        return f"{mark} {place}{' ' if words else ''}{words}"


def differences(before: Book, after: Book) -> list[Difference]:
    """Return the rows that `after` adds, removes or changes, list by list and table by table, in the tables' order."""
    found: list[Difference] = []
    for kind in ("index", "routes", "exceptions"):
        found += _compare(kind, "", listed(before.layers, kind), listed(after.layers, kind))
    for kind in ("fields", "files", "dictionaries"):
        names = dict.fromkeys([*table_names(before.layers, kind), *table_names(after.layers, kind)])
        for name in sorted(names):
            old, new = table(before.layers, kind, name), table(after.layers, kind, name)
            renamed = _renamed(old, new) if kind == "fields" else {}
            found += [_renaming(name, side, node, renamed[side, node]) for side, node in renamed]
            found += _compare(kind, name, [_moved(row, renamed) for row in old], new)
    return found


def _nodes(rows: Iterable[Row]) -> dict[tuple[str, str], set[str]]:
    nodes: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        nodes.setdefault((row.cells["direction"], row.cells["node"]), set()).add(row.cells["field"])
    return nodes


def _renamed(before: Sequence[Row], after: Sequence[Row]) -> dict[tuple[str, str], str]:
    """Return (side, node) → new name of nodes that are gone while a new one of that side has most of their fields."""
    old, new = _nodes(before), _nodes(after)
    fresh = {place: fields for place, fields in new.items() if place not in old}
    return {
        (side, node): other
        for (side, node), fields in old.items()
        if (side, node) not in new
        for (other_side, other), others in fresh.items()
        if side == other_side and 2 * len(fields & others) > max(len(fields), len(others))
    }


def _renaming(name: str, side: str, old: str, new: str) -> Difference:
    return Difference("fields", name, (side, new), "", "changed", (("node", old, new),))


def _moved(row: Row, renamed: Mapping[tuple[str, str], str]) -> Row:
    new = renamed.get((row.cells.get("direction", ""), row.cells.get("node", "")))
    return row._replace(cells={**row.cells, "node": new}) if new else row


def _compare(kind: str, name: str, before: Sequence[Row], after: Sequence[Row]) -> Iterator[Difference]:
    old = {key_of(kind, row): row for row in before}
    new = {key_of(kind, row): row for row in after}
    for key in dict.fromkeys([*old, *new]):
        label = _label((new.get(key) or old[key]).cells)
        if key not in new:
            yield Difference(kind, name, key, label, "removed")
        elif key not in old:
            yield Difference(kind, name, key, label, "added")
        elif changes := _changes(kind, old[key].cells, new[key].cells):
            yield Difference(kind, name, key, label, "changed", changes)


def _label(cells: Mapping[str, str]) -> str:
    return cells.get("label") or cells.get("name") or ""


def _changes(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    columns = [column for column in COLUMNS[kind] if column not in KEYS[kind]]
    return tuple((column, old[column], new[column]) for column in columns if old[column] != new[column])
