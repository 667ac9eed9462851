"""The book of one edition: its transactions, routes, dictionaries and layouts, read when first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from insurance.specification import editions, learned
from insurance.specification.errors import (
    TableUnreadable,
    UnknownDictionary,
    UnknownLayout,
    UnknownRoute,
    UnknownTransaction,
)
from insurance.specification.model import (
    STEP_KINDS,
    Column,
    Layout,
    Route,
    Source,
    Step,
    StepKind,
    Transaction,
)
from insurance.specification.nodes import build
from insurance.specification.tables import Row


class Transactions(Mapping[str, Transaction]):
    """All transactions by infno, in the index's order. Counting and listing reads the index only."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def __getitem__(self, infno: str) -> Transaction:
        return self._book._read_transaction(infno)

    def __iter__(self) -> Iterator[str]:
        return iter(self._book.index)

    def __len__(self) -> int:
        return len(self._book.index)


class Book:
    """One edition of the specification. Get it from `open_book`; it never changes and may be shared by threads."""

    def __init__(self, layers: tuple[editions.Layer, ...]) -> None:
        self.layers = layers
        self.transactions: Mapping[str, Transaction] = Transactions(self)
        self._transactions: dict[str, Transaction] = {}
        self._dictionaries: dict[str, Mapping[str, str]] = {}
        self._layouts: dict[str, Layout] = {}
        self._with_learned: dict[str, tuple[str, Mapping[str, str]]] = {}

    def __repr__(self) -> str:
        return f"<Book {self.edition}>"

    @property
    def edition(self) -> str:
        """Names of the layers, lowest first, joined by +."""
        return "+".join(layer.name for layer in self.layers)

    @property
    def label(self) -> str:
        """What a person calls the edition."""
        return " + ".join(layer.label for layer in self.layers)

    @cached_property
    def index(self) -> Mapping[str, Row]:
        """Rows of index.csv by infno."""
        return MappingProxyType({row.cells["infno"]: row for row in editions.listed(self.layers, "index")})

    @cached_property
    def routes(self) -> Mapping[str, Route]:
        """All routes by purpose. Raises TableUnreadable."""
        rows = editions.listed(self.layers, "routes")
        return MappingProxyType({row.cells["purpose"]: _route(row) for row in rows})

    @cached_property
    def exceptions(self) -> Mapping[str, str]:
        """Dictionary names that have no list, with the reason."""
        rows = editions.listed(self.layers, "exceptions")
        return MappingProxyType({row.cells["code"]: row.cells["reason"] for row in rows})

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Where each table comes from, by infno (also `envelope`, `dictionaries`)."""
        rows = [row.cells for row in editions.listed(self.layers, "sources")]
        return MappingProxyType({r["infno"]: Source(r["confidence"], r["sources"], r["note"]) for r in rows})

    @cached_property
    def envelope(self) -> Transaction:
        """The message around every transaction, read like one: input is the request, output the answer."""
        rows = editions.table(self.layers, "fields", "envelope")
        head = dict.fromkeys(("tender", "chapter", "group", "mode", "direction", "effect", "room"), "")
        return _transaction({**head, "infno": "envelope", "name": "报文", "priority": "0"}, rows, (), ())

    def transaction(self, infno: str) -> Transaction:
        """Return a transaction by its number on the wire. Raises UnknownTransaction, TableUnreadable."""
        try:
            return self.transactions[infno]
        except (KeyError, TypeError):
            raise UnknownTransaction(f"规范中没有交易 {_text(infno)}{_suggest(infno, self.index)}") from None

    def route(self, purpose: str) -> Route:
        """Return how this edition carries out a purpose. Raises UnknownRoute."""
        try:
            return self.routes[purpose]
        except (KeyError, TypeError):
            raise UnknownRoute(f"routes.csv 没有用途 {_text(purpose)}{_suggest(purpose, self.routes)}") from None

    def dictionary(self, code: str) -> Mapping[str, str]:
        """Return code → label of a dictionary, with the codes that the platform told beside the tables (learned.py).

        Empty for a listed exception. Raises UnknownDictionary.
        """
        stamp = learned.stamp()
        if not stamp:
            return self.written_dictionary(code)
        known = self._with_learned.get(code)
        if known is None or known[0] != stamp:
            known = self._with_learned[code] = (stamp, self._learn(code, learned.codes(code)))
        return known[1]

    def _learn(self, code: str, more: Mapping[str, str]) -> Mapping[str, str]:
        """Lay learned codes behind those of the tables, whose words stay."""
        try:
            written = self.written_dictionary(code)
        except UnknownDictionary:
            if not more:
                raise
            written = {}
        return MappingProxyType({**written, **{key: label for key, label in more.items() if key not in written}})

    def written_dictionary(self, code: str) -> Mapping[str, str]:
        """Return code → label of a dictionary as the tables have it. Raises UnknownDictionary."""
        if code not in self._dictionaries:
            rows = editions.table(self.layers, "dictionaries", code)
            if not rows and code not in self.exceptions:
                raise UnknownDictionary(f"没有字典 {_text(code)}")
            self._dictionaries[code] = MappingProxyType({row.cells["code"]: row.cells["label"] for row in rows})
        return self._dictionaries[code]

    def layout(self, name: str) -> Layout:
        """Return the columns of a file ("1301", "3202-upload"). Raises UnknownLayout, TableUnreadable."""
        if name not in self._layouts:
            rows = editions.table(self.layers, "files", name)
            if not rows:
                raise UnknownLayout(f"没有文件格式 {_text(name)}")
            self._layouts[name] = _layout(name, rows)
        return self._layouts[name]

    def _read_transaction(self, infno: str) -> Transaction:
        if infno not in self._transactions:
            row = self.index[infno]
            rows = editions.table(self.layers, "fields", infno)
            steps = tuple(_step(word, row) for word in row.cells["unknown_outcome"].split())
            undoes = tuple(row.cells["undoes"].split())
            self._transactions[infno] = _transaction(row.cells, rows, undoes, steps)
        return self._transactions[infno]


@lru_cache(maxsize=32)
def open_book(edition: str = editions.BASE, site_dir: str = "") -> Book:
    """Return the book of an edition, with the site's folder laid last. Cached. Raises UnknownEdition, TableUnreadable.

    Editions are joined by `+` (the right one lies above). The tables are read lazily, each once.
    """
    return Book(editions.layers_of(edition, site_dir))


def open_data(data: Path, edition: str = editions.BASE, site_dir: str = "") -> Book:
    """Return the book of another data folder, uncached (checks of changed tables)."""
    return Book(editions.layers_of(edition, site_dir, data))


def _text(name: object) -> str:
    return name[:40] if isinstance(name, str) else type(name).__name__


def _suggest(name: object, known: Mapping[str, Any]) -> str:
    near = get_close_matches(name[:40], known, 1) if isinstance(name, str) else []
    return f"，是否为 {near[0]}？" if near else ""


def _step(word: str, row: Row) -> Step:
    kind, _, infno = word.partition(":")
    if kind not in STEP_KINDS:
        raise TableUnreadable(f"{row.place}：不认识的步骤“{word}”")
    return Step(cast(StepKind, kind), infno)


def _transaction(
    head: Mapping[str, str], rows: list[Row], undoes: tuple[str, ...], steps: tuple[Step, ...]
) -> Transaction:
    plain = ("infno", "tender", "chapter", "group", "name", "mode", "direction", "effect", "room")
    return Transaction(
        **{column: head[column] for column in plain},
        priority=int(head["priority"]) if head["priority"].isdecimal() else 0,
        undoes=undoes,
        unknown_outcome=steps,
        input=build(rows, "input"),
        output=build(rows, "output"),
    )


def _number(row: Row, column: str) -> int | None:
    text = row.cells[column]
    if text and not text.isdecimal():
        raise TableUnreadable(f"{row.place}：{column} 应是数字或留空")
    return int(text) if text else None


def _route(row: Row) -> Route:
    cells = row.cells
    if cells["form"] not in ("single", "batch") or cells["answers"] not in ("rows", "whole"):
        raise TableUnreadable(f"{row.place}：form 应是 single 或 batch，answers 应是 rows 或 whole")
    return Route(
        purpose=cells["purpose"],
        infno=cells["infno"],
        form="batch" if cells["form"] == "batch" else "single",
        node=cells["node"],
        answers="rows" if cells["answers"] == "rows" else "whole",
        match=tuple(cells["match"].split()),
        max_rows=_number(row, "max_rows"),
        max_chars=_number(row, "max_chars"),
        note=cells["note"],
    )


def _layout(name: str, rows: list[Row]) -> Layout:
    try:
        rows = sorted(rows, key=lambda row: int(row.cells["column"]))
    except ValueError:
        raise TableUnreadable(f"files/{name}.csv：列号应是数字") from None
    columns = tuple(
        Column(int(row.cells["column"]), row.cells["field"], row.cells["label"], row.cells["note"]) for row in rows
    )
    return Layout(name, columns, MappingProxyType({column.name: at for at, column in enumerate(columns)}))
