"""What the matching engine is given and what it answers: plain values, no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One national code with what its catalogue says of it; empty text where it says nothing.

    `pack` is the number of smallest units in the smallest pack as the catalogue writes it, `unit` the pack's unit.
    """

    code: str
    name: str
    form: str = ""
    spec: str = ""
    pack: str = ""
    unit: str = ""
    maker: str = ""
    aprvno: str = ""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item of a hospital, as its own system names it: `code` its own code, `price` in yuan as text."""

    name: str
    form: str = ""
    spec: str = ""
    pack: str = ""
    unit: str = ""
    maker: str = ""
    aprvno: str = ""
    price: str = ""
    code: str = ""


class Verdict(IntEnum):
    """How one fact of an item stands to the same fact of a code, the better the greater."""

    DIFFERS = -2
    ALIKE = -1
    UNKNOWN = 0
    NEAR = 1
    AGREES = 2
    EXACT = 3

    @property
    def agrees(self) -> bool | None:
        """Whether a person would say that it agrees; None when nobody can say."""
        if self in (Verdict.UNKNOWN, Verdict.ALIKE):
            return None
        return self > 0


@dataclass(frozen=True, slots=True)
class Reason:
    """One fact that was compared, as both sides have it; `agrees` None: one side does not say."""

    what: str
    ours: str
    theirs: str
    agrees: bool | None

    def as_json(self) -> dict[str, str | bool | None]:
        """Return it as a suggestion keeps it."""
        return {"what": self.what, "ours": self.ours, "theirs": self.theirs, "agrees": self.agrees}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One code that may be meant, with a score of 0–1 and what was compared."""

    code: str
    score: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What is suggested for one item: best first.

    `certainty`: "certain", "likely", "ambiguous" or "none". `fitting` is how many codes fit by all that the item
    says; `deciding` names the facts that would tell them apart.
    """

    certainty: str
    candidates: tuple[Candidate, ...] = ()
    deciding: tuple[str, ...] = field(default=())
    fitting: int = 0
