"""Reading one CSV table, row by row, without judging it (consistency.py judges)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from insurance.specification.errors import TableUnreadable

# The columns of each kind of table. Further columns are kept and ignored.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "edition": ("name", "label", "based_on"),
    "index": (
        "infno", "tender", "chapter", "group", "name", "mode", "priority",
        "direction", "effect", "undoes", "unknown_outcome", "room",
    ),
    "routes": ("purpose", "infno", "form", "node", "answers", "match", "max_rows", "max_chars", "note"),
    "exceptions": ("code", "reason"),
    "sources": ("infno", "confidence", "sources", "note"),
    "fields": ("direction", "node", "rows", "field", "label", "type", "length", "code", "required", "note"),
    "files": ("column", "field", "label", "note"),
    "dictionaries": ("code", "label"),
}  # fmt: skip

# What tells one row of a table from another.
KEYS: Mapping[str, tuple[str, ...]] = {
    "index": ("infno",),
    "routes": ("purpose",),
    "exceptions": ("code",),
    "sources": ("infno",),
    "fields": ("direction", "node", "field"),
    "files": ("column",),
    "dictionaries": ("code",),
}


class Row(NamedTuple):
    """One row: its cells by column, where it stands (`number` counts the head as 1), whether its width is wrong."""

    cells: Mapping[str, str]
    edition: str
    file: str
    number: int
    ragged: bool

    @property
    def place(self) -> str:
        """Edition, file and row number for a person."""
        return f"{self.edition} {self.file} 第 {self.number} 行"


def key_of(kind: str, row: Row) -> tuple[str, ...]:
    """Return what tells the row from the others of its table."""
    return tuple(row.cells[column] for column in KEYS[kind])


def read_table(path: Path, kind: str, edition: str, file: str) -> list[Row]:
    """Read a CSV file of the given kind (a key of COLUMNS). Raises TableUnreadable."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.reader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableUnreadable(f"{edition} {file} 无法读取：{error}") from error
    head = lines[0] if lines else []
    missing = [column for column in COLUMNS[kind] if column not in head]
    if missing:
        raise TableUnreadable(f"{edition} {file} 第 1 行缺少列：{'、'.join(missing)}")
    return [_row(head, cells, edition, file, number) for number, cells in enumerate(lines[1:], 2) if cells]


def _row(head: Sequence[str], cells: list[str], edition: str, file: str, number: int) -> Row:
    ragged = len(cells) != len(head)
    if ragged:
        cells = cells + [""] * (len(head) - len(cells))
    return Row(dict(zip(head, cells, strict=False)), edition, file, number, ragged)
