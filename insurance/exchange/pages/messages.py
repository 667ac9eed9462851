"""A stored message as a person reads it: by the labels of the specification, personal data masked (masking.py)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from insurance.exchange.answers import classify
from insurance.exchange.bodies import body_of
from insurance.exchange.envelope import json_ready
from insurance.exchange.masking import mask_broken, mask_value
from insurance.exchange.models import Call
from insurance.specification.books import Book
from insurance.specification.errors import SpecificationError
from insurance.specification.model import Field, Node, Side, Transaction
from insurance.specification.reading import read

# Beyond these a page would be slow and nobody would read on; the note says what was left out.
MOST_BYTES = 4 * 1024 * 1024
MOST_RAW = 60_000
MOST_ROWS = 50
MOST_VALUES = 200
MOST_TEXT = 1_000
NEVER_HEAD = ("input", "output", "data")
_clear: ContextVar[bool] = ContextVar("clear", default=False)


@dataclass(frozen=True)
class Cell:
    """One value: its label, the platform's name, the text as shown, and the dictionary's word for a code."""

    label: str
    name: str
    text: str
    word: str = ""


@dataclass(frozen=True)
class Group:
    """One node. A node of one row shows `cells`, a node of many a table: `columns` over `rows` of cells.

    `count` rows there are, the first MOST_ROWS are shown; `blank` fields of a single row have no value.
    """

    path: str
    many: bool
    count: int
    cells: Sequence[Cell] = ()
    columns: Sequence[Cell] = ()
    rows: Sequence[Sequence[Cell]] = ()
    blank: int = 0

    @property
    def left_out(self) -> int:
        """How many rows are not shown."""
        return max(self.count - len(self.rows), 0) if self.many else 0


@dataclass(frozen=True)
class Shown:
    """A message ready for a page: head and content by label, the JSON itself, its size and a note where it was cut."""

    title: str
    head: Sequence[Cell] = ()
    groups: Sequence[Group] = ()
    raw: str = ""
    size: int = 0
    note: str = ""
    part: str = ""
    clear: bool = False


@contextmanager
def in_clear() -> Iterator[None]:
    """Read messages without masks inside the block: only after `uncover` has noted who sees them and why."""
    token = _clear.set(True)
    try:
        yield
    finally:
        _clear.reset(token)


def _masked(name: str, value: Any) -> Any:
    return value if _clear.get() else mask_value(name, value)


def request_of(call: Call, book: Book) -> Shown | None:
    """Return what a call said, or None when its body is no longer kept."""
    body = body_of(call.pk, "request")
    if body is None or len(body) > MOST_BYTES:
        return _too_large("请求", body)
    envelope = _loaded(body)
    content = envelope.get("input") if isinstance(envelope, Mapping) else None
    head = _head(envelope, book.envelope.input, book)
    groups = labelled(_transaction(call, book), "input", shorten(content), book)
    return Shown("请求", head, groups, _raw(envelope, body), len(body), part="request", clear=_clear.get())


def answer_of(call: Call, book: Book, part: str = "answer") -> Shown | None:
    """Return what the platform answered (`late`: after the call had been given up), or None when there is none."""
    title = "迟到的答复" if part == "late" else "答复"
    body = body_of(call.pk, part)
    if body is None or len(body) > MOST_BYTES:
        return _too_large(title, body)
    answer = classify(call.http_status or 200, body)
    head = _head(answer.raw, book.envelope.output, book)
    groups = labelled(_transaction(call, book), "output", shorten(answer.output_raw), book)
    return Shown(title, head, groups, _raw(_loaded(body), body), len(body), part=part, clear=_clear.get())


def labelled(transaction: Transaction | None, side: Side, content: Any, book: Book) -> list[Group]:
    """Return the content (an `input` or `output`) node by node, [] where the tables do not know the transaction."""
    if transaction is None:
        return []
    found = read(transaction, content, side)
    groups = []
    for node in found.node.walk():
        rows = [_own(row, node) for row in found.rows(node.path)]
        rows = [row for row in rows if row]
        if rows:
            groups.append(_group(node, rows, book))
    return groups


def shorten(value: Any) -> Any:
    """Cut long lists and texts, so that a file's bytes or ten thousand rows do not become a page."""
    if isinstance(value, Mapping):
        return {key: shorten(item) for key, item in value.items()}
    if isinstance(value, list):
        rows = any(isinstance(item, Mapping) for item in value[:1])
        kept = [shorten(item) for item in value[:MOST_VALUES]]
        return kept if len(value) <= MOST_VALUES or rows else [*kept[:20], f"…（共 {len(value):,} 个值）"]
    if isinstance(value, str) and len(value) > MOST_RAW:
        return f"{value[:MOST_TEXT]}…（共 {len(value):,} 字）"
    return value


