"""Reading a whole file through the reading process, as a check does."""

from __future__ import annotations

from portal.sheets.apart import open_apart
from portal.sheets.book import Book
from portal.sheets.reading import whole


def read_apart(data: bytes, name: str) -> Book:
    """Return the first sheet that has lines, read by the child to its end."""
    with open_apart(data, name) as remote:
        index = next((at for at, sheet in enumerate(remote.sheets) if sheet.rows), 0)
        return Book([whole(remote, index)], remote.notes)
