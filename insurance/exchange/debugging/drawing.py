"""What the templates show of a form: sections, rows and inputs, each with its own problems, and the list to jump by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from insurance.exchange.debugging.files import MARK, KeptFile
from insurance.exchange.debugging.judging import Finding
from insurance.exchange.debugging.posting import PREFIX
from insurance.exchange.debugging.state import State
from insurance.exchange.debugging.words import node_label
from insurance.specification.books import Book
from insurance.specification.errors import SpecificationError
from insurance.specification.model import Field, Node, Transaction

# A page with more inputs than this is slow in any browser; the rest is written as JSON.
MOST_INPUTS = 8_000
LONG = 500
PROTOTYPE = "@@"
FULL_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


@dataclass(frozen=True)
class Box:
    """One input: `name` as it is posted, `kind` which input, `options` the id of its list, `word` the code's label."""

    place: str
    rule: Field
    text: str
    kind: str
    options: str = ""
    word: str = ""
    findings: Sequence[Finding] = ()

    @property
    def name(self) -> str:
        """The input's name."""
        return PREFIX + self.place

    @property
    def shown(self) -> str:
        """The value as the input wants it."""
        return self.text.replace(" ", "T") if self.kind == "datetime-local" else self.text

    @property
    def wrong(self) -> bool:
        """Whether it must be mended."""
        return any(finding.error for finding in self.findings)

    @property
    def classes(self) -> str:
        """The classes of the box, each after a blank."""
        names = ["must" if self.rule.required else "opt"]
        names += ["is-filled"] if self.text else []
        names += ["is-bad"] if self.wrong else []
        names += ["is-wide"] if self.kind in ("area", "file") else []
        return "".join(f" {name}" for name in names)

    @property
    def look(self) -> str:
        """The classes of the input."""
        look = "form-control form-control-sm"
        look += " is-number" if self.kind == "number" else ""
        return f"{look} is-invalid" if self.wrong else look

    @property
    def attributes(self) -> SafeString:
        """What else an input of one line has: its type, its list of codes, how a time is written."""
        pairs = [("type", "text" if self.kind == "number" else self.kind)]
        pairs += {"number": [("inputmode", "decimal")], "datetime-local": [("step", "1")]}.get(self.kind, [])
        pairs += [("list", self.options), ("data-combo", "")] if self.options else []
        if self.kind == "text" and self.rule.type in WRITTEN:
            pairs.append(("placeholder", WRITTEN[self.rule.type]))
        pairs += [("aria-invalid", "true")] if self.wrong else []
        return format_html_join(" ", '{}="{}"', pairs)

    @property
    def hint(self) -> str:
        """The rule in a line, for the label's title."""
        parts = [self.rule.label, self.rule.name, TYPES.get(self.rule.type, self.rule.type)]
        parts += [f"长度 {self.rule.length}"] if self.rule.length else []
        parts += [f"字典 {self.rule.code}"] if self.rule.code else []
        return " · ".join(
            [*parts, "必填" if self.rule.required else "选填", *([self.rule.note] if self.rule.note else [])]
        )


WRITTEN = {"date": "yyyy-MM-dd", "datetime": "yyyy-MM-dd HH:mm:ss"}
TYPES = {"string": "文本", "number": "数字", "date": "日期", "datetime": "日期时间", "binary": "文件", "json": "JSON"}


@dataclass(frozen=True)
class Row:
    """One row of a node: its inputs, and the sections below it."""

    place: str
    number: int
    boxes: Sequence[Box]
    sections: Sequence[Section]
    findings: Sequence[Finding] = ()


@dataclass(frozen=True)
class Section:
    """One node at one place: a single one has one row with the section's own place."""

    place: str
    path: str
    name: str
    label: str
    many: bool
    rows: Sequence[Row]
    findings: Sequence[Finding] = ()
    wrong: int = 0
    depth: int = 0

    @property
    def title(self) -> str:
        """Chinese name, else the node's own."""
        return self.label or self.name


@dataclass(frozen=True)
class Drawn:
    """A whole form: root inputs and sections, an empty row of each node of many, dictionaries, general problems."""

    root: Row
    prototypes: Sequence[Section]
    lists: Mapping[str, Mapping[str, str]]
    findings: Sequence[Finding]

    @property
    def sections(self) -> Iterator[Section]:
        """Every section, each parent before what is below it."""
        yield from _below(self.root)


def _below(row: Row) -> Iterator[Section]:
    for section in row.sections:
        yield section
        for inner in section.rows:
            yield from _below(inner)


