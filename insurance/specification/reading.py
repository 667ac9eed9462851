"""A tolerant, typed reading of what the platform answers, whatever shape a region gives it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from insurance.specification.model import ROOT, Node, Side, Transaction
from insurance.specification.parsing import is_nothing, read_value, text_of

# How many wrappers around the declared nodes are opened; more is damage.
_WRAPPERS = 4


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something in an answer that was kept but could not be read as the tables say."""

    node: str
    row: int | None
    field: str
    reason: str

    def __str__(self) -> str:
        place = "应答" if self.node == ROOT else f"节点 {self.node}"
        place += f" 第 {self.row} 行" if self.row is not None else ""
        return f"{place}{' ' if self.field else ''}{self.field}：{self.reason}"


@dataclass(frozen=True, slots=True)
class Output:
    """The typed content of an answer. Declared names are in the tables' spelling; unknown ones are kept as they came.

    In each row every declared field is there (None when the platform gave nothing), a child node of many is a list, one
    of one a dict ({} when absent). Values are str, Decimal, date, aware datetime (Asia/Shanghai), or None.
    """

    node: Node
    root: tuple[dict[str, Any], ...]
    doubts: tuple[Doubt, ...] = field(default=())

    @property
    def values(self) -> dict[str, Any]:
        """The fields directly under output."""
        row = self.root[0] if self.root else {}
        return {name: value for name, value in row.items() if name not in self.node.children}

    def rows(self, node: str = ROOT) -> list[dict[str, Any]]:
        """Return all rows of a node by its dotted path (any case), [] when there are none; "." is output itself."""
        rows: list[dict[str, Any]] = list(self.root)
        for name in node.split(".") if node not in (ROOT, "") else ():
            rows = [below for row in rows for below in _below(row, name)]
        return rows

    def row(self, node: str = ROOT) -> dict[str, Any]:
        """Return the first row of a node, {} when there is none."""
        return next(iter(self.rows(node)), {})


def read(transaction: Transaction, output: Any, side: Side = "output") -> Output:
    """Read an answer's `output`: an object, an array, JSON text, null in any spelling. Never raises.

    `side` "input" reads a message that the platform sends to us in the same way.
    """
    root = transaction.side(side)
    reader = _Reader()
    rows = reader.root(root, _opened(output, reader))
    return Output(root, tuple(rows), tuple(reader.doubts))


def _below(row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = row.get(name)
    if value is None:
        value = next((row[key] for key in row if isinstance(key, str) and key.lower() == name.lower()), None)
    found = value if isinstance(value, list) else [value]
    return [item for item in found if isinstance(item, dict) and item]


def _opened(value: Any, reader: _Reader) -> Any:
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value).decode("utf-8", "replace")
    if not isinstance(value, str) or is_nothing(value):
        return None if is_nothing(value) else value
    try:
        opened = json.loads(value, parse_float=Decimal)
    except (ValueError, RecursionError):
        reader.doubt(ROOT, None, "", "不是 JSON")
        return None
    return None if is_nothing(opened) else opened


class _Reader:
    """Walks an answer along the tables and collects what is doubtful."""

    def __init__(self) -> None:
        self.doubts: list[Doubt] = []

    def doubt(self, node: str, row: int | None, name: str, reason: str) -> None:
        """Note something that could not be read as declared."""
        self.doubts.append(Doubt(node, row, name, reason))

    def root(self, node: Node, value: Any) -> list[dict[str, Any]]:
        """Return the rows of output itself; a bare array is given to the node that it fits best."""
        if isinstance(value, (list, tuple)) and not node.many:
            child = _best(value, _candidates(node, ()))
            if child is not None and child is not node:
                value = {child.name: value}
            elif len(value) > 1 and child is None:
                self.doubt(ROOT, None, "", "应是对象，平台给了数组")
        return self.rows(node, value)

    def rows(self, node: Node, value: Any) -> list[dict[str, Any]]:
        """Return the rows of a node from an object, a list, JSON text, or bare values where it has one field."""
        if is_nothing(value):
            return []
        if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            value = _opened(value, self)
        items = list(value) if isinstance(value, (list, tuple)) else [value]
        if not node.many and len(items) > 1:
            self.doubt(node.path, None, "", f"应只有一行，平台给了 {len(items)} 行")
        rows = [self._item(node, item, number) for number, item in enumerate(items, 1) if not is_nothing(item)]
        return [row for row in rows if row is not None]

    def _item(self, node: Node, item: Any, number: int) -> dict[str, Any] | None:
        if isinstance(item, (list, tuple)) and len(item) == 1:
            item = item[0]
        if isinstance(item, Mapping):
            return self._row(node, item, number if node.many else None)
        if len(node.fields) == 1 and not isinstance(item, (list, tuple)):
            return self._row(node, {next(iter(node.fields)): item}, number)
        self.doubt(node.path, number, "", "应是对象")
        return None

    def _row(self, node: Node, row: Mapping[Any, Any], number: int | None) -> dict[str, Any]:
        known, unknown = _placed(node, row)
        for name, reason in known.pop("", []):
            self.doubt(node.path, number, name, reason)
        typed: dict[str, Any] = {}
        for name, rule in node.fields.items():
            typed[name], reason = read_value(rule, known.get(name))
            if reason:
                self.doubt(node.path, number, name, reason)
        for name, child in node.children.items():
            rows = self.rows(child, known.get(name))
            typed[name] = rows if child.many else (rows[0] if rows else {})
        return typed | {name: value for name, value in unknown.items() if name not in typed}


