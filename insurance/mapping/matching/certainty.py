"""Whether the best code can be no other, and what would tell several apart.

A code is set aside only by a fact that both sides state and that differs. What a catalogue row leaves open sets
nothing aside, but for its maker, which the last five digits of the code name through other rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeAlias

from insurance.mapping.matching.facts import Verdict
from insurance.mapping.matching.scoring import Facts, Ranked, Scorer

Telling: TypeAlias = Callable[[Scorer, int], object]
MOST = 60
# Packs that hold pieces which may be sold one by one.
BOXES = ("盒", "箱", "包", "套", "板")
# A code worth less than this share of what is possible without a number is not shown, or not called likely.
WORTH, LIKELY = 0.5, 0.6


def fitting(scorer: Scorer, pool: Sequence[Ranked]) -> list[Facts]:
    """Return the codes of `pool` (best first) that nothing sets aside, the best one first; at most MOST."""
    able = [one for one in pool if not one.opposed]
    facts = (scorer.facts(one.place, one.score) for one in able)
    best = next(facts, None)
    if best is None:
        return []
    return [best, *islice((one for one in facts if not _set_aside(scorer, best, one)), MOST - 1)]


def _set_aside(scorer: Scorer, best: Facts, one: Facts) -> bool:
    """Whether `one` falls behind `best` by something that `best` agrees in and `one` does not."""
    if one.substance == Verdict.ALIKE and best.substance >= Verdict.NEAR:
        return True
    if one.substance == Verdict.NEAR and best.substance == Verdict.EXACT and scorer.item.name.salts:
        return True
    if one.maker == Verdict.ALIKE and (best.maker == Verdict.EXACT or _by_short_name(scorer, best)):
        return True
    if one.unit == Verdict.DIFFERS and best.unit == Verdict.EXACT and _other_pack(scorer, one):
        return True
    return one.maker == Verdict.UNKNOWN and _other_maker(scorer, best, one)


def _by_short_name(scorer: Scorer, best: Facts) -> bool:
    """Whether the item's maker is the best code's but for its ending or a place, not a piece of it."""
    return scorer.item.maker.key in scorer.index.makers.read[scorer.index.maker[best.place]].keys


def _other_pack(scorer: Scorer, one: Facts) -> bool:
    """Whether the code is sold in another kind of pack (瓶, not 盒), not by the box what we sell by the piece."""
    index, number = scorer.index, scorer.index.spec[one.place]
    ours, theirs = scorer.item.unit, index.units[number]
    piece, other = scorer.item.strength.container or ours, index.specs.read[number].container
    return theirs != other and not (ours == piece and theirs in BOXES) and ours not in (other, "")


def _other_maker(scorer: Scorer, best: Facts, one: Facts) -> bool:
    """Whether the code's digits of maker belong to another maker, though its row does not name it."""
    index = scorer.index
    code, other = index.codes[best.place], index.codes[one.place]
    if code[-5:] == other[-5:]:
        return False
    if best.approval == Verdict.EXACT and one.approval == Verdict.UNKNOWN:
        return True
    known = index.makers_of(other)
    return bool(known) and all(scorer.made(maker)[1] == Verdict.DIFFERS for maker in known)


def certain(scorer: Scorer, best: Facts, fits: Sequence[Facts]) -> bool:
    """Whether the best code can be no other: it alone fits, and who makes it or its number agrees.

    A name that is the same to the letter needs no form (康复新液, whose form is 其他): a code of the same name in
    any other form would fit as well, and then nothing is certain.
    """
    pinned = best.approval == Verdict.EXACT or best.maker >= Verdict.AGREES
    return (
        len(fits) == 1
        and fits[0].place == best.place
        and pinned
        and best.substance >= Verdict.ALIKE
        and best.substance != Verdict.UNKNOWN
        and best.strength >= Verdict.AGREES
        and (best.form >= Verdict.NEAR or best.approval == Verdict.EXACT or _same_name(scorer, best))
    )


def _same_name(scorer: Scorer, best: Facts) -> bool:
    return (
        best.form == Verdict.UNKNOWN
        and scorer.item.name.whole == scorer.index.names.read[scorer.index.name[best.place]].whole
    )


def deciding(scorer: Scorer, fits: Sequence[Facts]) -> tuple[str, ...]:
    """Return the facts that tell the fitting codes apart, the most telling first."""
    counts = [(len({value for one in fits if (value := told(scorer, one.place))}), what) for what, told in TELLING]
    names = [what for count, what in sorted(counts, key=lambda pair: -pair[0]) if count > 1]
    return tuple(names) or (("包装",) if len(fits) > 1 else ())


def _maker(scorer: Scorer, place: int) -> object:
    return scorer.index.makers.read[scorer.index.maker[place]].main


def _approval(scorer: Scorer, place: int) -> object:
    return scorer.index.approvals.read[scorer.index.approval[place]].numbers


def _strength(scorer: Scorer, place: int) -> object:
    read = scorer.index.specs.read[scorer.index.spec[place]]
    return (read.amounts, read.counts) if read.raw else ""


def _pack(scorer: Scorer, place: int) -> object:
    return scorer.index.packs[scorer.index.spec[place]]


def _unit(scorer: Scorer, place: int) -> object:
    number = scorer.index.spec[place]
    return scorer.index.specs.read[number].container, scorer.index.units[number]


def _form(scorer: Scorer, place: int) -> object:
    return scorer.index.names.read[scorer.index.name[place]].form


def _name(scorer: Scorer, place: int) -> object:
    read = scorer.index.names.read[scorer.index.name[place]]
    return read.full, read.models, read.percent


TELLING: tuple[tuple[str, Telling], ...] = (
    ("生产企业", _maker), ("批准文号", _approval), ("规格", _strength), ("包装", _pack), ("剂型", _form),
    ("药品名称", _name), ("包装单位", _unit),
)  # fmt: skip
