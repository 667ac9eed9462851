"""How each fact of an item stands to each code of an index, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from insurance.mapping.matching import makers, names, numbers, strengths
from insurance.mapping.matching.facts import ItemRow, Verdict
from insurance.mapping.matching.index import Index
from insurance.mapping.matching.makers import Maker
from insurance.mapping.matching.names import Name
from insurance.mapping.matching.numbers import Approval
from insurance.mapping.matching.strengths import Strength
from insurance.mapping.matching.text import plain

D, A, U, N, G, E = Verdict.DIFFERS, Verdict.ALIKE, Verdict.UNKNOWN, Verdict.NEAR, Verdict.AGREES, Verdict.EXACT
SUBSTANCE = {E: 40.0, G: 40.0, N: 35.0, A: 30.0, D: 0.0, U: 0.0}
FORM = {E: 12.0, G: 11.0, N: 7.0, U: 5.0, A: 5.0, D: -12.0}
STRENGTH = {E: 20.0, G: 16.0, N: 10.0, U: 6.0, A: 4.0, D: -15.0}
MAKER = {E: 24.0, G: 22.0, N: 14.0, A: 6.0, U: 4.0, D: -14.0}
APPROVAL = {E: 40.0, G: 40.0, N: 0.0, A: 0.0, U: 0.0, D: -25.0}
MODEL = {E: 4.0, G: 4.0, N: 2.0, U: 0.0, A: 0.0, D: -20.0}
PACK = {E: 1.0, G: 1.0, N: 0.0, A: 0.0, U: 0.0, D: -4.0}
# Names less alike than this are not scored unless an approval number points at them.
LEAST = 0.3


@dataclass(frozen=True, slots=True)
class Item:
    """An item with all its facts read."""

    row: ItemRow
    name: Name
    strength: Strength
    pack: float
    maker: Maker
    approval: Approval
    unit: str


@lru_cache(maxsize=4096)
def read(row: ItemRow) -> Item:
    """Read one item."""
    name = names.with_form(names.parse(row.name), row.form)
    strength = strengths.parse(row.spec)
    pack = strength.pack or strengths.number(row.pack)
    return Item(row, name, strength, pack, makers.parse(row.maker), numbers.parse(row.aprvno), plain(row.unit))


@dataclass(frozen=True, slots=True)
class Facts:
    """How every fact of one item stands to one code, and what all of it is worth."""

    place: int
    score: float
    substance: Verdict
    model: Verdict
    form: Verdict
    strength: Verdict
    pack: Verdict
    container: Verdict
    unit: Verdict
    maker: Verdict
    approval: Verdict

    @property
    def opposed(self) -> bool:
        """Whether a fact that decides contradicts the item."""
        return Verdict.DIFFERS in (
            self.substance, self.model, self.form, self.strength, self.pack, self.maker, self.approval
        )  # fmt: skip


_Named: TypeAlias = tuple[float, Verdict, Verdict, Verdict]
_Specified: TypeAlias = tuple[float, Verdict, Verdict, Verdict, Verdict]


class Scorer:
    """One item against one index; what was compared once is not compared again."""

    def __init__(self, index: Index, item: Item) -> None:
        self.index, self.item = index, item
        self._names: dict[int, _Named | None] = {}
        self._specs: dict[int, _Specified] = {}
        self._makers: dict[int, tuple[float, Verdict]] = {}
        self._approvals: dict[int, tuple[float, Verdict]] = {}

    def pool(self) -> list[Facts]:
        """Return every code that may be meant, scored, best first."""
        index = self.index
        pointed = set(index.with_number(self.item.approval))
        places = set(pointed)
        for number in index.like(self.item.name):
            if self.named(number) is not None:
                places.update(index.by_name[number])
        found = [self.facts(place) for place in places]
        return sorted(found, key=lambda one: (-one.score, index.codes[one.place]))

    def facts(self, place: int) -> Facts:
        """Compare the item with the code at `place`."""
        index = self.index
        number = index.name[place]
        named = self.named(number) or self._name(number, least=0.0)
        assert named is not None
        specified, made, numbered = (
            self.specified(index.spec[place]), self.made(index.maker[place]), self.numbered(index.approval[place])
        )  # fmt: skip
        score = named[0] + specified[0] + made[0] + numbered[0]
        return Facts(place, score, named[1], named[2], named[3], *specified[1:], made[1], numbered[1])

    def named(self, number: int) -> _Named | None:
        """Compare names, models and forms; None when the names have too little in common."""
        if number not in self._names:
            self._names[number] = self._name(number, least=LEAST)
        return self._names[number]

    def _name(self, number: int, least: float) -> _Named | None:
        theirs = self.index.names.read[number]
        substance, likeness = names.compare_substances(self.item.name, theirs)
        if likeness < least:
            return None
        model, form = names.compare_models(self.item.name, theirs), names.compare_forms(self.item.name, theirs)
        worth = SUBSTANCE[substance] or 25.0 * likeness
        if self.item.name.container and theirs.container:
            worth += 2.0 if self.item.name.container == theirs.container else -2.0
        return worth + MODEL[model] + FORM[form], substance, model, form

    def specified(self, number: int) -> _Specified:
        """Compare strength, pack, container and unit."""
        if number not in self._specs:
            theirs, (text, _pack, unit) = self.index.specs.read[number], self.index.specs.texts[number]
            strength = strengths.compare(self.item.strength, theirs)
            pack = strengths.compare_pack(self.item.pack, self.index.packs[number])
            container = _equal(self.item.strength.container, theirs.container)
            sold = _equal(self.item.unit, plain(unit))
            worth = STRENGTH[strength] + PACK[pack] + 2.0 * (container > 0) - 3.0 * (container < 0)
            worth += 0.4 * (not self.item.pack and not self.index.packs[number])
            worth += 1.5 * (sold > 0) - 1.5 * (sold < 0) + 0.5 * (plain(text) == self.item.strength.raw)
            self._specs[number] = (worth + 0.3 * bool(text), strength, pack, container, sold)
        return self._specs[number]

    def made(self, number: int) -> tuple[float, Verdict]:
        """Compare makers."""
        if number not in self._makers:
            theirs = self.index.makers.read[number]
            verdict = makers.compare(self.item.maker, theirs)
            self._makers[number] = (MAKER[verdict] + 0.3 * bool(theirs.full), verdict)
        return self._makers[number]

    def numbered(self, number: int) -> tuple[float, Verdict]:
        """Compare approval numbers."""
        if number not in self._approvals:
            theirs = self.index.approvals.read[number]
            verdict = numbers.compare(self.item.approval, theirs)
            self._approvals[number] = (APPROVAL[verdict] + 0.3 * bool(theirs.numbers), verdict)
        return self._approvals[number]


def _equal(ours: str, theirs: str) -> Verdict:
    if not ours or not theirs:
        return Verdict.UNKNOWN
    return Verdict.EXACT if ours == theirs else Verdict.DIFFERS


def best_possible(item: Item) -> float:
    """Return what a code is worth that agrees in all that the item says."""
    return (
        SUBSTANCE[E] + FORM[E] + STRENGTH[E] * bool(item.strength.raw) + MAKER[E] * bool(item.maker.full)
        + APPROVAL[E] * bool(item.approval.numbers)
    )  # fmt: skip
