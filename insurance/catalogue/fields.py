"""How a catalogue row rests: as the line that it came in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import TextField

NULL = "null"


class CellsField(TextField):  # type: ignore[type-arg]
    """The columns of one row as a list of texts (None for null), kept as the line of the file: TAB between them.

    Half the size of an array and nothing to take apart when it is loaded. A TAB or line break within a cell, which no
    file can bear, becomes a blank.
    """

    description = "The columns of a row as its line"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> list[str | None] | None:
        """Split the line."""
        return None if value is None else split_line(value)

    def to_python(self, value: Any) -> Any:
        """Take a line or a list."""
        return split_line(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> str | None:
        """Join a list; a text is a line already."""
        return value if value is None or isinstance(value, str) else join_line(value)


def split_line(line: str) -> list[str | None]:
    """Return the cells of a line, None for `null` and for nothing."""
    return [None if cell in ("", NULL) else cell for cell in line.split("\t")]


def join_line(cells: Sequence[str | None]) -> str:
    """Return the line of some cells."""
    return "\t".join(_cell(cell) for cell in cells)


def _cell(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return " ".join(text.replace("\0", "").split("\t")).replace("\n", " ").replace("\r", " ") or NULL
