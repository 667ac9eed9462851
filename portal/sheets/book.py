"""A file as read: sheets of text cells with their places. Nothing here knows Django."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LONG = "long"
EXCEL_ERROR = "error"
FORMULA = "formula"
Faults = dict[tuple[int, int], str]

# Bounds of what is read at all; an importer may be stricter (max_rows).
MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 110_000
MAX_COLUMNS = 300
MAX_CELLS = 20_000_000
MAX_SHEETS = 60


@dataclass
class Sheet:
    """One sheet. `rows[0]` is line `first_row` (counted from 1), `rows[n][0]` is column `first_column` (from 0).

    Every cell is text: whole numbers without ".0", dates in ISO form. `faults` names, by (line, column from 0), the
    cells whose text is not what the author saw: a number too long to be exact, an error like #N/A, a formula without
    a stored value. Lines without any text are left out of `rows` and listed nowhere; `numbers[n]` is the line of
    `rows[n]`.
    """

    name: str
    rows: list[list[str]]
    numbers: list[int]
    first_column: int = 0
    faults: Faults = field(default_factory=dict)


@dataclass
class Book:
    """All visible sheets of a file."""

    sheets: list[Sheet]

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values for the pipe between the reading process and its parent."""
        return {
            "sheets": [
                {
                    "name": sheet.name,
                    "rows": sheet.rows,
                    "numbers": sheet.numbers,
                    "first_column": sheet.first_column,
                    "faults": [[line, column, fault] for (line, column), fault in sheet.faults.items()],
                }
                for sheet in self.sheets
            ]
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Book:
        """Return the book that `to_json` wrote."""
        return cls(
            [
                Sheet(
                    name=one["name"],
                    rows=one["rows"],
                    numbers=one["numbers"],
                    first_column=one["first_column"],
                    faults={(line, column): fault for line, column, fault in one["faults"]},
                )
                for one in value["sheets"]
            ]
        )


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
