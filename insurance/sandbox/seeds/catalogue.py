"""The catalogues with their versions: made from the seed, changed only by publishing."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import Any

from insurance.sandbox.seeds.dice import Dice
from insurance.sandbox.seeds.items import KINDS

Row = dict[str, Any]
# The three versions in which the opening catalogue came out. As text each is greater than "0" and than "v0000".
OPENING = ("v20240108001", "v20240901001", "v20250305001")
BEGIN = date(2024, 1, 8)
# When the opening items last changed: spread over four hundred days.
OPENING_MOMENTS = tuple(f"{BEGIN + timedelta(days=days)} 00:00:00" for days in range(400))
# Where the name of an item stands.
NAMES = ("drug_prodname", "reg_name", "tcmherb_name", "servitem_name", "mcs_name")


@dataclass(frozen=True)
class Edition:
    """A published version: what became of which items (by number), and how many items there are since.

    `changed` get a remark, `renamed` another name, `remade` another maker, `ended` are out of force; of `successors`
    the new item takes the place of an old one: new number → old number. With `effective` (a day) what is ended is so
    from the day before, and successors begin on it. `priced` and `classed` change what the area pays, not the item.
    """

    ver: str
    day: str
    changed: frozenset[int]
    ended: frozenset[int]
    total: int
    at: str = ""
    effective: str = ""
    renamed: frozenset[int] = frozenset()
    remade: frozenset[int] = frozenset()
    priced: frozenset[int] = frozenset()
    classed: frozenset[int] = frozenset()
    successors: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, kept: Row) -> Edition:
        """Return an edition as the books keep it."""
        sets: dict[str, Any] = {
            name: frozenset(kept.get(name, ()))
            for name in ("changed", "ended", "renamed", "remade", "priced", "classed")
        }
        return cls(
            ver=kept["ver"],
            day=kept["day"],
            total=kept["total"],
            at=kept.get("at", ""),
            effective=kept.get("effective", ""),
            successors={int(new): int(old) for new, old in kept.get("successors", {}).items()},
            **sets,
        )

    @property
    def moment(self) -> str:
        """When it came out, yyyy-MM-dd HH:mm:ss."""
        return self.at or f"{self.day} 00:00:00"

    @property
    def touched(self) -> frozenset[int]:
        """The known items of which the file bears a new row."""
        return self.changed | self.ended | self.renamed | self.remade


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
    def _dice(self) -> Dice:
        return Dice.of(self.seed, self.infno)

    @cached_property
    def _history(self) -> dict[int, list[Edition]]:
        """The editions that touched an item or brought it, oldest first, for those touched since the opening."""
        found: dict[int, list[Edition]] = {}
        total = self.opening_rows
        for edition in self.editions:
            for index in (*edition.touched, *range(total, edition.total)):
                found.setdefault(index, []).append(edition)
            total = edition.total
        return found

    @cached_property
    def _heirs(self) -> dict[int, tuple[int, Edition]]:
        return {new: (old, edition) for edition in self.editions for new, old in edition.successors.items()}

    @cached_property
    def _paid(self) -> dict[int, list[Edition]]:
        """The editions that changed what is paid of an item, oldest first."""
        found: dict[int, list[Edition]] = {}
        for edition in self.editions:
            for index in edition.priced | edition.classed:
                found.setdefault(index, []).append(edition)
        return found

    def paid_changes(self, index: int) -> list[Edition]:
        """Return the editions that priced or classed an item anew, oldest first."""
        return self._paid.get(index, [])

    def origin(self, index: int) -> int:
        """Return the number of the item whose place this one took, itself when it took nobody's."""
        while index in self._heirs:
            index = self._heirs[index][0]
        return index

    def version(self, index: int) -> str:
        """The version of an item."""
        history = self._history.get(index)
        return history[-1].ver if history else OPENING[0 if index % 10 < 7 else 1 if index % 10 < 9 else 2]

    def greatest(self) -> str:
        """The greatest version of the catalogue."""
        return max([OPENING[-1], *(edition.ver for edition in self.editions)])

    def updated(self, index: int) -> str:
        """When an item last changed, yyyy-MM-dd HH:mm:ss."""
        history = self._history.get(index)
        return history[-1].moment if history else OPENING_MOMENTS[index % len(OPENING_MOMENTS)]

    def paid_updated(self, index: int) -> str:
        """When an item, or what is paid of it, last changed."""
        changes = self._paid.get(index)
        return max(self.updated(index), changes[-1].moment) if changes else self.updated(index)

    def item(self, index: int) -> Row:
        """An item as it stands."""
        row = self._made(index)
        history = self._history.get(index, [])
        ver = self.version(index)
        row |= {
            "vali_flag": "1",
            "rid": f"{self.infno}{index + 1:026d}",
            "crte_time": f"{BEGIN.isoformat()} 00:00:00",
            "updt_time": self.updated(index),
            "ver": ver,
            "ver_name": ver[1:9],
            "begndate": BEGIN.isoformat(),
            "enddate": None,
        }
        for edition in history:
            row |= _after(row, edition, index)
        if index in self._heirs and self._heirs[index][1].effective:
            row["begndate"] = self._heirs[index][1].effective
        times = {"begntime": row["begndate"], "endtime": row["enddate"]}
        return row | times | {"efft_time": row["begndate"], "invd_time": row["enddate"]}

    def _made(self, index: int) -> Row:
        """The item as it first came: a successor is what it succeeds, under a code of its own, in a new pack."""
        own = KINDS[self.infno].make(self._dice, index)
        if index not in self._heirs:
            return own
        row = KINDS[self.infno].make(self._dice, self.origin(index)) | {"med_list_codg": own.get("med_list_codg")}
        return row | ({"pacspec": own["pacspec"]} if "pacspec" in own else {})

    def newer(self, ver: str, upto: str = "") -> Iterator[int]:
        """Numbers of the items whose version is greater than `ver` and not greater than `upto`, by number."""
        for index in range(self.total):
            if self.version(index) > ver and (not upto or self.version(index) <= upto):
                yield index

    def find(self, codg: str) -> int | None:
        """The number of the item with this national code, or None."""
        digits = codg[-9:]
        index = int(digits) - 1 if digits.isdecimal() else -1
        return index if 0 <= index < self.total and self._made(index).get("med_list_codg") == codg else None


def _after(row: Row, edition: Edition, index: int) -> Row:
    """What one edition made of an item."""
    changes: Row = {"memo": f"{edition.day}更新"}
    if index in edition.renamed:
        changes |= {name: f"{row[name]}（{edition.day[:4]}修订）" for name in NAMES if row.get(name)}
    if index in edition.remade and row.get("prodentp_name"):
        changes["prodentp_name"] = f"{row['prodentp_name']}（已更名）"
    if index in edition.ended and edition.effective > edition.day:
        changes["enddate"] = (date.fromisoformat(edition.effective) - timedelta(days=1)).isoformat()
    elif index in edition.ended:
        changes |= {"vali_flag": "0", "enddate": edition.day}
    return changes


@lru_cache(maxsize=4096)
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
    for name in ("crte_time", "updt_time"):
        item[name] = java_time(item[name])
    cells = [item.get(name) for name in columns]
    return ("\t".join([str(cell) if cell else "null" for cell in cells]) + "\n").encode()
