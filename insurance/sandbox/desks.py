"""Which desk of the platform handles which transaction, and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from insurance.sandbox.books import Books
from insurance.sandbox.clock import Clock
from insurance.sandbox.options import Options
from insurance.sandbox.standard import Row, Standard


@dataclass
class Case:
    """One message at its desk."""

    infno: str
    envelope: dict[str, Any]
    books: Books
    standard: Standard
    clock: Clock
    options: Options
    platform: Any

    @property
    def input(self) -> Row:
        """The message's input."""
        found: Row = self.envelope["input"]
        return found

    @property
    def hospital(self) -> str:
        """The code of the institution that calls."""
        return str(self.envelope["fixmedins_code"])

    @property
    def msgid(self) -> str:
        """The number of the message."""
        return str(self.envelope["msgid"])

    def row(self) -> Row:
        """The one row of the input."""
        return self.standard.only_row(self.infno, self.input)

    def rows(self) -> list[Row]:
        """The rows of the input."""
        return self.standard.only_rows(self.infno, self.input)

    def node(self, name: str) -> list[Row]:
        """The rows under a node of the input."""
        return self.standard.input_rows(self.infno, self.input).get(name, [])


@dataclass(frozen=True)
class FileAnswer:
    """An answer that is the file itself: the bytes, or a function that makes it and returns its path."""

    content: bytes = b""
    filename: str = ""
    make: Callable[[], str] | None = None


Desk = Callable[[Case], Any]
DESKS: dict[str, Desk] = {}


def handles(*infnos: str) -> Callable[[Desk], Desk]:
    """Put a function at the desk of these transactions."""

    def enter(desk: Desk) -> Desk:
        for infno in infnos:
            DESKS[infno] = desk
        return desk

    return enter
