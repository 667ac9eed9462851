"""A catalogue row as a person reads it: every column by its label, grouped, and what changed since the row before."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from insurance.catalogue.changes import differences
from insurance.catalogue.kinds import Kind, kinds
from insurance.catalogue.models import Item
from insurance.catalogue.paying import word
from insurance.specification.books import Book
from insurance.specification.errors import SpecificationError

GROUPS = Path(__file__).parent / "data" / "groups.csv"
OTHER = "其他"
BEYOND = "规范外第 {} 列"
# What a tab or a cell says; kinds.csv has the whole label.
SHORT = {
    "1301": "药品", "1302": "饮片", "1303": "自制剂", "1304": "民族药", "1305": "服务", "1306": "耗材",
    "1307": "诊断", "1308": "手术", "1309": "慢特病", "1310": "病种", "1311": "日间", "1313": "肿瘤",
    "1314": "中医病", "1315": "证候", "1320": "颗粒",
}  # fmt: skip
# The columns that say when a row came, not what it is: they differ in every version.
ALWAYS_DIFFERENT = frozenset({"ver", "ver_name", "updt_time", "crte_time", "tram_data_id", "opt_time"})


@dataclass(frozen=True)
class Cell:
    """One column of a row: its name at the platform, its label, what stands there ("" for nothing), a code's word."""

    name: str
    label: str
    value: str
    word: str = ""


@dataclass(frozen=True)
class Group:
    """Cells that belong together; `empty` are the labels of those with nothing in them."""

    label: str
    cells: Sequence[Cell]
    empty: Sequence[str]


@dataclass(frozen=True)
class Changed:
    """One column that differs between two rows; `minor` says only when the row came."""

    label: str
    before: str
    after: str
    minor: bool


def in_items(kind: Kind) -> bool:
    """Say whether a catalogue's rows are `models.Item`s."""
    return kind.infno in SHORT


def short_label(infno: str) -> str:
    """Return how a catalogue is called in a cell or on a tab."""
    return SHORT.get(infno) or next((kind.label for kind in kinds() if kind.infno == infno), infno)


@cache
def _group_of() -> dict[str, str]:
    with GROUPS.open(encoding="utf-8", newline="") as file:
        return {name: row["group"] for row in csv.DictReader(file) for name in row["fields"].split()}


def columns_of(book: Book, infno: str) -> list[tuple[str, str]]:
    """Return name and label of a catalogue's columns in their order; none when the specification does not tell."""
    try:
        return [(column.name, column.label) for column in book.layout(infno).columns]
    except SpecificationError:
        pass
    try:
        nodes = book.transaction(infno).output.children.values()
    except SpecificationError:
        return []
    fields = next((node.fields for node in nodes if node.many), {})
    return [(name, field.label) for name, field in fields.items()]


def cells_of(item: Item, columns: Sequence[tuple[str, str]]) -> list[Cell]:
    """Return every column of a row; what an edition sends beyond the known ones is numbered."""
    found = []
    for place, value in enumerate(item.cells):
        name, label = columns[place] if place < len(columns) else ("", BEYOND.format(place + 1))
        known = word(name, value) if name and value else ""
        found.append(Cell(name, label, value or "", known if known != value else ""))
    return found


def groups_of(item: Item, columns: Sequence[tuple[str, str]]) -> list[Group]:
    """Return a row's columns in groups, filled ones before the names of the empty ones."""
    known = _group_of()
    found: dict[str, list[Cell]] = {label: [] for label in (*dict.fromkeys(known.values()), OTHER)}
    for cell in cells_of(item, columns):
        found[known.get(cell.name, OTHER)].append(cell)
    return [
        Group(label, [cell for cell in cells if cell.value], [cell.label for cell in cells if not cell.value])
        for label, cells in found.items()
        if cells
    ]


def changed_columns(before: Item, after: Item, columns: Sequence[tuple[str, str]]) -> list[Changed]:
    """Return the columns in which a row differs from the one it replaced, what matters first."""
    found = []
    for one in differences(before.cells, after.cells):
        name, label = columns[one.place] if one.place < len(columns) else ("", BEYOND.format(one.place + 1))
        found.append(Changed(label, one.before or "", one.after or "", name in ALWAYS_DIFFERENT))
    return sorted(found, key=lambda change: change.minor)
