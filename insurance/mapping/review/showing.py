"""How an item and a code are laid beside each other: each field agrees, differs, or cannot be told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils import timezone

from insurance.catalogue import queries as catalogue
from insurance.catalogue.models import Item
from insurance.catalogue.paying import yuan
from insurance.mapping.matching.services import compare_facts
from insurance.mapping.models import HospitalItem, Mapping
from insurance.mapping.models.relations import OPEN_END
from insurance.mapping.pricing import price_level

AGREES, DIFFERS, UNKNOWN = "agrees", "differs", "unknown"
MARKS = {AGREES: ("✓", "相符"), DIFFERS: ("✗", "不同"), UNKNOWN: ("?", "无法判断")}


@dataclass(frozen=True)
class Mark:
    """One field of both sides; `how` is agrees, differs or unknown."""

    what: str
    ours: str
    theirs: str
    how: str

    @property
    def sign(self) -> str:
        """✓, ✗ or ?: the difference is not told by colour alone."""
        return MARKS[self.how][0]

    @property
    def word(self) -> str:
        """相符, 不同 or 无法判断."""
        return MARKS[self.how][1]


@dataclass(frozen=True)
class Money:
    """What the insured area pays for a code, in words; `over` says that our price is above the ceiling."""

    level: str = ""
    ceiling: str = ""
    over: bool = False
    refused: str = ""
    limited: str = ""


@dataclass(frozen=True)
class Candidate:
    """One code that can be taken, as a card: its key, what it is, how it compares, what is paid."""

    number: int
    code: str
    row: Item | None
    marks: list[Mark]
    score: Decimal | None = None
    certain: bool = False
    money: Money = field(default_factory=Money)
    void: str = ""

    @property
    def name(self) -> str:
        """The code's name."""
        return self.row.name if self.row is not None else "（目录中没有这个编码）"

    @property
    def percent(self) -> str:
        """The score as 97 %."""
        return "" if self.score is None else f"{self.score * 100:.0f} %"

    @property
    def differing(self) -> int:
        """How many fields differ."""
        return sum(mark.how == DIFFERS for mark in self.marks)


def marks_of(reasons: Iterable[Any]) -> list[Mark]:
    """Return reasons as they were kept with a suggestion or a relation, for the screen."""
    return [
        Mark(str(one.get("what", "")), str(one.get("ours") or ""), str(one.get("theirs") or ""), how_of(one))
        for one in reasons
        if isinstance(one, dict)
    ]


def how_of(reason: Values[str, Any]) -> str:
    """Return agrees, differs or unknown."""
    agrees = reason.get("agrees")
    return UNKNOWN if agrees is None else AGREES if agrees else DIFFERS


def compared(item: HospitalItem, row: Item) -> list[dict[str, Any]]:
    """Return what speaks for and against a code that was found by searching, as a suggestion's reasons are kept."""
    return [dict(one) for one in compare_facts(item, row)]


def candidates_of(item: HospitalItem, codes: Sequence[Values[str, Any]], certain: bool) -> list[Candidate]:
    """Return cards for {"code", "score", "reasons"}, best first; a few queries for all of them."""
    names = [str(one["code"]) for one in codes]
    rows = catalogue.code_rows(item.list_type, names)
    terms = terms_of(item, names)
    return [
        Candidate(
            number=number,
            code=str(one["code"]),
            row=rows.get(str(one["code"])),
            marks=marks_of(one.get("reasons", [])),
            score=None if one.get("score") is None else Decimal(str(one["score"])),
            certain=certain and number == 1,
            money=money_of(item, terms.get(str(one["code"]))),
            void=void_of(rows.get(str(one["code"]))),
        )
        for number, one in enumerate(codes, 1)
    ]


def terms_of(item: HospitalItem, codes: Sequence[str]) -> Values[str, Any]:
    """Return what the hospital's area pays of codes today."""
    institution = item.institution
    return catalogue.terms_for(
        item.list_type, list(codes), timezone.localdate(), institution.admdvs, price_level(institution)
    )


def money_of(item: HospitalItem, terms: Any) -> Money:
    """Return class, ceiling and payability of one code in words."""
    if terms is None:
        return Money()
    ceiling: Decimal | None = terms.ceiling
    return Money(
        level=str(terms.chrgitm_lv_word or ""),
        ceiling="" if ceiling is None else yuan(ceiling),
        over=ceiling is not None and item.pric is not None and item.pric > ceiling,
        refused="" if terms.payable else str(terms.why_not),
        limited="限制使用" if terms.restricted else "",
    )


def void_of(row: Item | None) -> str:
    """Return why a code carries nothing today, "" when it does."""
    if row is None:
        return "目录中没有这个编码"
    begin, end, valid = catalogue.validity(row)
    today = timezone.localdate()
    if not valid:
        return "编码已停用"
    if end is not None and end < today:
        return f"编码 {end} 已失效"
    return f"编码 {begin} 起才生效" if begin is not None and begin > today else ""


def period_of(mapping: Mapping) -> str:
    """Return from when until when a relation holds, in words."""
    return f"{mapping.begndate} 至 {until(mapping.enddate)}"


def until(day: dt.date | None) -> str:
    """Return an end in words: 长期 for the far date."""
    return "" if day is None else "长期" if day == OPEN_END else str(day)
