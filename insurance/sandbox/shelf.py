"""The shelf of catalogues: which versions are out, and archives made when first asked for."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from typing import Any

from insurance.sandbox.books import Books
from insurance.sandbox.clock import Clock
from insurance.sandbox.options import Options
from insurance.sandbox.seeds.catalogue import Catalogue, Edition, write_archive
from insurance.sandbox.seeds.items import KINDS
from insurance.sandbox.standard import Standard

BOOK = "editions"
# Of a new version each so many new items one old item changes, and one in ten of those ends.
ENDS_EVERY = 10


class Shelf:
    """All catalogues of one platform."""

    def __init__(self, books: Books, standard: Standard, options: Options, clock: Clock) -> None:
        self.books = books
        self.standard = standard
        self.options = options
        self.clock = clock
        self.folder = tempfile.TemporaryDirectory(prefix="sandbox-files-")
        self.cached: dict[str, tuple[int, Catalogue]] = {}
        self.payable: tuple[tuple[str, ...], list[dict[str, Any]]] | None = None

    def forget(self) -> None:
        """The books were emptied: no version is out but the opening ones."""
        self.cached.clear()
        self.payable = None

    def catalogue(self, infno: str) -> Catalogue:
        """A catalogue as it stands now."""
        known = self.books.rows(BOOK, prefix=f"{infno}|")
        if infno not in self.cached or self.cached[infno][0] != len(known):
            rows = self.options.catalogue_rows or KINDS[infno].rows
            editions = tuple(
                Edition(e["ver"], e["day"], frozenset(e["changed"]), frozenset(e["ended"]), e["total"]) for e in known
            )
            self.cached[infno] = (len(known), Catalogue(infno, self.options.seed, rows, editions))
        return self.cached[infno][1]

    def publish(self, infno: str, rows: int) -> dict[str, Any]:
        """Bring out a new version with so many new items, as many changed and a few ended; inside a transaction."""
        old = self.catalogue(infno)
        number = len(old.editions) + 1
        step = max(1, old.opening_rows // max(1, rows))
        changed = list(range(number % step, old.opening_rows, step))[:rows]
        edition = {
            "infno": infno,
            "ver": f"v{max(self.clock.now().strftime('%Y%m%d'), '20250306')}{number:03d}",
            "day": self.clock.today(),
            "changed": changed,
            "ended": changed[::ENDS_EVERY],
            "total": old.total + rows,
        }
        self.books.put(BOOK, f"{infno}|{number:05d}", edition)
        return edition

    def columns(self, infno: str) -> list[str]:
        """The columns of a file, in order."""
        return [column.name for column in self.standard.book.layout(infno).columns]

    def archive(self, recipe: dict[str, str], filename: str) -> Callable[[], str]:
        """How to make the archive of a recipe {infno, ver, upto}: a function that returns the finished file's path."""
        catalogue, columns = self.catalogue(recipe["infno"]), self.columns(recipe["infno"])
        span = (recipe["ver"], recipe["upto"])
        words = f"{recipe['infno']}|{recipe['ver']}|{recipe['upto']}|{filename}"
        path = os.path.join(self.folder.name, hashlib.sha256(words.encode()).hexdigest()[:24] + ".zip")

        def make() -> str:
            if not os.path.exists(path):
                write_archive(catalogue, columns, span, filename, path)
            return path

        return make

    def find(self, list_type: str, codg: str) -> dict[str, Any] | None:
        """The item of this kind with this national code, or None."""
        for infno, kind in KINDS.items():
            if kind.list_type == list_type:
                index = self.catalogue(infno).find(codg)
                return None if index is None else self.catalogue(infno).item(index)
        return None

    def kind_of(self, codg: str) -> tuple[str, int] | None:
        """(infno, number) of the item with this national code in whatever catalogue, or None."""
        for infno, kind in KINDS.items():
            if kind.list_type and (index := self.catalogue(infno).find(codg)) is not None:
                return infno, index
        return None

    def close(self) -> None:
        """Throw the archives away."""
        self.folder.cleanup()