def _placed(node: Node, row: Mapping[Any, Any], depth: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a row holds by declared name, and what it holds besides. Notes about oddities are under key ""."""
    known, unknown = _spelled(node, row)
    notes: list[tuple[str, str]] = []
    for name, value in list(known.items()):
        if depth < _WRAPPERS and name in node.children and _wraps(node, node.children[name], value):
            del known[name]
            unknown[name] = value
    for name, value in list(unknown.items()):
        if isinstance(value, (Mapping, list, tuple)) and depth < _WRAPPERS:
            _place_container(node, name, value, known, unknown, notes, depth)
    _place_higher(node, known, unknown)
    return known | ({"": notes} if notes else {}), unknown


def _spelled(node: Node, row: Mapping[Any, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    known: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for key, value in row.items():
        key = key if isinstance(key, str) else text_of(key)
        name = key if key in node.fields or key in node.children else node.spellings.get(key.lower(), "")
        if not name:
            unknown[key] = value
        elif name not in known or is_nothing(known[name]) or (key == name and not is_nothing(value)):
            known[name] = value
    return known, unknown


def _wraps(node: Node, child: Node, value: Any) -> bool:
    """Whether a value under a child's name is in truth the answer itself, wrapped once more (`data` around `data`)."""
    return isinstance(value, Mapping) and not _score(child, value) and _score(node, value) > 0


def _place_container(
    node: Node,
    name: str,
    value: Any,
    known: dict[str, Any],
    unknown: dict[str, Any],
    notes: list[tuple[str, str]],
    depth: int,
) -> None:
    """Take an unknown object as a wrapper of this row, or as the absent node whose fields it has (9002's sign_time).

    Most of its names must be known there: a region's own node that shares a psn_no with one of ours stays unknown.
    """
    fit = _best(value, _candidates(node, known))
    if fit is None or not _mostly(fit, value):
        return
    del unknown[name]
    if fit is not node:
        known[fit.name] = value
        notes.append((name, f"按节点 {fit.path} 读取"))
        return
    inner = value if isinstance(value, Mapping) else value[0]
    lifted, rest = _placed(node, inner, depth + 1)
    notes.extend(lifted.pop("", []))
    known.update({key: item for key, item in lifted.items() if is_nothing(known.get(key))})
    unknown.update({key: item for key, item in rest.items() if key not in unknown})


def _place_higher(node: Node, known: dict[str, Any], unknown: dict[str, Any]) -> None:
    """Give values that stand one level too high to the node that declares most of them (4101's answer).

    Only when no node is there at all, so that a stray value beside its nodes does not make up a row.
    """
    single = {key: value for key, value in unknown.items() if not isinstance(value, (Mapping, list, tuple))}
    absent = all(is_nothing(known.get(name)) for name in node.children)
    fit = _best(single, list(node.children.values())) if single and absent else None
    if fit is None:
        return
    known[fit.name] = {key: unknown.pop(key) for key in single if key.lower() in fit.spellings}


def _candidates(node: Node, known: Mapping[str, Any] | Sequence[str]) -> list[Node]:
    return [node, *(child for name, child in node.children.items() if name not in known)]


def _score(node: Node, row: Any) -> int:
    return sum(1 for key in row if isinstance(key, str) and key.lower() in node.spellings)


def _mostly(node: Node, value: Any) -> bool:
    row = next(_objects(value), {})
    return 2 * _score(node, row) >= len(row)


def _best(value: Any, candidates: Sequence[Node]) -> Node | None:
    """Return the one node whose names an object (or a list's first object) has most of, None when unclear."""
    row = next(_objects(value), None)
    if row is None:
        return None
    scored = sorted(((_score(node, row), node) for node in candidates), key=lambda pair: -pair[0])
    if not scored or not scored[0][0] or (len(scored) > 1 and scored[1][0] == scored[0][0]):
        return None
    return scored[0][1]


def _objects(value: Any) -> Iterator[Mapping[Any, Any]]:
    for item in [value] if isinstance(value, Mapping) else value:
        if isinstance(item, Mapping):
            yield item
