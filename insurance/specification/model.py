"""The platform's transactions as values: what a table says, and nothing about where it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from insurance.specification.errors import UnknownNode

Type = Literal["string", "number", "date", "datetime", "binary", "json"]
Side = Literal["input", "output"]
StepKind = Literal["retry", "verify", "reverse", "resend", "person", "idempotent"]
TYPES: tuple[str, ...] = get_args(Type)
STEP_KINDS: tuple[str, ...] = get_args(StepKind)
ROOT = "."

# A query changes nothing at the platform, and reads a bare end date as its last second (protocol.md 5).
ASKING = frozenset({"query", "download"})


@cache
def digits_of(length: str) -> tuple[int, int | None] | None:
    """Return (digits, decimals) of a number's length text: "16,2" → (16, 2), "11" → (11, None), "" → None.

    Raises ValueError when the text is not a length.
    """
    if not length:
        return None
    whole, _, decimals = length.partition(",")
    return int(whole), int(decimals) if decimals else None


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter. `code` names its dictionary ("" for none), `length` is the table's raw text.

    `origin` tells a person where the rule comes from: edition, file, row of the file (the head is row 1).
    """

    name: str
    label: str
    type: Type
    length: str
    code: str
    required: bool
    note: str
    origin: str

    @property
    def max_length(self) -> int | None:
        """Greatest number of characters of a text, or None where the table sets no limit."""
        return int(self.length) if self.length and self.type != "number" else None

    @property
    def digits(self) -> tuple[int, int | None] | None:
        """(digits, decimals) of a number; decimals None where the table names digits only."""
        return digits_of(self.length) if self.type == "number" else None


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A named group of parameters: one object, or (`many`) a list of them. The root's path is "."; others are dotted.

    `spellings` maps the lower-case form of each field and child to its own spelling, for tolerant reading.
    """

    name: str
    path: str
    many: bool
    fields: Mapping[str, Field]
    children: Mapping[str, Node]
    spellings: Mapping[str, str]

    @property
    def empty(self) -> bool:
        """Whether the tables declare nothing here."""
        return not self.fields and not self.children

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it, parents first, in the table's order."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def find(self, path: str) -> Node:
        """Return the node at a dotted path ("." and "" are this one). Raises UnknownNode."""
        node = self
        for name in path.split(".") if path not in (ROOT, "") else ():
            if name not in node.children:
                raise UnknownNode(f"规范中没有节点 {path}")
            node = node.children[name]
        return node


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try when nobody knows what became of a message; `infno` for verify and reverse, else ""."""

    kind: StepKind
    infno: str


@dataclass(frozen=True, slots=True, eq=False)
class Transaction:
    """One 交易. `infno` is the number on the wire, `tender` the number in the tender's list ("" = regional extra).

    `effect`: query, download, submit, revoke, reversal, notification, session or file. `priority` 3 comes first.
    `room` is the one package that owns it.
    """

    infno: str
    tender: str
    chapter: str
    group: str
    name: str
    mode: str
    priority: int
    direction: str
    effect: str
    undoes: tuple[str, ...]
    unknown_outcome: tuple[Step, ...]
    input: Node
    output: Node
    room: str

    @property
    def asks(self) -> bool:
        """Whether it changes nothing at the platform."""
        return self.effect in ASKING

    def side(self, side: Side) -> Node:
        """Return the root node of what is sent (input) or answered (output)."""
        return self.input if side == "input" else self.output


@dataclass(frozen=True, slots=True)
class Route:
    """How an edition carries out one purpose of a room (routes.csv).

    `node` is the input node that carries the row or rows ("" when there is no input). `answers` is "rows" when each row
    finds its own answer by the fields of `match`, "whole" when the answer concerns the message as one.
    `max_rows`, `max_chars`: limits of one message, None = no limit.
    """

    purpose: str
    infno: str
    form: Literal["single", "batch"]
    node: str
    answers: Literal["rows", "whole"]
    match: tuple[str, ...]
    max_rows: int | None
    max_chars: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a TAB-separated file; `position` counts from 1."""

    position: int
    name: str
    label: str
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The columns of a TAB-separated file, in order, and `positions` by field name (from 0)."""

    name: str
    columns: tuple[Column, ...]
    positions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table comes from. `confidence`: A two sources agree, B one, C general knowledge."""

    confidence: str
    sources: str
    note: str
