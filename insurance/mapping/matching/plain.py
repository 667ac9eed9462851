"""Services, supplies and slices: found by name, told apart by what their kind is told apart by.

A service has neither maker nor strength: numbers, sides and modifiers in its name tell services apart, and its own
number in the price list stands in the national code. A supply has maker, material and registration number. A slice
has its processing (生、炙、煅 …).
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from insurance.mapping.matching import makers, numbers
from insurance.mapping.matching.facts import Candidate, CodeRow, ItemRow, Reason, Result, Verdict
from insurance.mapping.matching.text import bigrams, dice, distance, plain, table

SERVICE, SUPPLY, SLICE = "service", "supply", "slice"
SHOWN, LIKE, MOST = 8, 60, 60
# A code worth less is not shown.
LEAST = 0.45
_SIGNS = re.compile(r"[^0-9a-zα-ω一-鿿+%]")
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
_ISOTOPE = re.compile(r"([碘磷锶钴锝镓铊铟氟碳氮氧氙铬金])(\d{2,3})")
_CHINESE = str.maketrans("一二三四五六七八九两", "1234567892")
# Nine digits of the price lists: parts 1–4, their chapters 1–8; other numbers are a hospital's own.
_LOCAL = re.compile(r"^([1-4][1-8]\d{7})")


@dataclass(frozen=True, slots=True)
class Plain:
    """One name: `whole` as compared, `core` without what stands in brackets, `tags` what tells kinds apart."""

    whole: str = ""
    core: str = ""
    tags: frozenset[tuple[str, str]] = frozenset()


@cache
def _variants() -> tuple[tuple[str, str], ...]:
    return tuple((plain(row["seen"]), plain(row["plain"])) for row in table("variants"))


@cache
def _tags(kind: str) -> tuple[tuple[str, str], ...]:
    if kind != SERVICE:
        return ()
    rows = ((row["word"], row["kind"]) for row in table("services"))
    return tuple(sorted(rows, key=lambda row: -len(row[0])))


@cache
def _processing() -> tuple[tuple[str, str], ...]:
    return tuple(sorted(((row["word"], row["kind"]) for row in table("processing")), key=lambda row: -len(row[0])))


@lru_cache(maxsize=65536)
def parse(text: str, kind: str) -> Plain:
    """Read one name of a kind (SERVICE, SUPPLY, SLICE)."""
    raw = plain(text)
    for seen, meant in _variants():
        raw = raw.replace(seen, meant)
    if kind == SERVICE:
        raw = _ISOTOPE.sub(r"\2\1", raw)
    core, whole = _SIGNS.sub("", re.sub(r"\([^()]*\)?", "", raw)), _SIGNS.sub("", raw)
    if kind == SLICE:
        return _slice(core or whole, whole)
    tags = {("数", number) for number in _NUMBERS.findall(raw)}
    rest = raw
    for word, sort in _tags(kind):
        if word in rest:
            tags.add((sort, word))
            rest = rest.replace(word, "")
    return Plain(whole, core or whole, frozenset(tags))


def _slice(core: str, whole: str) -> Plain:
    """A slice's herb and how it was processed: 蜜麻黄, 麻黄(蜜炙), 炙麻黄."""
    inside = whole.replace(core, "", 1)
    for word, sort in _processing():
        if inside and word in inside:
            return Plain(whole, core, frozenset({("炮制", sort)}))
        if core.startswith(word) and len(core) - len(word) >= 2:
            return Plain(whole, core[len(word) :], frozenset({("炮制", sort)}))
        if core.endswith(("炭", "片", "粉")) and word == core[-1] and len(core) > 2:
            return Plain(whole, core[:-1], frozenset({("炮制", sort)}))
    return Plain(whole, core)


@dataclass(slots=True, eq=False)
class Facts:
    """How every fact of an item stands to one code."""

    place: int
    score: float
    name: Verdict
    tags: Verdict
    code: Verdict
    spec: Verdict
    maker: Verdict
    number: Verdict

    @property
    def opposed(self) -> bool:
        """Whether a fact that decides contradicts the item."""
        return Verdict.DIFFERS in (self.name, self.tags, self.maker, self.number, self.spec)


