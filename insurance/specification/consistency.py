"""Proof that the tables agree with one another: every fault with its file and row, all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from insurance.specification.editions import Layer, listed, table, table_names
from insurance.specification.errors import TableUnreadable
from insurance.specification.model import ROOT, STEP_KINDS, TYPES
from insurance.specification.nodes import read_field
from insurance.specification.tables import KEYS, Row, key_of

# Words that a table may use. The rooms are the packages of the house.
WORDS = {
    "mode": {"realtime", "daily"},
    "direction": {"outbound", "inbound"},
    "effect": {"query", "download", "submit", "revoke", "reversal", "notification", "session", "file"},
}
ROOMS = {
    "exchange", "directory", "catalogue", "mapping", "visits", "filings",
    "inventory", "collection", "prescriptions", "reconciliation",
}  # fmt: skip
ENVELOPE = "envelope"


class Fault(NamedTuple):
    """One disagreement; `place` is edition, file and row."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}：{self.reason}"


def faults(layers: Sequence[Layer]) -> list[Fault]:
    """Return everything wrong with the tables of an edition. Reads all files; raises nothing for what they hold."""
    return list(dict.fromkeys([*_files(layers), *_Tables(layers).faults()]))


def _files(layers: Sequence[Layer]) -> Iterator[Fault]:
    """Judge each file by itself: readable, no ragged row, no row twice, in a place that the reader knows."""
    for layer in layers:
        for path in sorted(layer.path.rglob("*.csv")):
            file = path.relative_to(layer.path).as_posix()
            if not file.startswith("editions/"):
                yield from _file(layer, file)


def _kind_of(file: str) -> str:
    parts = file.removesuffix(".csv").split("/")
    if parts[0] == "add":
        parts = parts[1:] if len(parts) == 3 else ["?"]
    if len(parts) == 1:
        return parts[0] if parts[0] in ("index", "routes", "exceptions", "sources", "edition") else "?"
    return parts[0] if parts[0] in ("fields", "files", "dictionaries") and len(parts) == 2 else "?"


def _file(layer: Layer, file: str) -> Iterator[Fault]:
    kind = _kind_of(file)
    if kind == "?":
        yield Fault(f"{layer.label} {file}", "规范不读取这个位置的文件")
        return
    try:
        rows = layer.read(kind, file)
    except TableUnreadable as error:
        yield Fault(f"{layer.label} {file}", str(error))
        return
    yield from (Fault(row.place, "列数与表头不符") for row in rows if row.ragged)
    yield from (
        Fault(row.place, f"{column} 前后有空格")
        for row in rows
        for column, cell in row.cells.items()
        if cell != cell.strip()
    )
    if kind in KEYS and kind != "sources":
        yield from _twice(rows, kind)


def _twice(rows: Iterable[Row], kind: str) -> Iterator[Fault]:
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = key_of(kind, row)
        if key in seen:
            yield Fault(row.place, f"{' '.join(key)} 重复，已在第 {seen[key]} 行")
        seen.setdefault(key, row.number)


