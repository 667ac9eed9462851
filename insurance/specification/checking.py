"""Everything wrong with a message before it is sent, all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from insurance.specification.books import Book
from insurance.specification.errors import UnknownDictionary
from insurance.specification.model import ROOT, Field, Node, Side, Transaction
from insurance.specification.wire import Unfit, is_empty, kind_of, to_wire


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. An error must not be sent; a warning may.

    `row` counts from 1 and is the row of the outermost node that has many, so that it names the row of a batch;
    `inner` are the row numbers of the nodes within it, outermost first. `reason` never repeats a person's data.
    """

    level: Literal["error", "warning"]
    node: str
    row: int | None
    field: str
    label: str
    reason: str
    inner: tuple[int, ...] = ()

    def __str__(self) -> str:
        place = "报文" if self.node == ROOT else f"节点 {self.node}"
        place += f" 第 {self.row} 行" if self.row is not None else ""
        place += "".join(f" 内第 {number} 行" for number in self.inner)
        named = f"{self.label}（{self.field}）" if self.label else self.field
        return f"{place}{' ' if named else ''}{named}：{self.reason}"


def check(transaction: Transaction, message: Any, book: Book, side: Side = "input") -> list[Problem]:
    """Return every problem of a message (JSON values or Python values), in the order of the tables.

    `side` "output" judges an answer by the same rules. Any value whatsoever may be given; nothing is raised for it.
    """
    root = transaction.side(side)
    checker = _Checker(book, transaction.asks)
    if root.empty and (message is None or message == "" or message == []):
        return []
    found = list(checker.rows(root, message, ()))
    if isinstance(message, Mapping):
        found += _missing_nodes(root, message)
    return found


def needed_nodes(root: Node) -> list[Node]:
    """Return the top nodes that a message cannot do without.

    The tables do not say which nodes are optional. A lone node with a required field is the message itself; where there
    are several, the first is the head if it is one object (setlinfo, mdtrtinfo, data), and the rest are its details,
    which a visit may lack (4401 without an operation). Several without a head (4302, 4201) need at least one of them.
    """
    tops = list(root.children.values())
    required = [node for node in tops[:1] if any(field.required for field in node.fields.values())]
    alone = len(tops) == 1
    return [node for node in required if alone or not node.many]


def _missing_nodes(root: Node, message: Mapping[Any, Any]) -> Iterator[Problem]:
    tops = list(root.children.values())
    needed = needed_nodes(root)
    for node in needed:
        if is_empty(message.get(node.name)) or (node.many and message.get(node.name) == []):
            yield Problem("error", node.path, None, "", "", "缺少此节点")
    if len(tops) > 1 and not needed and all(not message.get(node.name) for node in tops):
        yield Problem("error", ROOT, None, "", "", f"至少要有一个节点：{'、'.join(node.name for node in tops)}")


class _Checker:
    """Walks a message along the tables; its depth is that of the tables, never that of the message."""

    def __init__(self, book: Book, bare_dates: bool) -> None:
        self._book = book
        self._bare_dates = bare_dates

    def rows(self, node: Node, value: Any, place: tuple[int, ...]) -> Iterator[Problem]:
        """Judge the value of a node: one object, or a list of them."""
        if not node.many:
            yield from self._row(node, value, place, "此节点只有一行，应是一个对象")
        elif not isinstance(value, (list, tuple)):
            yield self._problem(node, place, f"此节点有多行，应是数组，不是{kind_of(value)}")
        else:
            for number, row in enumerate(value, 1):
                yield from self._row(node, row, (*place, number), "这一行应是一个对象")

    def _row(self, node: Node, row: Any, place: tuple[int, ...], expected: str) -> Iterator[Problem]:
        if not isinstance(row, Mapping):
            yield self._problem(node, place, f"{expected}，不是{kind_of(row)}")
            return
        for field in node.fields.values():
            yield from self._field(node, field, row.get(field.name), place)
        for child in node.children.values():
            if not is_empty(row.get(child.name)):
                yield from self.rows(child, row[child.name], place)
        for key in row:
            if not isinstance(key, str) or (key not in node.fields and key not in node.children):
                yield self._unknown(node, key, place)

    def _field(self, node: Node, field: Field, value: Any, place: tuple[int, ...]) -> Iterator[Problem]:
        if is_empty(value):
            if field.required:
                yield self._problem(node, place, "必填，不能为空", field)
            return
        try:
            wire = to_wire(field, value, self._bare_dates)
        except Unfit as unfit:
            yield self._problem(node, place, str(unfit), field)
            return
        if field.required and field.type == "binary" and not wire:
            yield self._problem(node, place, "必填，不能为空", field)
            return
        if field.required and isinstance(wire, str) and not wire.strip():
            yield self._problem(node, place, "必填，不能只有空格", field)
            return
        yield from self._doubtful(node, field, wire, place)

    def _doubtful(self, node: Node, field: Field, wire: Any, place: tuple[int, ...]) -> Iterator[Problem]:
        # "11" without decimals is a whole number in some tables and an amount in others: so only a warning.
        if isinstance(wire, float) and field.digits and field.digits[1] is None:
            yield self._problem(node, place, f"带有小数，规范只写了 {field.digits[0]} 位数", field, "warning")
        if field.code and (known := self._dictionary(field.code)) and str(wire) not in known:
            reason = f"“{_show(wire)}”不在字典 {field.code} 中"
            yield self._problem(node, place, reason, field, "warning")

    def _dictionary(self, code: str) -> Mapping[str, str]:
        try:
            return self._book.dictionary(code)
        except UnknownDictionary:
            return {}

    def _unknown(self, node: Node, key: Any, place: tuple[int, ...]) -> Problem:
        near = _nearest(key, node)
        reason = f"规范中没有“{_show(key)}”" + (f"，是否为 {near}？" if near else "")
        return self._problem(node, place, reason)

    def _problem(
        self,
        node: Node,
        place: tuple[int, ...],
        reason: str,
        field: Field | None = None,
        level: Literal["error", "warning"] = "error",
    ) -> Problem:
        name, label = (field.name, field.label) if field else ("", "")
        return Problem(level, node.path, place[0] if place else None, name, label, reason, place[1:])


def _nearest(key: Any, node: Node) -> str:
    if not isinstance(key, str) or len(key) > 64:
        return ""
    if key.lower() in node.spellings:
        return node.spellings[key.lower()]
    near = get_close_matches(key.lower(), node.spellings, 1, 0.75)
    return node.spellings[near[0]] if near else ""


def _show(value: Any) -> str:
    short = isinstance(value, (int, float)) and abs(value) < 10**15
    text = value if isinstance(value, str) else repr(value) if short else kind_of(value)
    text = text[:40] + ("…" if len(text) > 40 else "")
    return "".join(sign if sign.isprintable() else "?" for sign in text)