class PlainIndex:
    """All codes of one catalogue of services, supplies or slices."""

    def __init__(self, rows: Iterable[CodeRow], kind: str) -> None:
        """Read every row."""
        self.kind = kind
        self.rows: list[CodeRow] = list(rows)
        self.places: dict[str, array[int]] = {}
        for place, row in enumerate(self.rows):
            self.places.setdefault(row.name, array("l")).append(place)
        self.names = list(self.places)
        self.read = [parse(name, kind) for name in self.names]
        self._whole: dict[str, list[int]] = {}
        self._postings: dict[str, array[int]] = {}
        self._sizes: list[int] = []
        for number, read in enumerate(self.read):
            self._whole.setdefault(read.whole, []).append(number)
            pairs = bigrams(read.whole)
            self._sizes.append(len(pairs))
            for pair in pairs:
                self._postings.setdefault(pair, array("l")).append(number)

    def like(self, name: Plain) -> list[int]:
        """Return the names that may be meant."""
        found = dict.fromkeys(self._whole.get(name.whole, ()))
        pairs = bigrams(name.whole)
        seen: Counter[int] = Counter()
        for pair in pairs:
            seen.update(self._postings.get(pair, ()))
        scored = ((2 * count / (len(pairs) + self._sizes[number]), number) for number, count in seen.items())
        best = sorted((pair for pair in scored if pair[0] >= 0.3), reverse=True)[:LIKE]
        return list(found | dict.fromkeys(number for _likeness, number in best))


def suggest(index: PlainIndex, item: ItemRow, shown: int = SHOWN) -> Result:
    """Return the codes that an item may mean, best first, at most `shown` of them."""
    ours, besides, found = parse(item.name, index.kind), Besides(item, index.kind), []
    for number in index.like(ours):
        named = compare_names(ours, index.read[number])
        facts = (_facts(index, besides, place, named) for place in index.places[index.names[number]])
        found += [one for one in facts if one.score >= LEAST]
    found.sort(key=lambda one: (-one.score, index.rows[one.place].code))
    if not found:
        return Result("none")
    fits = [one for one in found if _fits(found[0], one)][:MOST] if not found[0].opposed else []
    word = _word(found[0], fits, index.kind)
    chosen = tuple(
        Candidate(index.rows[one.place].code, round(min(1.0, max(0.0, one.score)), 4), _reasons(index, item, one))
        for one in found[:shown]
    )
    return Result(word, chosen, _deciding(index, fits) if word == "ambiguous" else (), len(fits))


def compare_names(ours: Plain, theirs: Plain) -> tuple[Verdict, Verdict, float]:
    """Compare names, what tells kinds apart, and say how alike they are (0–1)."""
    tags = _compare_tags(ours.tags, theirs.tags)
    if ours.whole == theirs.whole:
        return Verdict.EXACT, tags, 1.0
    if ours.core == theirs.core:
        return Verdict.NEAR, tags, 0.9
    allowed = 0 if len(ours.whole) < 5 else 1
    likeness = dice(bigrams(ours.whole), bigrams(theirs.whole))
    near = distance(ours.whole, theirs.whole, allowed) <= allowed
    return (Verdict.ALIKE if near or likeness >= 0.6 else Verdict.DIFFERS), tags, max(0.9 * likeness, 0.85 * near)


def _compare_tags(ours: frozenset[tuple[str, str]], theirs: frozenset[tuple[str, str]]) -> Verdict:
    if ours == theirs:
        return Verdict.EXACT if ours else Verdict.UNKNOWN
    mine, other = {kind for kind, _ in ours - theirs}, {kind for kind, _ in theirs - ours}
    return Verdict.DIFFERS if mine & other else Verdict.ALIKE


def code_of(local: str) -> str:
    """Return the national code's beginning that a price list's nine digits stand for (110200001 → 00110200001)."""
    found = _LOCAL.match(local)
    return f"00{found.group(1)[:4]}{found.group(1)[4:]}" if found else ""


class Besides:
    """What is compared besides the names: each text once, however many codes bear it."""

    def __init__(self, item: ItemRow, kind: str) -> None:
        """Read the item."""
        made, numbered = makers.parse(item.maker), numbers.parse(item.aprvno)
        self.item, self.kind = item, kind
        self.maker = cache(lambda text: makers.compare(made, makers.parse(text)))
        self.number = cache(lambda text: numbers.compare(numbered, numbers.parse(text)))
        self.spec = cache(lambda text: _spec(item, text) if kind == SUPPLY else Verdict.UNKNOWN)
        self.worth = cache(_worth)


def _facts(index: PlainIndex, besides: Besides, place: int, named: tuple[Verdict, Verdict, float]) -> Facts:
    row = index.rows[place]
    name, tags, score = named
    code = _code(besides.item, row) if besides.kind == SERVICE else Verdict.UNKNOWN
    maker, number, spec = besides.maker(row.maker), besides.number(row.aprvno), besides.spec(row.spec)
    score += besides.worth(tags, spec, code, maker, number)
    return Facts(place, score / 1.15, name, tags, code, spec, maker, number)


