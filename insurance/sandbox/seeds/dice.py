"""Dice without a state: the same seed, number and throw always fall the same, and fast (a catalogue has 10^5 rows)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from zlib import crc32

T = TypeVar("T")
MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Dice:
    """The dice of one catalogue: `base` is made of the sandbox's seed and the catalogue's number."""

    base: int

    @classmethod
    def of(cls, seed: int, name: str) -> Dice:
        """Return the dice of a seed and a name."""
        return cls(crc32(f"{seed}-{name}".encode()))

    def throw(self, number: int, turn: int, sides: int) -> int:
        """Return 0 … sides-1 for one turn about one number (splitmix64)."""
        mixed = (self.base + (number + 1) * 0x9E3779B97F4A7C15 + turn * 0xD1B54A32D192ED03) & MASK
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return (mixed ^ (mixed >> 31)) % sides

    def pick(self, number: int, turn: int, of: Sequence[T]) -> T:
        """Return one of several."""
        return of[self.throw(number, turn, len(of))]
