"""TAB-separated text files of the platform: rows by position, tolerant in reading (protocol.md 7 and 8)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

from insurance.specification.errors import Unwritable
from insurance.specification.model import Layout
from insurance.specification.wire import Unfit, is_empty, plain_text

NULL = "null"


class FileRow(Mapping[str, str | None]):
    """One row of a file: text or None by field name; the names are the layout's, in its order.

    `cells` are all cells as delivered (None for null and empty), `number` counts lines from 1. A row may have fewer
    cells than the layout (the rest is None) or more: editions append columns at the right, kept in `extra`.
    """

    __slots__ = ("cells", "layout", "number")

    def __init__(self, layout: Layout, cells: tuple[str | None, ...], number: int) -> None:
        self.layout = layout
        self.cells = cells
        self.number = number

    def __getitem__(self, name: str) -> str | None:
        position = self.layout.positions[name]
        return self.cells[position] if position < len(self.cells) else None

    def __iter__(self) -> Iterator[str]:
        return iter(self.layout.positions)

    def __len__(self) -> int:
        return len(self.layout.columns)

    @property
    def extra(self) -> tuple[str | None, ...]:
        """Cells to the right of the last known column."""
        return self.cells[len(self.layout.columns) :]

    @property
    def short(self) -> int:
        """How many of the layout's columns the row lacks at the right."""
        return max(len(self.layout.columns) - len(self.cells), 0)


def open_text(stream: BinaryIO) -> io.TextIOWrapper:
    """Return the lines of an unpacked file. Only the line feed ends a row: other breaks may stand inside a cell."""
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="\n")


def read_rows(lines: Iterable[str], layout: Layout) -> Iterator[FileRow]:
    """Yield the rows of a text file's lines; blank lines are left out."""
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if text.strip():
            yield FileRow(
                layout, _cells(text.removeprefix("\ufeff") if number == 1 else text, len(layout.columns)), number
            )


def _cells(text: str, width: int) -> tuple[str | None, ...]:
    cells = text.split("\t")
    if cells[-1] == "" and len(cells) > width:  # a TAB after the last column, as Foshan writes it
        cells.pop()
    return tuple(None if cell in ("", NULL) else cell for cell in cells)


def write_rows(rows: Iterable[Mapping[str, Any]], layout: Layout, trailing_tab: bool = False) -> Iterator[str]:
    """Yield lines, each with its line feed, of rows by field name (text, numbers, dates, None).

    `trailing_tab` ends each row with a TAB as well (Foshan). Raises Unwritable on a name that the layout does not know
    and on a cell that would break the row.
    """
    for number, row in enumerate(rows, 1):
        strange = [name for name in row if name not in layout.positions]
        if strange:
            raise Unwritable(f"文件 {layout.name} 第 {number} 行有格式中没有的列")
        cells = [_cell(row.get(name), layout, name, number) for name in layout.positions]
        yield "\t".join(cells) + ("\t\n" if trailing_tab else "\n")


def _cell(value: str | int | Decimal | date | None, layout: Layout, name: str, number: int) -> str:
    if is_empty(value):
        return NULL
    label = layout.columns[layout.positions[name]].label
    try:
        text = plain_text(value)
        text.encode("utf-8")
    except (Unfit, UnicodeEncodeError):
        raise Unwritable(f"文件 {layout.name} 第 {number} 行 {label}（{name}）不能写成文本") from None
    if any(sign in text for sign in "\t\n\r\x00") or text == NULL:
        raise Unwritable(f"文件 {layout.name} 第 {number} 行 {label}（{name}）含有会打乱行列的字符")
    return text
