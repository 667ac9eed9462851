"""Suggest national codes for one drug: what fits, how sure that is, and why."""

from __future__ import annotations

from collections.abc import Sequence

from insurance.mapping.matching import certainty, strengths
from insurance.mapping.matching.facts import Candidate, CodeRow, ItemRow, Reason, Result, Verdict
from insurance.mapping.matching.index import Index
from insurance.mapping.matching.scoring import Facts, Ranked, Scorer, best_possible, read

SHOWN = 8


def suggest(index: Index, row: ItemRow, shown: int = SHOWN) -> Result:
    """Return the codes that an item may mean, best first, at most `shown` of them."""
    scorer = Scorer(index, read(row))
    most = best_possible(scorer.item)
    enough = best_possible(scorer.item, number=False)
    pool = scorer.pool(certainty.WORTH * enough)
    if not pool:
        return Result("none")
    fits = certainty.fitting(scorer, pool)
    word = _word(scorer, pool, fits, enough)
    chosen = _chosen(pool, fits, shown)
    candidates = (
        Candidate(index.codes[one.place], _share(one.score, most), reasons(scorer, scorer.facts(one.place)))
        for one in chosen
    )
    told = certainty.deciding(scorer, fits) if word == "ambiguous" else ()
    return Result(word, tuple(candidates), told, len(fits))


def _chosen(pool: Sequence[Ranked], fits: Sequence[Facts], shown: int) -> list[Ranked]:
    """What fits before what does not, when the best fits; else by worth alone."""
    if not fits or fits[0].place != pool[0].place:
        return list(pool[:shown])
    able = {one.place for one in fits}
    first = [one for one in pool if one.place in able][:shown]
    return first + [one for one in pool if one.place not in able][: shown - len(first)]


def _word(scorer: Scorer, pool: Sequence[Ranked], fits: Sequence[Facts], enough: float) -> str:
    best = pool[0]
    if fits and fits[0].place == best.place and certainty.certain(scorer, fits[0], fits):
        return "certain"
    if len(fits) > 1:
        return "ambiguous"
    return "likely" if best.score >= certainty.LIKELY * enough else "none"


def _share(score: float, most: float) -> float:
    return round(max(0.0, min(1.0, score / (most + 6.0))), 4)


def compare(item: ItemRow, code: CodeRow) -> tuple[Reason, ...]:
    """Return what is compared between an item and any one code, as a suggestion would show it."""
    scorer = Scorer(Index([code]), read(item))
    return reasons(scorer, scorer.facts(0))


def reasons(scorer: Scorer, one: Facts) -> tuple[Reason, ...]:
    """Return each fact that was compared, ours against theirs, as both sides write it."""
    ours, theirs = scorer.item.row, scorer.index.row(one.place)
    lines = [
        _line("批准文号", ours.aprvno, theirs.aprvno, one.approval),
        _line("药品名称", ours.name, theirs.name, _worse(one.substance, one.model)),
        _line("剂型", ours.form or _form(scorer, None), theirs.form or _form(scorer, one.place), one.form),
        _line("规格", _spec(ours.spec), _spec(theirs.spec), one.strength),
        _line("包装", _pack(scorer, None), _pack(scorer, one.place), one.pack),
        _line("包装单位", ours.unit, theirs.unit, one.unit),
        _line("生产企业", ours.maker, theirs.maker, one.maker),
    ]
    return tuple(line for line in lines if line.ours or line.theirs)


def _line(what: str, ours: str, theirs: str, verdict: Verdict) -> Reason:
    return Reason(what, ours, theirs, verdict.agrees)


def _worse(one: Verdict, other: Verdict) -> Verdict:
    return other if other == Verdict.DIFFERS else one


def _form(scorer: Scorer, place: int | None) -> str:
    return scorer.item.name.form if place is None else scorer.index.names.read[scorer.index.name[place]].form


def _spec(text: str) -> str:
    read_, told = strengths.parse(text), ""
    if read_.amounts:
        told = strengths.shown(read_)
    return f"{text}（{told}）" if told and told not in read_.raw else text


def _pack(scorer: Scorer, place: int | None) -> str:
    count = scorer.item.pack if place is None else scorer.index.packs[scorer.index.spec[place]]
    return f"{count:g}" if count else ""
