"""Strength, pack and container as a specification text says them, in one unit each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from insurance.mapping.matching.facts import Verdict
from insurance.mapping.matching.text import plain, table

MEASURES = ("mass", "volume", "activity", "length", "mole", "dose")
PIECES = tuple("片粒支瓶袋包贴枚盒板个套管罐桶张条块份剂听筒丸滴喷吸揿")
_BRACKETS = re.compile(r"\([^()]*\)")
_TAIL = re.compile(r"/([^/\d*:]+)(?:/[^/\d*:]+)*$")
_NEAR = 0.004
# So few 单位 are doses of a mixture (1单位/片), not an activity.
FEW = 6


@dataclass(frozen=True, slots=True)
class Strength:
    """One specification: amounts of each measure (mg, ml, units …), counts of pieces, pack, container.

    `beside` are amounts in brackets (equivalents), which support but never contradict. `vague`: the text says one
    piece of itself (1片/片) or nothing that can be compared.
    """

    raw: str = ""
    amounts: tuple[tuple[str, tuple[float, ...]], ...] = ()
    counts: tuple[tuple[str, float], ...] = ()
    beside: tuple[tuple[str, tuple[float, ...]], ...] = ()
    percent: float = 0.0
    pack: float = 0.0
    container: str = ""
    vague: bool = True


@cache
def _units() -> dict[str, tuple[str, float]]:
    return {row["alias"]: (row["kind"], float(row["factor"])) for row in table("units")}


@cache
def _token() -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, _units()), key=len, reverse=True))
    return re.compile(rf"([*]?)(\d+(?:\.\d+)?|\.\d+)(?:({names}|%)|(?![0-9.]))")


@lru_cache(maxsize=65536)
def parse(text: str) -> Strength:
    """Read a specification as hospitals and catalogues write it (0.5g*12片/盒, 10ml:0.1g, 每袋装6g, 5 MG)."""
    raw = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", plain(text))
    if not raw:
        return Strength()
    outside = _BRACKETS.sub("", raw)
    whole = outside if any(sign.isdigit() for sign in outside) else raw
    inner = " ".join(_BRACKETS.findall(raw)) if whole is outside else ""
    broken = "(" in whole or ")" in whole
    amounts, counts, pack, percent = _read(whole)
    beside = _read(inner)[0] if inner else {}
    if broken:
        beside, amounts = {**beside, **amounts}, {}
    vague = not amounts and not percent and all(number == 1 for number in counts.values())
    tail = _container(whole)
    return Strength(raw, _frozen(amounts), tuple(sorted(counts.items())), _frozen(beside), percent, pack, tail, vague)


def _read(text: str) -> tuple[dict[str, set[float]], dict[str, float], float, float]:
    amounts: dict[str, set[float]] = {}
    counts: dict[str, float] = {}
    pack, percent = 0.0, 0.0
    for times, number, unit in _token().findall(text):
        value = float(number)
        kind, factor = _units().get(unit, ("", 1.0))
        if unit == "%":
            percent = value
        elif times and (kind in PIECES or not unit):
            pack = (pack or 1.0) * value
        elif kind == "activity" and value == 1 and factor == 1:
            counts["单位"] = 1.0
        elif kind in MEASURES:
            amounts.setdefault(kind, set()).add(round(value * factor, 9))
        elif kind:
            counts[kind] = value
    return amounts, counts, pack, percent


def _container(text: str) -> str:
    """The piece that the strength is of: 片 in 8mg*7片/盒 and in 8mg/片."""
    pieces = re.findall(r"[*]\d+(?:\.\d+)?([^\d/*:.]+)", text)
    if pieces:
        return _piece(pieces[0])
    found = _TAIL.search(text)
    return _piece(found.group(1)) if found else ""


def _piece(word: str) -> str:
    kind = _units().get(word, ("", 1.0))[0]
    return kind if kind in PIECES else ""


def _frozen(amounts: dict[str, set[float]]) -> tuple[tuple[str, tuple[float, ...]], ...]:
    return tuple((kind, tuple(sorted(values))) for kind, values in sorted(amounts.items()))


def same(one: float, other: float) -> bool:
    """Return whether two amounts are equal but for rounding."""
    return abs(one - other) <= _NEAR * max(abs(one), abs(other))


def compare(ours: Strength, theirs: Strength) -> Verdict:
    """Compare two strengths: EXACT all amounts equal, AGREES some known on one side only, DIFFERS one contradicts."""
    if not ours.raw or not theirs.raw:
        return Verdict.UNKNOWN
    if ours.vague or theirs.vague:
        return _vaguely(ours, theirs)
    mine, other = dict(ours.amounts), dict(theirs.amounts)
    found = [_measure(mine[kind], other[kind]) for kind in mine.keys() & other.keys()]
    counted, opposed = dict(ours.counts), dict(theirs.counts)
    found += [
        Verdict.EXACT if same(counted[kind], opposed[kind]) else Verdict.DIFFERS
        for kind in counted.keys() & opposed.keys()
        if kind not in mine
    ]
    if ours.percent and theirs.percent:
        found.append(Verdict.EXACT if same(ours.percent, theirs.percent) else Verdict.DIFFERS)
    if not found:
        return _indirect(ours, theirs)
    if Verdict.DIFFERS in found:
        return Verdict.ALIKE if _explained(ours, theirs) else Verdict.DIFFERS
    full = mine.keys() == other.keys() and counted.keys() - {"单位"} == opposed.keys() - {"单位"}
    return Verdict.EXACT if full and min(found) == Verdict.EXACT else Verdict.AGREES


def _vaguely(ours: Strength, theirs: Strength) -> Verdict:
    """One says only that it is one piece of itself: the same words agree, another number of the same piece differs."""
    if _unpacked(ours) == _unpacked(theirs):
        return Verdict.AGREES
    doses = _dose(ours), _dose(theirs)
    if all(doses):
        return Verdict.DIFFERS if not same(*doses) else Verdict.UNKNOWN
    if ours.amounts or theirs.amounts or len(ours.counts) != 1 or len(theirs.counts) != 1:
        return Verdict.UNKNOWN
    (mine, count), (other, number) = ours.counts[0], theirs.counts[0]
    return Verdict.DIFFERS if mine == other and not same(count, number) else Verdict.UNKNOWN


def _dose(one: Strength) -> float:
    """How many doses of a mixture it says (1单位/片), 0 when it says something else."""
    if one.counts == (("单位", 1.0),):
        return 1.0
    kind, values = one.amounts[0] if len(one.amounts) == 1 and not one.counts else ("", (0.0,))
    return values[0] if kind == "activity" and len(values) == 1 and values[0] < FEW else 0.0


def _measure(ours: tuple[float, ...], theirs: tuple[float, ...]) -> Verdict:
    held = [any(same(one, other) for other in theirs) for one in ours]
    back = [any(same(one, other) for one in ours) for other in theirs]
    if all(held) and all(back):
        return Verdict.EXACT
    return Verdict.AGREES if all(held) or all(back) else Verdict.DIFFERS


def _indirect(ours: Strength, theirs: Strength) -> Verdict:
    """No measure in common: a percentage with a volume says a mass (1 % of 10 ml is 100 mg)."""
    mine, other = _mass_by_percent(ours), _mass_by_percent(theirs)
    left, right = dict(ours.amounts).get("mass", ()), dict(theirs.amounts).get("mass", ())
    for by_percent, masses in ((mine, right), (other, left)):
        if by_percent and masses:
            return Verdict.AGREES if any(same(by_percent, mass) for mass in masses) else Verdict.DIFFERS
    return Verdict.UNKNOWN


def _mass_by_percent(one: Strength) -> float:
    volumes = dict(one.amounts).get("volume", ())
    return one.percent * 10 * volumes[0] if one.percent and len(volumes) == 1 else 0.0


def _explained(ours: Strength, theirs: Strength) -> bool:
    """Whether the difference is that one says the equivalent which the other has in brackets."""
    mine, other = dict(ours.amounts), dict(theirs.amounts)
    for beside, against in ((dict(theirs.beside), mine), (dict(ours.beside), other)):
        for kind, values in beside.items():
            if any(same(one, value) for one in against.get(kind, ()) for value in values):
                return True
    return False


def _unpacked(one: Strength) -> str:
    return re.sub(r"[*]\d+(?:\.\d+)?[^\d/*]*(?:/[^/]+)?$", "", one.raw)


def compare_pack(ours: float, theirs: float) -> Verdict:
    """Compare how many pieces a pack holds; 0 where it is not said."""
    if not ours or not theirs:
        return Verdict.UNKNOWN
    return Verdict.EXACT if same(ours, theirs) else Verdict.DIFFERS


def shown(one: Strength) -> str:
    """Return the amounts in one unit, to show beside the text (0.5g → 500mg)."""
    units = {"mass": "mg", "volume": "ml", "activity": "单位"}
    parts = [f"{value:g}{units[kind]}" for kind, values in one.amounts if kind in units for value in values]
    return ":".join(parts)


@lru_cache(maxsize=65536)
def pieces(text: str) -> float:
    """Return how many pieces a pack holds as its own cell says it (12, 12片/盒, 2板*12片, 0.25g*24片); 0: not said."""
    raw = plain(text)
    if re.fullmatch(r"\d+(?:\.\d+)?", raw):
        return float(raw)
    read = parse(raw)
    held = [number for kind, number in read.counts if kind in PIECES and kind not in ("盒", "箱")]
    if read.pack:
        return read.pack * (held[0] if len(held) == 1 and not read.amounts else 1.0)
    return held[0] if len(held) == 1 and not read.amounts else 0.0
