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
# How many names of other drugs are looked at besides.
OTHERS = 12
# How many codes of a name of another drug: none of them can fit, some are shown when nothing does.
SOME = 40


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
    pack = strength.pack or strengths.pieces(row.pack)
    return Item(row, name, strength, pack, makers.parse(row.maker), numbers.parse(row.aprvno), plain(row.unit))


@dataclass(frozen=True, slots=True, eq=False)
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


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """One code's place in the index with its worth, and whether a fact that decides contradicts the item."""

    opposed: bool
    score: float
    place: int


_Named: TypeAlias = tuple[float, Verdict, Verdict, Verdict, bool, float]
_Specified: TypeAlias = tuple[float, Verdict, Verdict, Verdict, Verdict, bool]
_Made: TypeAlias = tuple[float, Verdict, bool]


class Scorer:
    """One item against one index; what was compared once is not compared again."""

    def __init__(self, index: Index, item: Item) -> None:
        self.index, self.item = index, item
        self._names: dict[int, _Named] = {}
        self._specs: dict[int, _Specified] = {}
        self._makers: dict[int, _Made] = {}
        self._strengths: dict[str, Verdict] = {}

    def pool(self, least: float) -> list[Ranked]:
        """Return every code that may be meant and is worth at least `least`, best first."""
        index, name, spec, maker = self.index, self.index.name, self.index.spec, self.index.maker
        pointed = set(index.with_number(self.item.approval))
        places = set(pointed)
        for number in self._likely_names():
            rows = index.by_name[number]
            places.update(rows[:SOME] if self.named(number)[1] == D else rows)
        asked, bare = bool(self.item.approval.numbers), index.bare
        found: list[Ranked] = []
        for place in places:
            named, specified, made = self.named(name[place]), self.specified(spec[place]), self.made(maker[place])
            score = named[0] + specified[0] + made[0]
            opposed = named[4] or specified[5] or made[2]
            if place in pointed:
                score, opposed = score + APPROVAL[self._numbered(place)], opposed or self._numbered(place) == D
            elif asked and not bare[place]:
                score, opposed = score + APPROVAL[D], True
            if score >= least:
                found.append(Ranked(opposed, score + 0.3 * (not bare[place]), place))
        codes = index.codes
        found.sort(key=lambda one: (-one.score, codes[one.place]))
        return found

    def _likely_names(self) -> list[int]:
        """Names alike enough; of those that are another drug only the nearest."""
        numbers_ = [number for number in self.index.like(self.item.name) if self.named(number)[5] >= LEAST]
        others = sorted((one for one in numbers_ if self.named(one)[1] == D), key=lambda one: -self.named(one)[5])
        left_out = set(others[OTHERS:])
        return [number for number in numbers_ if number not in left_out]

    def _numbered(self, place: int) -> Verdict:
        return numbers.compare(self.item.approval, self.index.approvals.read[self.index.approval[place]])

    def facts(self, place: int, score: float = 0.0) -> Facts:
        """Compare the item with the code at `place`, every fact by itself."""
        index = self.index
        named, specified = self.named(index.name[place]), self.specified(index.spec[place])
        made = self.made(index.maker[place])[1]
        return Facts(place, score, *named[1:4], *specified[1:5], made, self._numbered(place))

    def named(self, number: int) -> _Named:
        """Compare names, models and forms."""
        known = self._names.get(number)
        if known is None:
            known = self._names[number] = self._name(number)
        return known

    def _name(self, number: int) -> _Named:
        theirs = self.index.names.read[number]
        substance, likeness = names.compare_substances(self.item.name, theirs)
        model, form = names.compare_models(self.item.name, theirs), names.compare_forms(self.item.name, theirs)
        worth = SUBSTANCE[substance] or 25.0 * likeness
        if self.item.name.container and theirs.container:
            worth += 2.0 if self.item.name.container == theirs.container else -2.0
        return worth + MODEL[model] + FORM[form], substance, model, form, D in (substance, model, form), likeness

    def specified(self, number: int) -> _Specified:
        """Compare strength, pack, container and unit."""
        known = self._specs.get(number)
        if known is None:
            theirs, packed = self.index.specs.read[number], self.index.packs[number]
            strength = self._strength(theirs)
            pack = strengths.compare_pack(self.item.pack, packed)
            container = _equal(self.item.strength.container, theirs.container)
            sold = _equal(self.item.unit, self.index.units[number])
            worth = STRENGTH[strength] + PACK[pack] + 2.0 * (container > 0) - 3.0 * (container < 0)
            worth += 0.4 * (not self.item.pack and not packed)
            worth += 1.5 * (sold > 0) - 1.5 * (sold < 0) + 0.5 * (theirs.raw == self.item.strength.raw)
            known = (worth + 0.3 * bool(theirs.raw), strength, pack, container, sold, D in (strength, pack))
            self._specs[number] = known
        return known

    def _strength(self, theirs: Strength) -> Verdict:
        known = self._strengths.get(theirs.raw)
        if known is None:
            known = self._strengths[theirs.raw] = strengths.compare(self.item.strength, theirs)
        return known

    def made(self, number: int) -> _Made:
        """Compare makers."""
        known = self._makers.get(number)
        if known is None:
            theirs = self.index.makers.read[number]
            verdict = makers.compare(self.item.maker, theirs)
            worth = MAKER[verdict] + 0.3 * bool(theirs.full) + 0.2 * (theirs.full == self.item.maker.full)
            known = self._makers[number] = (worth, verdict, verdict == D)
        return known


def _equal(ours: str, theirs: str) -> Verdict:
    if not ours or not theirs:
        return Verdict.UNKNOWN
    return Verdict.EXACT if ours == theirs else Verdict.DIFFERS


def best_possible(item: Item, *, number: bool = True) -> float:
    """Return what a code is worth that agrees in all that the item says, with or without its approval number."""
    stated = STRENGTH[E] * bool(item.strength.raw) + MAKER[E] * bool(item.maker.full)
    return SUBSTANCE[E] + FORM[E] + stated + APPROVAL[E] * (number and bool(item.approval.numbers))
