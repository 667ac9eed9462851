"""What a form holds, and how it becomes a message and back.

A *state* has the shape of the message: a mapping of each field to the text typed, of each child node to a mapping, or
where the node is `many` to a list of mappings. Empty texts and empty single nodes are not in a message (the empty rule
of the protocol fills them when it is written); an empty row stays a row, because somebody put it there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from insurance.exchange.debugging.jsontext import NotJson, dumps, loads
from insurance.specification.checking import needed_nodes
from insurance.specification.model import Field, Node
from insurance.specification.wire import kind_of

State = dict[str, Any]
# What JSON itself calls a number; anything else that was typed travels as text and is judged as such.
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
MOST_DIGITS = 200


class Misfit(Exception):
    """A message has something that no form of its table can hold; the words say where and what, in Chinese."""


def blank(root: Node) -> State:
    """Return the state of a new form: one row in each node that the message cannot do without."""
    return {node.name: [{}] for node in needed_nodes(root) if node.many}


def message_of(node: Node, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message (JSON values, numbers as Decimal) that a state says: what is empty is left out."""
    message: dict[str, Any] = {}
    for name, field in node.fields.items():
        text = state.get(name, "")
        if text != "":
            message[name] = _value_of(field, text)
    for name, child in node.children.items():
        if child.many:
            rows = [message_of(child, row) for row in state.get(name, [])]
            message |= {name: rows} if rows else {}
        elif below := message_of(child, state.get(name, {})):
            message[name] = below
    return message


def _value_of(field: Field, text: str) -> Any:
    if field.type == "number" and len(text) <= MOST_DIGITS and NUMBER.fullmatch(text):
        return Decimal(text)
    if field.type == "json" or (field.type == "binary" and text.startswith("[")):
        try:
            return loads(text)
        except NotJson:
            return text
    return text


def state_of(root: Node, message: Any) -> State:
    """Return the state that shows a message. Raises Misfit where something would be lost."""
    if root.many:
        raise Misfit("此交易的输入本身是数组，只能用 JSON 填写")
    return _row(root, {} if message is None else message, "")


def _row(node: Node, row: Any, place: str) -> State:
    if not isinstance(row, Mapping):
        raise Misfit(f"{place or '报文'}：应是对象，不是{kind_of(row)}")
    state: State = {}
    for name, value in row.items():
        where = f"{place}.{name}" if place else str(name)
        if name in node.fields:
            text = _text_of(node.fields[name], value, where)
            state |= {name: text} if text != "" else {}
        elif name in node.children:
            below = _below(node.children[name], value, where)
            state |= {name: below} if below else {}
        else:
            raise Misfit(f"{where}：规范中没有这个名称")
    return state


def _below(node: Node, value: Any, place: str) -> State | list[State]:
    if value is None or value == "":
        return {}
    if not node.many:
        return _row(node, value, place)
    if not isinstance(value, list):
        raise Misfit(f"{place}：此节点有多行，应是数组，不是{kind_of(value)}")
    return [_row(node, row, f"{place}.{number}") for number, row in enumerate(value, 1)]


def _text_of(field: Field, value: Any, place: str) -> str:
    if field.type == "json" and value is not None and value != "":
        return dumps(value, indent=0)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return plain(value)
    if field.type == "binary" and isinstance(value, list):
        return dumps(value, indent=0)
    raise Misfit(f"{place}：应是单个值，不是{kind_of(value)}")


def plain(number: int | Decimal) -> str:
    """Return a number's own digits; one too long to be meant stays in its short form, which the check refuses."""
    if isinstance(number, Decimal) and number.is_finite() and abs(number.adjusted()) <= MOST_DIGITS:
        return f"{number:f}"
    return str(number)


def completed(root: Node, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message with the nodes it cannot do without, so that the check names their fields one by one."""
    whole = dict(message)
    for node in needed_nodes(root):
        if not whole.get(node.name):
            whole[node.name] = [{}] if node.many else {}
    return whole


def inputs_in(state: Any) -> int:
    """Return how many values a state holds, for limits."""
    if isinstance(state, Mapping):
        return sum(inputs_in(value) for value in state.values())
    return sum(1 + inputs_in(row) for row in state) if isinstance(state, list) else 1


def rows_in(node: Node, message: Mapping[str, Any]) -> dict[str, int]:
    """Return how many rows the message has in each node of many, by its dotted path, all parents taken together."""
    counts: dict[str, int] = {}
    for name, child in node.children.items():
        value = message.get(name)
        rows = value if isinstance(value, list) else [value] if isinstance(value, Mapping) else []
        if child.many and rows:
            counts[child.path] = counts.get(child.path, 0) + len(rows)
        for row in rows:
            for path, number in (rows_in(child, row) if isinstance(row, Mapping) else {}).items():
                counts[path] = counts.get(path, 0) + number
    return counts
