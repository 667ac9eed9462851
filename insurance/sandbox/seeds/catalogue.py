"""The catalogues with their versions: made from the seed, changed only by publishing."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from random import Random
from typing import Any

from insurance.sandbox.seeds.items import KINDS

Row = dict[str, Any]
# The three versions in which the opening catalogue came out. As text each is greater than "0" and than "v0000".
OPENING = ("v20240108001", "v20240901001", "v20250305001")
BEGIN = date(2024, 1, 8)


@dataclass(frozen=True)
class Edition:
    """A published version: which items changed, which ended, how many items there are since."""

    ver: str
    day: str
    changed: frozenset[int]
    ended: frozenset[int]
    total: int


@dataclass(frozen=True)
class Catalogue:
    """One catalogue as it stands now; `editions` are those published after the opening, oldest first."""

    infno: str
    seed: int
    opening_rows: int
    editions: tuple[Edition, ...] = ()

    @property
    def total(self) -> int:
        """How many items there are."""
        return self.editions[-1].total if self.editions else self.opening_rows

    @cached_property
    def _latest(self) -> dict[int, Edition]:
        """The edition that last touched an item, for those touched since the opening."""
        found: dict[int, Edition] = {}
        total = self.opening_rows
        for edition in self.editions:
            touched = [*edition.changed, *edition.ended, *range(total, edition.total)]
            found.update(dict.fromkeys(touched, edition))
            total = edition.total
        return found

    def version(self, index: int) -> str:
        """The version of an item."""
        edition = self._latest.get(index)
        return edition.ver if edition else OPENING[0 if index % 10 < 7 else 1 if index % 10 < 9 else 2]

    def greatest(self) -> str:
        """The greatest version of the catalogue."""
        return max([OPENING[-1], *(edition.ver for edition in self.editions)])

    def item(self, index: int) -> Row:
        """An item as it stands."""
        edition = self._latest.get(index)
        day = edition.day if edition else (BEGIN + timedelta(days=index % 400)).isoformat()
        row = KINDS[self.infno].make(Random(f"{self.seed}-{self.infno}-{index}"), index)
        ended = any(index in e.ended for e in self.editions)
        common = {
            "vali_flag": "0" if ended else "1",
            "rid": f"{self.infno}{index + 1:026d}",
            "crte_time": f"{BEGIN.isoformat()} 00:00:00",
            "updt_time": f"{day} 00:00:00",
            "ver": self.version(index),
            "ver_name": self.version(index)[1:9],
            "begndate": BEGIN.isoformat(),
            "enddate": edition.day if edition and ended else None,
        }
        changed = {"memo": f"{edition.day}更新"} if edition else {}
        return {**row, **common, **changed}

    def newer(self, ver: str, upto: str = "") -> Iterator[int]:
        """Numbers of the items whose version is greater than `ver` and not greater than `upto`, by number."""
        for index in range(self.total):
            if self.version(index) > ver and (not upto or self.version(index) <= upto):
                yield index

    def find(self, codg: str) -> int | None:
        """The number of the item with this national code, or None."""
        digits = codg[-9:]
        index = int(digits) - 1 if digits.isdecimal() else -1
        return index if 0 <= index < self.total and self.item(index).get("med_list_codg") == codg else None


def java_time(text: str) -> str:
    """A time as Java writes it by default, as some files carry it (protocol 7.6)."""
    day = date.fromisoformat(text[:10])
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{names[day.weekday()]} {months[day.month - 1]} {day.day:02d} {text[11:19] or '00:00:00'} CST {day.year}"


def write_archive(catalogue: Catalogue, columns: list[str], span: tuple[str, str], filename: str, path: str) -> None:
    """Write a ZIP with one UTF-8 text: no header, TAB between columns, null for nothing (protocol 7.4, 7.5).

    `span` names the versions: greater than the first, not greater than the second.
    """
    partial = f"{path}.{os.getpid()}.part"
    with (
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(filename.removesuffix(".zip"), "w", force_zip64=True) as member,
    ):
        for index in catalogue.newer(*span):
            member.write(_line(catalogue.item(index), columns))
    os.replace(partial, path)


def _line(item: Row, columns: list[str]) -> bytes:
    cells = ["null" if item.get(name) in (None, "") else str(item[name]) for name in columns]
    for place, name in enumerate(columns):
        if name in ("crte_time", "updt_time"):
            cells[place] = java_time(str(item[name]))
    return ("\t".join(cells) + "\n").encode()
