"""What differs from one catalogue to the next, read from data/kinds.csv.

Columns of that table: `borne` says how a catalogue comes: `file` (13xx then 9102), `paged`, `dictionary` (1901), `none`
(this platform offers no download; rows may still be there). `list_types` are the kinds of hospital items (目录类别)
whose codes it holds. The rest name, for each typed column of `models.Item`, the platform's columns that feed it:
`a|b` is the first that is not empty, `a+b` both, a blank apart.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

TABLE = Path(__file__).parent / "data" / "kinds.csv"
Borne = Literal["file", "paged", "dictionary", "none"]
# The typed columns of Item that a kind feeds from columns of its own.
TEXTS = (
    "code", "name", "generic", "alias", "pinyin", "spec", "dosform", "pacspec", "unit", "maker", "aprvno", "limits",
)  # fmt: skip
DAYS = ("begndate", "enddate")


@dataclass(frozen=True)
class Source:
    """Which of the platform's columns feed one typed column: the first that is not empty, or (`together`) all."""

    names: tuple[str, ...] = ()
    together: bool = False


@dataclass(frozen=True)
class Kind:
    """One catalogue. `label` is its name on the screen, `sources` typed column of Item → where it comes from."""

    infno: str
    label: str
    borne: Borne
    list_types: tuple[str, ...]
    sources: Mapping[str, Source]

    def __str__(self) -> str:
        return f"{self.infno} {self.label}"


def _source(text: str) -> Source:
    if "+" in text:
        return Source(tuple(text.split("+")), together=True)
    return Source(tuple(text.split("|")) if text else ())


@cache
def kinds() -> tuple[Kind, ...]:
    """Return all catalogues in the order in which they are refreshed."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Kind(
                infno=row["infno"],
                label=row["label"],
                borne=cast(Borne, row["borne"]),
                list_types=tuple(row["list_types"].split()),
                sources={name: _source(row[name]) for name in (*TEXTS, *DAYS)},
            )
            for row in csv.DictReader(file)
        )


def kind_of(infno: str) -> Kind:
    """Return the catalogue of a transaction. Raises LookupError."""
    for kind in kinds():
        if kind.infno == infno:
            return kind
    raise LookupError(f"没有目录 {infno}")


def infno_of(list_type: str) -> str:
    """Return which catalogue holds the codes of a kind of hospital items (目录类别), "" when none does."""
    return next((kind.infno for kind in kinds() if list_type in kind.list_types), "")


def refreshed() -> tuple[Kind, ...]:
    """Return the catalogues that can be downloaded, in the order of the night (1301–1319, 1901)."""
    return tuple(kind for kind in kinds() if kind.borne != "none")
