"""Text as it is compared: width, case and spaces taken away, likeness of two texts."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

DATA = Path(__file__).parent / "data"
_SPACES = re.compile(r"\s+")
_SAME = str.maketrans({
    **dict.fromkeys("×✕✖╳∗﹡", "*"), **dict.fromkeys("μµ", "u"), **dict.fromkeys("【〔［", "["),
    **dict.fromkeys("】〕］", "]"), **dict.fromkeys("～—–‐", "-"), "、": ",", "。": ".", "｛": "(", "｝": ")",
    "㎎": "mg", "㎏": "kg", "㎖": "ml", "℃": "c", "ɡ": "g",
})  # fmt: skip


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a knowledge table of this corner's data folder."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@lru_cache(maxsize=65536)
def plain(text: str) -> str:
    """Return `text` in half width and lower case, without spaces, with one sign for each kind of sign."""
    folded = unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME)
    return _SPACES.sub("", folded).lower()


def bigrams(text: str) -> set[str]:
    """Return the pairs of neighbours in `text`, with its first character by itself so that short texts have some."""
    pairs = {text[at : at + 2] for at in range(len(text) - 1)}
    if text:
        pairs.add("^" + text[0])
    return pairs


def dice(one: set[str], other: set[str]) -> float:
    """Return how much two sets have in common, 0–1."""
    if not one or not other:
        return 0.0
    return 2 * len(one & other) / (len(one) + len(other))


def distance(one: str, other: str, most: int = 4) -> int:
    """Return how many characters must be added, dropped or changed; `most` + 1 when it is more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before = list(range(len(other) + 1))
    for row, mine in enumerate(one, 1):
        now = [row]
        for column, theirs in enumerate(other, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (mine != theirs)))
        if min(now) > most:
            return most + 1
        before = now
    return min(before[-1], most + 1)


def within(short: str, long: str, pieces: int = 3) -> bool:
    """Return whether `short` is made of at most `pieces` pieces of `long`, in order (石药欧意 in 石药集团欧意药业)."""
    if short in long:
        return True
    return pieces > 1 and any(
        (at := long.find(short[:cut])) >= 0 and within(short[cut:], long[at + cut :], pieces - 1)
        for cut in range(len(short) - 1, 1, -1)
        if len(short) - cut >= 2
    )
