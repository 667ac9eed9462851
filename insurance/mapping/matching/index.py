"""The codes of one catalogue, furnished for finding: every distinct name, strength, maker and number read once."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Generic, TypeVar

from insurance.mapping.matching import makers, names, numbers, strengths
from insurance.mapping.matching.facts import CodeRow
from insurance.mapping.matching.makers import Maker
from insurance.mapping.matching.names import Name
from insurance.mapping.matching.numbers import Approval
from insurance.mapping.matching.strengths import Strength
from insurance.mapping.matching.text import bigrams, plain

# How many distinct names are looked at for one item, and how alike they must be.
NAMES, ALIKE = 48, 0.34
# A pair that stands in more names than this says little; it is left out while others are left.
COMMON = 4000

Kind = TypeVar("Kind")


class Shelf(Generic[Kind]):
    """Texts of one kind, each kept once with what was read from it."""

    def __init__(self) -> None:
        self.number: dict[tuple[str, ...], int] = {}
        self.texts: list[tuple[str, ...]] = []
        self.read: list[Kind] = []

    def put(self, texts: tuple[str, ...]) -> tuple[int, bool]:
        """Return the number of `texts`, and whether it is new (then `read` waits for its reading)."""
        known = self.number.get(texts)
        if known is not None:
            return known, False
        self.number[texts] = len(self.texts)
        self.texts.append(texts)
        return len(self.texts) - 1, True


class Index:
    """All codes of one catalogue; rows are numbers into parallel columns. Holds about 250 bytes a row."""

    def __init__(self, rows: Iterable[CodeRow]) -> None:
        """Read every row; one of 260,000 takes some seconds."""
        self.codes: list[str] = []
        self.name, self.spec, self.maker, self.approval = (array("l") for _ in range(4))
        self.bare = bytearray()
        self.names: Shelf[Name] = Shelf()
        self.specs: Shelf[Strength] = Shelf()
        self.packs: list[float] = []
        self.units: list[str] = []
        self.makers: Shelf[Maker] = Shelf()
        self.approvals: Shelf[Approval] = Shelf()
        self.by_name: list[array[int]] = []
        self.by_digits: dict[str, array[int]] = {}
        self._by_base: dict[str, list[int]] = {}
        self._postings: dict[str, array[int]] = {}
        self._sizes: list[int] = []
        self._makers_of: dict[str, set[int]] = {}
        for row in rows:
            self._add(row)

    def __len__(self) -> int:
        return len(self.codes)

    def _add(self, row: CodeRow) -> None:
        place = len(self.codes)
        self.codes.append(row.code)
        name, approval = self._name(row.name, row.form), self._approval(row.aprvno)
        self.name.append(name)
        self.approval.append(approval)
        self.spec.append(self._spec(row.spec, row.pack, row.unit))
        self.maker.append(self._maker(row.maker))
        self.by_name[name].append(place)
        self.bare.append(not self.approvals.read[approval].numbers)
        for _letters, digits in self.approvals.read[approval].numbers:
            self.by_digits.setdefault(digits, array("l")).append(place)
        if row.maker:
            self._makers_of.setdefault(row.code[-5:], set()).add(self.maker[-1])

    def _name(self, name: str, form: str) -> int:
        number, new = self.names.put((name, form))
        if new:
            read = names.with_form(names.parse(name), form)
            self.names.read.append(read)
            self.by_name.append(array("l"))
            self._by_base.setdefault(read.base, []).append(number)
            pairs = bigrams(read.full)
            self._sizes.append(len(pairs))
            for pair in pairs:
                self._postings.setdefault(pair, array("l")).append(number)
        return number

    def _spec(self, spec: str, pack: str, unit: str) -> int:
        number, new = self.specs.put((spec, pack, unit))
        if new:
            read = strengths.parse(spec)
            self.specs.read.append(read)
            self.packs.append(read.pack or strengths.pieces(pack))
            self.units.append(plain(unit))
        return number

    def _maker(self, maker: str) -> int:
        number, new = self.makers.put((maker,))
        if new:
            self.makers.read.append(makers.parse(maker))
        return number

    def _approval(self, aprvno: str) -> int:
        number, new = self.approvals.put((aprvno,))
        if new:
            self.approvals.read.append(numbers.parse(aprvno))
        return number

    def row(self, place: int) -> CodeRow:
        """Return the row at `place` as it was given."""
        name, form = self.names.texts[self.name[place]]
        spec, pack, unit = self.specs.texts[self.spec[place]]
        maker, aprvno = self.makers.texts[self.maker[place]][0], self.approvals.texts[self.approval[place]][0]
        return CodeRow(self.codes[place], name, form, spec, pack, unit, maker, aprvno)

    def makers_of(self, code: str) -> set[int]:
        """Return which makers other codes with the same five digits of maker name."""
        return self._makers_of.get(code[-5:], set())

    def with_number(self, approval: Approval) -> list[int]:
        """Return the rows that bear one of the numbers."""
        return [place for _letters, digits in approval.numbers for place in self.by_digits.get(digits, ())]

    def like(self, name: Name) -> list[int]:
        """Return the names that may be meant: of the same substance first, then the most alike."""
        found = dict.fromkeys(self._by_base.get(name.base, []))
        pairs = bigrams(name.full)
        seen: Counter[int] = Counter()
        lists = [self._postings[pair] for pair in pairs if pair in self._postings]
        telling = [one for one in lists if len(one) <= COMMON]
        for one in telling or lists:
            seen.update(one)
        size = len(pairs)
        scored = [(2 * count / (size + self._sizes[number]), number) for number, count in seen.items() if count > 1]
        best = sorted((pair for pair in scored if pair[0] >= ALIKE), reverse=True)[: NAMES * 4]
        kept: dict[str, None] = {}
        for _likeness, number in best:
            full = self.names.read[number].full
            if full in kept or len(kept) < NAMES:
                kept[full] = None
                found[number] = None
        return list(found)
