"""The shelf of catalogues: which versions are out, and archives made when first asked for."""

from __future__ import annotations

import hashlib
import os
import tempfile
from array import array
from collections.abc import Callable
from typing import Any

from insurance.sandbox.books import Books
from insurance.sandbox.clock import Clock
from insurance.sandbox.options import Options
from insurance.sandbox.seeds.catalogue import Catalogue, Edition, write_archive
from insurance.sandbox.seeds.items import FILE_BORNE, KINDS
from insurance.sandbox.standard import Standard

BOOK = "editions"
# Of a new version each so many new items one old item changes, and one in ten of those ends.
ENDS_EVERY = 10
# What a new version may do to known items.
CHANGES = ("changed", "ended", "renamed", "remade", "priced", "classed")


class Shelf:
    """All catalogues of one platform."""

    def __init__(self, books: Books, standard: Standard, options: Options, clock: Clock) -> None:
        self.books = books
        self.standard = standard
        self.options = options
        self.clock = clock
        self.folder = tempfile.TemporaryDirectory(prefix="sandbox-files-")
        self.cached: dict[str, tuple[int, Catalogue]] = {}
        # Places of area lists (rooms/areas.py): all for a state of the catalogues, and those last asked for.
        self.places: dict[str, tuple[tuple[int, ...], array[int]]] = {}
        self.narrowed: dict[str, tuple[array[int], tuple[str, str], array[int]]] = {}

    def forget(self) -> None:
        """The books were emptied: no version is out but the opening ones."""
        self.cached.clear()
        self.places.clear()
        self.narrowed.clear()

    def catalogue(self, infno: str) -> Catalogue:
        """A catalogue as it stands now."""
        known = self.books.rows(BOOK, prefix=f"{infno}|")
        if infno not in self.cached or self.cached[infno][0] != len(known):
            asked = self.options.catalogue_rows if infno in FILE_BORNE else 0
            rows = asked or KINDS[infno].rows
            editions = self._editions(infno)
            self.cached[infno] = (len(known), Catalogue(infno, self.options.seed, rows, editions))
        return self.cached[infno][1]

    def publish(self, infno: str, rows: int, **wanted: Any) -> dict[str, Any]:
        """Bring out a new version; inside a transaction. Raises ValueError for a code that the catalogue lacks.

        Alone, `rows` new items come, as many change and a few end. Otherwise `changed`, `ended`, `renamed`, `remade`
        (another maker), `priced` and `classed` say which: a number of items, or a list of national codes;
        `successors` (true) gives each ended one a new item in its place, `effective` is the day of the switch.
        """
        old = self.catalogue(infno)
        number = len(old.editions) + 1
        chosen = self._chosen(old, rows, number, wanted)
        heirs = chosen["ended"] if wanted.get("successors") else []
        new = {old.total + rows + place: index for place, index in enumerate(heirs)}
        edition = {
            "infno": infno,
            "ver": f"v{max(self.clock.now().strftime('%Y%m%d'), '20250306')}{number:03d}",
            "day": self.clock.today(),
            "at": self.clock.text(),
            "effective": str(wanted.get("effective") or ""),
            "total": old.total + rows + len(new),
            "successors": {str(heir): index for heir, index in new.items()},
            **chosen,
        }
        self.books.put(BOOK, f"{infno}|{number:05d}", edition)
        return edition | {"codes": self._codes(infno, edition)}

    def _chosen(self, old: Catalogue, rows: int, number: int, wanted: dict[str, Any]) -> dict[str, list[int]]:
        """Which items each word means."""
        if not any(wanted.get(name) for name in CHANGES):
            changed = _spread(old.opening_rows, rows, number)
            return {**{name: [] for name in CHANGES}, "changed": changed, "ended": changed[::ENDS_EVERY]}
        chosen: dict[str, list[int]] = {}
        for place, name in enumerate(CHANGES):
            asked = wanted.get(name) or 0
            if isinstance(asked, list):
                chosen[name] = [_known(old, str(codg)) for codg in asked]
            else:
                chosen[name] = _spread(old.opening_rows, int(asked), number + place) if asked else []
        return chosen

    def _codes(self, infno: str, edition: dict[str, Any]) -> dict[str, Any]:
        """The national codes of what an edition did: word → codes, and of successors old → new."""
        now = self.catalogue(infno)
        told: dict[str, Any] = {
            name: [now.item(index).get("med_list_codg") for index in edition[name]] for name in CHANGES
        }
        heirs = edition["successors"].items()
        return told | {
            "successors": {now.item(old)["med_list_codg"]: now.item(int(new))["med_list_codg"] for new, old in heirs}
        }

    def _editions(self, infno: str) -> tuple[Edition, ...]:
        return tuple(Edition.read(kept) for kept in self.books.rows(BOOK, prefix=f"{infno}|"))

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


def _spread(total: int, count: int, start: int) -> list[int]:
    """So many numbers below `total`, evenly spread."""
    step = max(1, total // max(1, count))
    return list(range(start % step, total, step))[:count]


def _known(catalogue: Catalogue, codg: str) -> int:
    index = catalogue.find(codg)
    if index is None:
        raise ValueError(f"目录[{catalogue.infno}]中没有编码[{codg}]")
    return index
