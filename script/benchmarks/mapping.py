"""Suggestions of national codes for a hospital's items, judged against the codes that are right.

`script/bench mapping --catalogue F --items F [--grow N --seed S --styles a,b] [--noise S] [--show wrong]`: the files
have the columns of the national lists and of a hospital's list (`expected` or `nat_code` holds what is right). With
--grow the catalogue gets siblings until it has N rows; --noise makes the items worse; --invent N makes N items of the
catalogue's complete rows instead of reading some. Items whose right code the catalogue lacks are counted apart.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import _grown
from insurance.mapping.matching import reading
from insurance.mapping.matching.facts import CodeRow, ItemRow, Result

Pair = tuple[str, ItemRow, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was suggested for one item: its name in the file, itself, the right code, the answer, milliseconds."""

    local: str
    item: ItemRow
    right: str
    result: Result
    took: float

    @property
    def place(self) -> int:
        """The place of the right code among the suggestions, from 1; 0 when it is not among them."""
        codes = [one.code for one in self.result.candidates]
        return codes.index(self.right) + 1 if self.right in codes else 0


def main(arguments: Sequence[str]) -> None:
    """Measure and print; the last line is the result."""
    asked = _parser().parse_args(arguments)
    kind, rows = reading.read_catalogue(asked.catalogue)
    pairs = invented(rows, asked.invent, asked.seed) if asked.invent else reading.read_items(asked.items, kind)
    if asked.grow:
        rows = list(_grown.grow(rows, asked.grow, asked.seed, asked.styles.split(",")))
    if asked.noise:
        rng = random.Random(asked.noise)
        pairs = [(local, _grown.noisy(rng, item), right) for local, item, right in pairs]
    find = furnished(kind, rows)
    held = {row.code for row in rows}
    lacking = [pair for pair in pairs if pair[2] not in held]
    if lacking:
        print(f"not in the catalogue, counted apart: {len(lacking)} items")
    answers = [answered(find, pair) for pair in pairs if pair[2] in held]
    table(answers)
    if asked.show:
        show(answers, {row.code: row for row in rows}, asked.show)
    print(summary(answers))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/bench mapping")
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--items", type=Path)
    parser.add_argument("--invent", type=int, default=0)
    parser.add_argument("--grow", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--styles", default=",".join(_grown.USUAL))
    parser.add_argument("--noise", type=int, default=0)
    parser.add_argument("--show", choices=("wrong", "unsure", "all"))
    return parser


def invented(rows: Sequence[CodeRow], number: int, seed: int) -> list[Pair]:
    """Make items of complete rows."""
    rng = random.Random(seed)
    complete = [row for row in rows if row.aprvno and row.maker and row.spec and not row.pack]
    chosen = rng.sample(complete, min(number, len(complete)))
    return [(f"{at:05}", _grown.typed(rng, row), row.code) for at, row in enumerate(chosen)]


def furnished(kind: str, rows: Sequence[CodeRow]) -> Callable[[ItemRow], Result]:
    """Build what answers for this kind of catalogue, and say what it cost."""
    started = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    find = reading.answerer(kind, rows)
    gc.collect()
    gc.freeze()  # what stays is not looked through again while answers are timed
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    words = f"{len(rows)} codes ({kind}): index built in {time.perf_counter() - started:.1f} s"
    print(f"{words}, peak {peak / 1024:.0f} MB ({(peak - before) / 1024:.0f} MB more than before)")
    return find


def answered(find: Callable[[ItemRow], Result], pair: Pair) -> Answer:
    """Ask for one item and take the time."""
    started = time.perf_counter()
    result = find(pair[1])
    return Answer(pair[0], pair[1], pair[2], result, (time.perf_counter() - started) * 1000)


def table(answers: Sequence[Answer]) -> None:
    """Print how good each certainty is."""
    print(f"{'certainty':<11}{'items':>7}{'first':>8}{'in five':>9}{'fitting':>9}")
    for word in ("certain", "likely", "ambiguous", "none"):
        some = [one for one in answers if one.result.certainty == word]
        if some:
            first, five = (sum(0 < one.place <= most for one in some) / len(some) for most in (1, 5))
            fits = sorted(one.result.fitting for one in some)[len(some) // 2]
            print(f"{word:<11}{len(some):>7}{first:>8.1%}{five:>9.1%}{fits:>9}")
    told = Counter(what for one in answers for what in one.result.deciding[:1])
    print("deciding first:", ", ".join(f"{what} {count}" for what, count in told.most_common()) or "-")


def show(answers: Sequence[Answer], rows: dict[str, CodeRow], which: str) -> None:
    """Print the items that were answered worst, with the first suggestions and the right code."""
    for one in answers:
        wrong = one.place != 1
        if which == "all" or wrong or (which == "unsure" and one.result.certainty != "certain"):
            print(f"{one.result.certainty} place={one.place} fitting={one.result.fitting} {one.local} {one.item}")
            for candidate in one.result.candidates[:3]:
                against = [reason.what for reason in candidate.reasons if reason.agrees is False]
                print(f"    {candidate.score:.3f} {rows[candidate.code]} against={against}")
            if wrong:
                print(f"    right: {rows[one.right]}")


def summary(answers: Sequence[Answer]) -> str:
    """Return the last line."""
    total = max(len(answers), 1)
    first, five = (100 * sum(0 < one.place <= most for one in answers) / total for most in (1, 5))
    sure = [one for one in answers if one.result.certainty == "certain"]
    wrong = sum(one.place != 1 for one in sure)
    times = sorted(one.took for one in answers) or [0.0]
    slow = times[min(len(times) - 1, int(len(times) * 0.95))]
    return (
        f"mapping rows={len(answers)} top1={first:.2f} top5={five:.2f} certain={100 * len(sure) / total:.2f}"
        f" certain_wrong={wrong} p95_ms={slow:.2f}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
