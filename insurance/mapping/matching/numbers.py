"""Approval numbers of drugs and registration numbers of devices, as they are compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from insurance.mapping.matching.facts import Verdict
from insurance.mapping.matching.text import plain

_NUMBER = re.compile(r"([a-z]{0,3})(\d{8,})")


@dataclass(frozen=True, slots=True)
class Approval:
    """The numbers in one cell: each its letters and digits; an imported drug may have two."""

    numbers: tuple[tuple[str, str], ...] = ()


@lru_cache(maxsize=131072)
def parse(text: str) -> Approval:
    """Read 国药准字H20010709, H20010709, 国药准字号HJ20140019, 国械注准20153140001; words alone say nothing."""
    if not text:
        return Approval()
    found = _NUMBER.findall(plain(text).replace("-", ""))
    return Approval(tuple((letters, digits) for letters, digits in found))


def compare(ours: Approval, theirs: Approval) -> Verdict:
    """Compare two cells: EXACT when one number stands in both, a J of imports left aside (H20140019, HJ20140019)."""
    if not ours.numbers or not theirs.numbers:
        return Verdict.UNKNOWN
    for letters, digits in ours.numbers:
        for others, same in theirs.numbers:
            if digits == same and _fits(letters, others):
                return Verdict.EXACT
    return Verdict.DIFFERS


def _fits(one: str, other: str) -> bool:
    return not one or not other or one == other or one.replace("j", "") == other.replace("j", "") or "j" in (one, other)