def _own(row: Mapping[str, Any], node: Node) -> dict[str, Any]:
    """Return a row's own values: without its child nodes, and without what the platform left empty and undeclared."""
    return {name: value for name, value in row.items() if name not in node.children}


def _group(node: Node, rows: Sequence[Mapping[str, Any]], book: Book) -> Group:
    names = list(dict.fromkeys(name for row in rows for name in row))
    used = [name for name in names if any(_there(row.get(name)) for row in rows)]
    path = "" if node.path == "." else node.path
    if not node.many and len(rows) == 1:
        cells = [_cell(name, rows[0].get(name), node.fields.get(name), book) for name in used]
        return Group(path, False, 1, cells=cells, blank=len(names) - len(used))
    columns = [_cell(name, None, node.fields.get(name), book) for name in used]
    shown = [[_cell(name, row.get(name), node.fields.get(name), book) for name in used] for row in rows[:MOST_ROWS]]
    return Group(path, True, len(rows), columns=columns, rows=shown)


def _there(value: Any) -> bool:
    return value is not None and value != "" and value != {} and value != []


def _cell(name: str, value: Any, rule: Field | None, book: Book) -> Cell:
    label = rule.label if rule else "（规范未列）"
    text = text_of(name, value)
    return Cell(label, name, text, _word(rule, text, book) if text else "")


def text_of(name: str, value: Any) -> str:
    """Return a value as text, masked by its field's name; times in local time, money as it came."""
    if not _there(value):
        return ""
    if isinstance(value, datetime):
        value = timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    elif isinstance(value, date):
        value = value.isoformat()
    elif isinstance(value, Decimal):
        value = format(value, "f")
    masked = _masked(name, value)
    text = masked if isinstance(masked, str) else json.dumps(masked, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…（共 {len(text):,} 字）"


def _word(rule: Field | None, text: str, book: Book) -> str:
    if rule is None or not rule.code:
        return ""
    try:
        return book.dictionary(rule.code).get(text, "")
    except SpecificationError:
        return ""


def _head(envelope: Any, node: Node, book: Book) -> list[Cell]:
    if not isinstance(envelope, Mapping):
        return []
    given = {str(name).lower(): value for name, value in envelope.items()}
    cells = [
        _cell(name, given.get(name.lower()), rule, book) for name, rule in node.fields.items() if name not in NEVER_HEAD
    ]
    return [cell for cell in cells if cell.text]


def _transaction(call: Call, book: Book) -> Transaction | None:
    try:
        return book.transaction(call.infno)
    except SpecificationError:
        return None


def _loaded(body: bytes) -> Any:
    """Return a body as JSON, else as text."""
    text = _decoded(body)
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return text


def _decoded(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("utf-8", "replace")


def _raw(message: Any, body: bytes) -> str:
    """Return the message pretty-printed and masked; what is no JSON as its masked text. Cut at MOST_RAW characters."""
    if isinstance(message, str):
        text = message[:MOST_RAW] if _clear.get() else mask_broken(message[:MOST_RAW])
    else:
        text = json.dumps(_masked("", shorten(message)), ensure_ascii=False, indent=2, default=json_ready)
    cut = len(text) > MOST_RAW or (isinstance(message, str) and len(message) > MOST_RAW)
    return f"{text[:MOST_RAW]}\n…（其余未显示，报文共 {len(body):,} 字节）" if cut else text


def _too_large(title: str, body: bytes | None) -> Shown | None:
    if body is None:
        return None
    return Shown(title, size=len(body), note=f"报文 {len(body) / 1048576:.1f} MB，过大，不在页面上显示。")


def whole(parts: Iterable[Shown | None]) -> list[Shown]:
    """Return the parts of a call that are kept."""
    return [part for part in parts if part is not None]