class Drawer:
    """Draws the form of one transaction in one edition."""

    def __init__(
        self,
        book: Book,
        transaction: Transaction,
        findings: Sequence[Finding] = (),
        files: Mapping[str, KeptFile] | None = None,
    ) -> None:
        self.book = book
        self.transaction = transaction
        self.files = files or {}
        self.lists: dict[str, Mapping[str, str]] = {}
        self.by_place: dict[str, list[Finding]] = {}
        for finding in findings:
            self.by_place.setdefault(finding.place, []).append(finding)

    def draw(self, state: State) -> Drawn:
        """Return everything a page shows of `state`."""
        root = self._row(self.transaction.input, state, "", 1, 0)
        many = [node for node in self.transaction.input.walk() if node.many]
        prototypes = [self._prototype(node) for node in many]
        return Drawn(root, prototypes, self.lists, self.by_place.get("", []))

    def _prototype(self, node: Node) -> Section:
        depth = node.path.count(".")
        return self._section(node, [{}], "", depth, PROTOTYPE)

    def _section(self, node: Node, value: Any, place: str, depth: int, row_place: str = "") -> Section:
        if node.many:
            places = [row_place or f"{place}.{at}" for at in range(len(value))]
            rows = [
                self._row(node, row, at, number, depth + 1)
                for number, (row, at) in enumerate(zip(value, places, strict=True), 1)
            ]
        else:
            rows = [self._row(node, value, place, 1, depth + 1)]
        wrong = sum(
            finding.error
            for at, found in self.by_place.items()
            if at == place or at.startswith(f"{place}.")
            for finding in found
        )
        findings = self.by_place.get(place, []) if node.many else []
        return Section(place, node.path, node.name, node_label(node.name), node.many, rows, findings, wrong, depth)

    def _row(self, node: Node, state: Mapping[str, Any], place: str, number: int, depth: int) -> Row:
        prefix = f"{place}." if place else ""
        boxes = [self._box(field, state.get(name, ""), prefix + name) for name, field in node.fields.items()]
        sections = [
            self._section(child, state.get(name, [] if child.many else {}), prefix + name, depth)
            for name, child in node.children.items()
        ]
        return Row(place, number, boxes, sections, self.by_place.get(place, []) if place else [])

    def _box(self, rule: Field, text: str, place: str) -> Box:
        options, word = self._options(rule, text)
        if rule.type == "binary" and text in self.files:
            word = f"已选：{self.files[text].name}，{self.files[text].size:,} 字节。重新选择会替换。"
        kind = kind_of(rule, text, self.transaction.asks)
        return Box(place, rule, text, kind, options, word, self.by_place.get(place, []))

    def _options(self, rule: Field, text: str) -> tuple[str, str]:
        if not rule.code:
            return "", ""
        if rule.code not in self.lists:
            try:
                self.lists[rule.code] = self.book.dictionary(rule.code)
            except SpecificationError:
                self.lists[rule.code] = {}
        known = self.lists[rule.code]
        return (f"list-{rule.code}" if known else ""), known.get(text, "")


def kind_of(rule: Field, text: str, asks: bool) -> str:
    """Return which input shows a text of a field without changing it: a browser empties a date that is none."""
    if rule.type == "binary":
        return "file" if not text or text.startswith(MARK) else "area"
    if (
        rule.type == "json"
        or "\n" in text
        or (rule.type == "string" and not rule.code and (rule.max_length or 0) >= LONG)
    ):
        return "area"
    if rule.type == "date" and _is_day(text):
        return "date"
    # A query may bear a bare day where a time stands, which a browser's field for times cannot.
    if rule.type == "datetime" and not asks and _is_moment(text):
        return "datetime-local"
    return "number" if rule.type == "number" else "text"


def _is_day(text: str) -> bool:
    try:
        return not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    try:
        return not text or bool(FULL_MOMENT.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


@dataclass(frozen=True)
class Rule:
    """Where one rule of a table comes from, for the page that shows it on demand."""

    path: str
    rule: Field
    kind: str
    options: Mapping[str, str] = field(default_factory=dict)


def rule_at(book: Book, transaction: Transaction, place: str) -> Rule:
    """Return the rule of a field by its place (`payinfo.0.fund_pay_type`). Raises LookupError."""
    path, _, name = place.rpartition(".")
    parts = [part for part in path.split(".") if part and not part.isdigit() and part != PROTOTYPE]
    try:
        node = transaction.input.find(".".join(parts) or ".")
        rule = node.fields[name]
        options = book.dictionary(rule.code) if rule.code else {}
    except SpecificationError as error:
        raise LookupError(place) from error
    return Rule(node.path, rule, TYPES.get(rule.type, rule.type), options)
