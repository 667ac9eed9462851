"""Names of a form's inputs: `m:payinfo.0.fund_pay_type`, and `m:payinfo.0` to say that a row is there.

Row numbers in names only order the rows: a script may leave gaps. Acts name rows by the same numbers.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any

from insurance.exchange.debugging.jsontext import clean
from insurance.exchange.debugging.state import State
from insurance.specification.model import Node

PREFIX = "m:"
MOST_ROWS = 5_000
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::(\d\d))?(?:\.\d+)?", re.ASCII)


class BadAct(Exception):
    """A button names a row that is not there; the words are Chinese."""


class Posted:
    """A posted form before its rows are numbered anew: nodes of many as a mapping of number → row."""

    def __init__(self, root: Node, pairs: Iterable[tuple[str, str]]) -> None:
        self.root = root
        self.raw: dict[str, Any] = {}
        for name, text in pairs:
            if name.startswith(PREFIX):
                self._put(name.removeprefix(PREFIX).split("."), as_typed(text))

    def _put(self, parts: list[str], text: str) -> None:
        """Put one text where its name says; what the table does not have is not taken."""
        found = self._walk(parts[:-1], make=True)
        if found is None:
            return
        node, row = found
        last = parts[-1]
        if isinstance(row, _Rows):
            key = number(last)
            if key is not None and len(row) < MOST_ROWS:
                row.setdefault(key, {})
        elif last in node.fields:
            row[last] = moment(text) if node.fields[last].type == "datetime" else text

    def _walk(self, parts: list[str], make: bool = False) -> tuple[Node, Any] | None:
        """Return the node and the raw row (or the rows) at a place; None where the table or the form has none."""
        node, row = self.root, self.raw
        for part in parts:
            if isinstance(row, _Rows):
                key = number(part)
                if key is None or (key not in row and (not make or len(row) >= MOST_ROWS)):
                    return None
                row = row.setdefault(key, {})
            elif part in node.children:
                node = node.children[part]
                if part not in row and not make:
                    return None
                row = row.setdefault(part, _Rows() if node.many else {})
            else:
                return None
        return node, row

    def act(self, act: str) -> str:
        """Carry out `add:<rows>`, `copy:<row>` or `drop:<row>`; returns the place to look at. Raises BadAct."""
        verb, _, path = act.partition(":")
        parts = path.split(".")
        if verb == "add":
            return self._add(parts)
        rows, key = self._row(parts)
        if verb == "drop":
            del rows[key]
            return ".".join(parts[:-1])
        shifted = {old if old <= key else old + 1: row for old, row in rows.items()}
        rows.clear()
        rows.update(shifted | {key + 1: copy.deepcopy(shifted[key])})
        return ".".join([*parts[:-1], str(sorted(rows).index(key + 1))])

    def _add(self, parts: list[str]) -> str:
        found = self._walk(parts, make=True)
        if found is None or not isinstance(found[1], _Rows):
            raise BadAct("规范中没有这个节点，或它只有一行")
        rows = found[1]
        if len(rows) >= MOST_ROWS:
            raise BadAct(f"一个节点最多 {MOST_ROWS:,} 行")
        rows[max(rows, default=-1) + 1] = {}
        return ".".join([*parts, str(len(rows) - 1)])

    def _row(self, parts: list[str]) -> tuple[dict[int, Any], int]:
        found, key = self._walk(parts[:-1]), number(parts[-1])
        if found is None or key is None or not isinstance(found[1], _Rows) or key not in found[1]:
            raise BadAct("这一行已经不在了")
        return found[1], key

    @property
    def state(self) -> State:
        """The form's state, rows in the order of their numbers."""
        made: State = _settled(self.raw)
        return made


class _Rows(dict[int, Any]):
    """Rows of a node of many, by the number in their names."""


def number(part: str) -> int | None:
    """Return a row's number from its name, None when it is none."""
    return int(part) if part.isascii() and part.isdigit() and len(part) <= 7 else None


def _settled(raw: Any) -> Any:
    if isinstance(raw, _Rows):
        return [_settled(raw[key]) for key in sorted(raw)]
    if isinstance(raw, dict):
        return {name: value for name, item in raw.items() if (value := _settled(item)) not in ("", {}, [])}
    return raw


def moment(text: str) -> str:
    """Return what a browser's field for date and time sends (2026-11-23T08:00) as the protocol writes it."""
    found = MOMENT.fullmatch(text)
    return f"{found[1]} {found[2]}:{found[3] or '00'}" if found else text


def as_typed(text: str) -> str:
    """Return a text as it was meant: browsers send line breaks as CR LF; a half character cannot be kept."""
    text = text.replace("\r\n", "\n")
    return text if clean(text) else text.encode("utf-8", "replace").decode().replace("\x00", "")


def places(root: Node, state: State, path: str = "") -> Iterable[tuple[str, str]]:
    """Yield (name, text) of every input that a form of this state sends: what `Posted` reads back."""
    for name in root.fields:
        yield f"{PREFIX}{path}{name}", state.get(name, "")
    for name, child in root.children.items():
        below = state.get(name, [] if child.many else {})
        if not child.many:
            yield from places(child, below, f"{path}{name}.")
            continue
        for place, row in enumerate(below):
            yield f"{PREFIX}{path}{name}.{place}", ""
            yield from places(child, row, f"{path}{name}.{place}.")