class _Tables:
    """The tables as the layers together give them."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers
        self.index = {row.cells["infno"]: row for row in self._listed("index")}
        self.routes = self._listed("routes")
        self.exceptions = {row.cells["code"]: row for row in self._listed("exceptions")}
        self.dictionaries = set(table_names(layers, "dictionaries"))
        names = [*self.index, *table_names(layers, "fields")]
        self.fields = {name: self._table("fields", name) for name in dict.fromkeys(names)}

    def faults(self) -> Iterator[Fault]:
        """Yield the faults between tables."""
        yield from self._indexed()
        for name, rows in self.fields.items():
            yield from _Table(name, rows, self.dictionaries | set(self.exceptions)).faults()
        yield from self._exceptional()
        for name in table_names(self.layers, "files"):
            yield from _layout(name, self._table("files", name))
        for name in sorted(self.dictionaries):
            yield from _dictionary(name, self._table("dictionaries", name))
        for row in self.routes:
            yield from self._route(row)

    def _listed(self, kind: str) -> list[Row]:
        """Return the rows of a list through the layers that can be read; _files speaks of the others."""
        readable = list(self.layers)
        for layer in self.layers:
            try:
                layer.read(kind, f"{kind}.csv")
            except TableUnreadable:
                readable.remove(layer)
        return listed(readable, kind)

    def _table(self, kind: str, name: str) -> list[Row]:
        try:
            return table(self.layers, kind, name)
        except TableUnreadable:
            return []

    def _indexed(self) -> Iterator[Fault]:
        for infno, row in self.index.items():
            if not self.fields.get(infno):
                yield Fault(row.place, f"交易 {infno} 没有字段表 fields/{infno}.csv")
            yield from _index_row(row, self.index)
        for name, rows in self.fields.items():
            if name not in self.index and name != ENVELOPE and rows:
                yield Fault(f"{rows[0].edition} {rows[0].file}", f"index.csv 中没有交易 {name}")

    def _exceptional(self) -> Iterator[Fault]:
        used = {row.cells["code"] for rows in self.fields.values() for row in rows}
        for code, row in self.exceptions.items():
            if code in self.dictionaries:
                yield Fault(row.place, f"{code} 已有字典，不应列为例外")
            if code not in used:
                yield Fault(row.place, f"没有字段使用 {code}")
            if not row.cells["reason"].strip():
                yield Fault(row.place, f"{code} 没有写明原因")

    def _route(self, row: Row) -> Iterator[Fault]:
        cells = row.cells
        yield from _route_words(row)
        if cells["infno"] not in self.index:
            yield Fault(row.place, f"没有交易 {cells['infno']}")
            return
        rows = [other.cells for other in self.fields.get(cells["infno"], [])]
        sent = [other for other in rows if other["direction"] == "input"]
        carrying = [other for other in sent if other["node"] == cells["node"]]
        if not carrying and (sent or cells["node"]):
            yield Fault(row.place, f"交易 {cells['infno']} 的输入没有节点 {cells['node']}")
        if cells["form"] == "batch" and not any(other["rows"] == "many" for other in carrying):
            yield Fault(row.place, f"节点 {cells['node']} 只有一行，不能作批量")
        whole = cells["answers"] != "rows"
        matched = carrying if whole else [other for other in rows if other["direction"] == "output"]
        side = f"输入节点 {cells['node']} " if whole else "输出"
        yield from _match(row, side, {other["field"] for other in matched})


def _match(row: Row, side: str, known: set[str]) -> Iterator[Fault]:
    names = row.cells["match"].split()
    yield from (Fault(row.place, f"{side}没有字段 {name}") for name in names if name not in known)
    if row.cells["answers"] == "rows" and not names:
        yield Fault(row.place, "answers 为 rows 时要写明 match")


def _route_words(row: Row) -> Iterator[Fault]:
    for column, words in (("form", ("single", "batch")), ("answers", ("rows", "whole"))):
        if row.cells[column] not in words:
            yield Fault(row.place, f"{column} 应是 {' 或 '.join(words)}")
    for column in ("max_rows", "max_chars"):
        text = row.cells[column]
        if text and not (text.isdecimal() and int(text) > 0):
            yield Fault(row.place, f"{column} 应是正整数或留空")


def _index_row(row: Row, known: dict[str, Row]) -> Iterator[Fault]:
    cells = row.cells
    yield from (
        Fault(row.place, f"{column} 不应是“{cells[column]}”")
        for column, words in WORDS.items()
        if cells[column] not in words
    )
    if cells["room"] not in ROOMS:
        yield Fault(row.place, f"交易 {cells['infno']} 应有且只有一个归属，不应是“{cells['room']}”")
    if cells["priority"] not in ("1", "2", "3"):
        yield Fault(row.place, "priority 应是 1、2 或 3")
    yield from (Fault(row.place, f"undoes 中没有交易 {name}") for name in cells["undoes"].split() if name not in known)
    if not cells["unknown_outcome"].split():
        yield Fault(row.place, "unknown_outcome 不能为空")
    for step in cells["unknown_outcome"].split():
        yield from _step(row, step, known)


def _step(row: Row, step: str, known: dict[str, Row]) -> Iterator[Fault]:
    kind, colon, infno = step.partition(":")
    if kind not in STEP_KINDS:
        yield Fault(row.place, f"不认识的步骤“{step}”")
    elif (kind in ("verify", "reverse")) != bool(colon):
        yield Fault(row.place, f"步骤“{step}”的写法不对")
    elif colon and infno not in known:
        yield Fault(row.place, f"步骤“{step}”中没有交易 {infno}")


class _Table:
    """One fields table."""

    def __init__(self, name: str, rows: Sequence[Row], codes: set[str]) -> None:
        self.name = name
        self.rows = rows
        self.codes = codes

    def faults(self) -> Iterator[Fault]:
        """Yield the faults of its rows, then of its nodes."""
        for row in self.rows:
            yield from self._row(row)
        for side in ("input", "output"):
            yield from self._nodes([row for row in self.rows if row.cells["direction"] == side])

    def _row(self, row: Row) -> Iterator[Fault]:
        cells = row.cells
        words = (
            ("direction", ("input", "output")),
            ("rows", ("one", "many")),
            ("required", ("Y", "")),
            ("type", TYPES),
        )
        for column, allowed in words:
            if cells[column] not in allowed:
                yield Fault(row.place, f"{column} 不应是“{cells[column]}”")
        if cells["type"] in TYPES:
            try:
                read_field(row)
            except TableUnreadable as error:
                yield Fault(row.place, str(error).partition("：")[2])
        if not cells["field"] or not cells["label"]:
            yield Fault(row.place, "字段没有代码或名称")
        if cells["code"] and cells["code"] not in self.codes:
            yield Fault(row.place, f"没有字典 {cells['code']}，例外表也没有列出")

    def _nodes(self, rows: Sequence[Row]) -> Iterator[Fault]:
        shapes: dict[str, Row] = {}
        names: dict[tuple[str, str], Row] = {}
        for row in rows:
            node = row.cells["node"]
            first = shapes.setdefault(node, row)
            if first.cells["rows"] != row.cells["rows"]:
                yield Fault(row.place, f"节点 {node} 在第 {first.number} 行是 {first.cells['rows']}")
            key = (node, row.cells["field"].lower())
            if key in names and names[key].cells["field"] != row.cells["field"]:
                yield Fault(row.place, f"{row.cells['field']} 与第 {names[key].number} 行只差大小写")
            names.setdefault(key, row)
        yield from self._paths(shapes, names)

    def _paths(self, shapes: dict[str, Row], names: dict[tuple[str, str], Row]) -> Iterator[Fault]:
        same = Counter(path.lower() for path in shapes)
        for path, row in shapes.items():
            parent, _, name = path.rpartition(".") if path != ROOT else ("", "", "")
            if path != ROOT and not all(path.split(".")):
                yield Fault(row.place, f"读不懂的节点“{path}”")
            if same[path.lower()] > 1:
                yield Fault(row.place, f"节点 {path} 与另一节点只差大小写")
            if name and (parent or ROOT, name.lower()) in names:
                yield Fault(row.place, f"节点 {path} 与同级字段同名")
            # A parent without fields of its own is allowed, a misspelt one is not.
            if parent and parent not in shapes and (near := get_close_matches(parent, shapes, 1, 0.8)):
                yield Fault(row.place, f"没有上级节点 {parent}，是否为 {near[0]}？")


def _layout(name: str, rows: Sequence[Row]) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for expected, row in enumerate(rows, 1):
        if row.cells["column"] != str(expected):
            yield Fault(row.place, f"列号应是 {expected}，不是“{row.cells['column']}”")
        if not row.cells["field"]:
            yield Fault(row.place, "没有字段名")
        if row.cells["field"] in seen:
            yield Fault(row.place, f"{row.cells['field']} 重复，已是第 {seen[row.cells['field']]} 列")
        seen.setdefault(row.cells["field"], expected)
    if not rows:
        yield Fault(f"files/{name}.csv", "没有任何列")


def _dictionary(name: str, rows: Sequence[Row]) -> Iterator[Fault]:
    yield from (Fault(row.place, "代码或名称为空") for row in rows if not row.cells["code"] or not row.cells["label"])
    if not rows:
        yield Fault(f"dictionaries/{name}.csv", "没有任何代码")
