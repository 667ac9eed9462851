"""A file as read: sheets of text cells with their places. Nothing here knows Django."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Protocol

LONG = "long"
EXCEL_ERROR = "error"
FORMULA = "formula"
DATED = "dated"
Faults = dict[tuple[int, int], str]
LineFaults = dict[int, dict[int, str]]

# Bounds of what is read at all; an importer may be stricter (max_rows).
MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 110_000
MAX_COLUMNS = 300
MAX_CELLS = 20_000_000
MAX_SHEETS = 60
# Lines in which a header is looked for, with room for blank ones and a second header line.
HEAD_LINES = 40
HEAD_TEXT = 120
BLOCK_LINES = 2_000


@dataclass
class Sheet:
    """One sheet, or its first lines. `rows[n]` is line `numbers[n]` (from 1), `rows[n][0]` column `first_column`.

    Every cell is text: whole numbers without ".0", dates in ISO form. `faults` names, by (line, column from 0), the
    cells whose text is not what the author saw: a number too long to be exact, an error like #N/A, a formula, a date
    that may have been a code. Lines without any text are in neither `rows` nor `numbers`. `notes` are remarks for the
    person, such as hidden lines; `height` is how many lines there may be.
    """

    name: str
    rows: list[list[str]]
    numbers: list[int]
    first_column: int = 0
    faults: Faults = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    height: int = 0


@dataclass
class Block:
    """Some lines of a sheet, by columns: `columns[place][n]` is the text on line `numbers[n]`.

    `faults` is line → place → fault.
    """

    numbers: list[int]
    columns: list[list[str]]
    faults: LineFaults = field(default_factory=dict)

    @property
    def rows(self) -> list[list[str]]:
        """Return the texts line by line."""
        return [list(row) for row in zip(*self.columns, strict=True)] if self.columns else []


class Source(Protocol):
    """A file that can be read: the first lines of each sheet, and one sheet as a whole in blocks.

    `notes` is what was left out of the file, as (place, reason).
    """

    sheets: list[Sheet]
    notes: list[tuple[str, str]]

    def blocks(self, index: int, strict: Collection[int]) -> Iterator[Block]:
        """Yield all lines of sheet `index` with text. In the places `strict`, dates of Excel are marked DATED."""
        ...


@dataclass
class Book:
    """All visible sheets of a file, in memory: for small files and for text, which is read as a whole."""

    sheets: list[Sheet]
    notes: list[tuple[str, str]] = field(default_factory=list)

    def blocks(self, index: int, strict: Collection[int]) -> Iterator[Block]:
        """Yield the lines of a sheet; see Source."""
        sheet = self.sheets[index]
        faults = by_line(sheet)
        for start in range(0, len(sheet.rows), BLOCK_LINES):
            numbers = sheet.numbers[start : start + BLOCK_LINES]
            columns = by_columns(sheet.rows[start : start + BLOCK_LINES])
            here = {number: _strict(faults[number], strict) for number in numbers if number in faults}
            yield Block(numbers, columns, {number: found for number, found in here.items() if found})


def _strict(faults: dict[int, str], strict: Collection[int]) -> dict[int, str]:
    return {place: fault for place, fault in faults.items() if fault != DATED or place in strict}


def by_line(sheet: Sheet) -> LineFaults:
    """Return the sheet's faults as line → place in the line → fault."""
    faults: LineFaults = {}
    for (number, column), fault in sheet.faults.items():
        faults.setdefault(number, {})[column - sheet.first_column] = fault
    return faults


def by_columns(rows: list[list[str]]) -> list[list[str]]:
    """Return lines of different lengths as columns of one length."""
    return [list(column) for column in zip_longest(*rows, fillvalue="")]


def letters(column: int) -> str:
    """Return the letters of a column counted from 0: 0 → A, 26 → AA."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def column_of(address: str) -> tuple[int, int]:
    """Return (line from 1, column from 0) of an address like "B12"."""
    column = 0
    for place, sign in enumerate(address):
        if sign.isdigit():
            return int(address[place:]), column - 1
        column = column * 26 + ord(sign) - 64
    raise ValueError(address)
