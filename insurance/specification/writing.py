"""From a room's message to the JSON-ready `input` that travels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from insurance.specification.errors import Unwritable
from insurance.specification.model import ROOT, Node, Side, Transaction
from insurance.specification.wire import Unfit, is_empty, kind_of, to_wire


def write(transaction: Transaction, message: Any, side: Side = "input") -> Any:
    """Return what travels: the tables' spelling and order, every declared field of each node that is there.

    Empty values go as 0 for a number and "" else; nodes that are not given are left out; numbers are int, exact float,
    or text; bytes stay bytes. `side` "output" writes an answer (a list where the tables have output itself many).
    Raises Unwritable on what `check` would call an error.
    """
    root = transaction.side(side)
    if is_empty(message) or (root.empty and message == []):
        message = [] if root.many else {}
    return _rows(root, message, transaction.asks)


def _rows(node: Node, value: Any, bare_dates: bool) -> Any:
    if not node.many:
        return _row(node, value, bare_dates)
    if not isinstance(value, (list, tuple)):
        raise Unwritable(f"{_place(node)}：应是数组，不是{kind_of(value)}")
    return [_row(node, row, bare_dates) for row in value]


def _row(node: Node, row: Any, bare_dates: bool) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise Unwritable(f"{_place(node)}：应是对象，不是{kind_of(row)}")
    strange = [key for key in row if not isinstance(key, str) or (key not in node.fields and key not in node.children)]
    if strange:
        raise Unwritable(f"{_place(node)}：有 {len(strange)} 个规范中没有的名称")
    written: dict[str, Any] = {}
    for name, field in node.fields.items():
        try:
            written[name] = to_wire(field, row.get(name), bare_dates)
        except Unfit as unfit:
            raise Unwritable(f"{_place(node)} {field.label}（{name}）：{unfit}") from None
    for name, child in node.children.items():
        if not is_empty(row.get(name)):
            written[name] = _rows(child, row[name], bare_dates)
    return written


def _place(node: Node) -> str:
    return "报文" if node.path == ROOT else f"节点 {node.path}"