def _worth(tags: Verdict, spec: Verdict, code: Verdict, maker: Verdict, number: Verdict) -> float:
    worth = {Verdict.DIFFERS: -0.12, Verdict.ALIKE: -0.05}.get(tags, 0.0) + 0.06 * (spec > 0) - 0.06 * (spec < -1)
    worth += 0.15 * (code > 0) + 0.12 * (maker > 0) - 0.12 * (maker == Verdict.DIFFERS)
    return worth + 0.2 * (number > 0) - 0.12 * (number == Verdict.DIFFERS)


def _code(item: ItemRow, row: CodeRow) -> Verdict:
    meant = code_of(item.code)
    if not meant or not row.code.startswith("00"):
        return Verdict.UNKNOWN
    if row.code.startswith(meant):
        return Verdict.EXACT if row.code[len(meant) :].strip("0") == "" else Verdict.NEAR
    return Verdict.ALIKE


def _spec(item: ItemRow, text: str) -> Verdict:
    """Whether the supply's material and features stand in what we say of it; ALIKE when it is another size."""
    if item.spec and plain(item.spec) == plain(text):
        return Verdict.EXACT
    said = plain(item.name + item.spec)
    words = [word for word in re.split(r"[/,]", plain(text)) if len(word) > 1 and word not in ("不区分", "常规")]
    held = sum(word in said for word in words)
    if not words or not item.spec:
        return Verdict.UNKNOWN
    if not held:
        return Verdict.ALIKE  # both sides say one, in other words
    return Verdict.EXACT if held == len(words) else Verdict.NEAR


def _fits(best: Facts, one: Facts) -> bool:
    if one is best:
        return True
    if one.code == Verdict.EXACT and best.code != Verdict.EXACT:
        return True
    if best.spec == Verdict.EXACT and one.spec in (Verdict.ALIKE, Verdict.NEAR) and one.number <= best.number:
        return False  # a sibling in another size; one certificate covers them all
    if one.opposed or one.name < best.name or (best.code == Verdict.EXACT and one.code != Verdict.EXACT):
        return False
    return not (best.maker >= Verdict.AGREES and one.maker == Verdict.ALIKE) and one.tags >= min(best.tags, 0)


def _word(best: Facts, fits: Sequence[Facts], kind: str) -> str:
    alone = len(fits) == 1 and best.name == Verdict.EXACT and best.tags >= Verdict.UNKNOWN
    pinned = kind != SUPPLY or best.number == Verdict.EXACT or best.maker >= Verdict.AGREES
    clash = kind == SERVICE and best.code == Verdict.ALIKE
    if alone and pinned and not clash:
        return "certain"
    if len(fits) > 1:
        return "ambiguous"
    return "likely" if best.score >= 0.6 else "none"


def _deciding(index: PlainIndex, fits: Sequence[Facts]) -> tuple[str, ...]:
    rows = [index.rows[one.place] for one in fits]
    told = (("生产企业", {row.maker for row in rows}), ("注册证号", {row.aprvno for row in rows}),
            ("规格", {row.spec for row in rows}), ("项目名称", {row.name for row in rows}))  # fmt: skip
    found = tuple(what for what, values in told if len(values - {""}) > 1)
    return found or ("项目编码",)


def _reasons(index: PlainIndex, item: ItemRow, one: Facts) -> tuple[Reason, ...]:
    row, kind = index.rows[one.place], index.kind
    ours, theirs = parse(item.name, kind), parse(row.name, kind)
    lines = [Reason("项目名称" if kind == SERVICE else "名称", item.name, row.name, one.name.agrees)]
    if ours.tags | theirs.tags:
        what = "炮制" if kind == SLICE else "数量、部位与限定"
        lines.append(Reason(what, _said(ours), _said(theirs), one.tags.agrees))
    if kind == SERVICE and code_of(item.code):
        lines.append(Reason("项目编码", item.code, row.code, one.code.agrees))
    lines += [
        Reason("规格" if kind != SUPPLY else "材质与规格", item.spec, row.spec, one.spec.agrees),
        Reason("生产企业", item.maker, row.maker, one.maker.agrees),
        Reason("注册证号" if kind == SUPPLY else "批准文号", item.aprvno, row.aprvno, one.number.agrees),
        Reason(
            "计价单位", item.unit, row.unit, (plain(item.unit) == plain(row.unit)) if item.unit and row.unit else None
        ),
    ]
    return tuple(line for line in lines if line.ours or line.theirs)


def _said(name: Plain) -> str:
    return "、".join(sorted(word for _kind, word in name.tags))


def compare(item: ItemRow, code: CodeRow, kind: str) -> tuple[Reason, ...]:
    """Return what is compared between an item and any one code, as a suggestion would show it."""
    index = PlainIndex([code], kind)
    return _reasons(
        index, item, _facts(index, Besides(item, kind), 0, compare_names(parse(item.name, kind), index.read[0]))
    )
