"""How our relations and the platform's differ. Pure: what goes in is plain, nothing is asked or changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from insurance.mapping.choices import DifferenceKind, Verdict

TURNED_DOWN = (Verdict.FAILED, Verdict.RETURNED)


@dataclass(frozen=True)
class Side:
    """One relation of one side, both days included.

    `told`: the platform took ours (always so for theirs). `valid`: theirs has not been taken back. `verdict`: the
    bureau's word, "" where it is not known.
    """

    pk: int
    list_type: str
    hilist_id: str
    code: str
    begndate: dt.date
    enddate: dt.date
    verdict: str = ""
    told: bool = True
    valid: bool = True

    @property
    def item(self) -> tuple[str, str]:
        """What is charged: kind and the hospital's own number."""
        return self.list_type, self.hilist_id

    def meets(self, other: Side) -> bool:
        """Say whether both hold on some day."""
        return self.begndate <= other.enddate and other.begndate <= self.enddate


@dataclass(frozen=True)
class Found:
    """One difference; one of the two sides may be missing."""

    kind: DifferenceKind
    ours: Side | None
    theirs: Side | None

    @property
    def side(self) -> Side:
        """Whichever side there is, ours first."""
        side = self.ours or self.theirs
        assert side is not None
        return side

    @property
    def key(self) -> str:
        """What makes it the same difference tomorrow: which relations it is between."""
        sides = [f"{one.code}@{one.begndate}" if one else "-" for one in (self.ours, self.theirs)]
        return "|".join((self.kind.value, *self.side.item, *sides))

    @property
    def digest(self) -> str:
        """What it says beyond its key: one set aside comes back when this changes."""
        return "|".join(f"{one.enddate},{one.valid}" if one else "-" for one in (self.ours, self.theirs))


def differences(ours: Iterable[Side], theirs: Iterable[Side], today: dt.date, *, sees_unaudited: bool) -> list[Found]:
    """Return every difference, item by item. `sees_unaudited`: theirs holds what waits for the bureau too (5163)."""
    groups: dict[tuple[str, str], tuple[list[Side], list[Side]]] = {}
    for place, sides in enumerate((ours, theirs)):
        for side in sides:
            groups.setdefault(side.item, ([], []))[place].append(side)
    return [
        found
        for _, (own, other) in sorted(groups.items())
        for found in _of_item(sorted(own, key=_order), sorted(other, key=_order), today, sees_unaudited)
    ]


def _order(side: Side) -> tuple[dt.date, str]:
    return side.begndate, side.code


def _of_item(ours: Sequence[Side], theirs: Sequence[Side], today: dt.date, sees_unaudited: bool) -> list[Found]:
    by_key = {(one.code, one.begndate): one for one in theirs}
    found: list[Found] = []
    lone: list[Side] = []
    for one in ours:
        same = by_key.pop((one.code, one.begndate), None)
        if same is None:
            lone.append(one)
        elif one.told and (kind := _of_pair(one, same, today)) is not None:
            found.append(Found(kind, one, same))
    strange = [one for one in by_key.values() if one.valid and one.verdict not in TURNED_DOWN]
    for one in lone:
        if one.told and _should_be_there(one, today, sees_unaudited):
            found.append(_of_lone(one, strange))
    return found + [Found(DifferenceKind.EXTRA, None, one) for one in strange if one.enddate >= today]


def _of_pair(ours: Side, theirs: Side, today: dt.date) -> DifferenceKind | None:
    """Both name the same code from the same day on."""
    if theirs.verdict in TURNED_DOWN:
        return None
    holds = ours.enddate >= today
    if not theirs.valid:
        return DifferenceKind.EXPIRED if holds else None
    if ours.enddate == theirs.enddate:
        return None
    return DifferenceKind.EXPIRED if holds and theirs.enddate < today else DifferenceKind.OTHER_DATES


def _should_be_there(ours: Side, today: dt.date, sees_unaudited: bool) -> bool:
    """Say whether the platform should show a relation that it took: not a past one, not one that it turned down."""
    if ours.enddate < today or ours.verdict in TURNED_DOWN:
        return False
    return sees_unaudited or ours.verdict != Verdict.WAITING


def _of_lone(ours: Side, strange: list[Side]) -> Found:
    """Ours has no equal: theirs has the code from another day, another code in its time, or nothing."""
    near = [one for one in strange if one.meets(ours)]
    same = [one for one in near if one.code == ours.code]
    for kind, fits in ((DifferenceKind.OTHER_DATES, same), (DifferenceKind.OTHER_CODE, near)):
        if fits:
            strange.remove(fits[0])
            return Found(kind, ours, fits[0])
    return Found(DifferenceKind.MISSING, ours, None)
