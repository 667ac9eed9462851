"""What to do about a refusal: the platform's words looked up in data/advice.csv. Wording differs, so it is data."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.urls import NoReverseMatch, reverse

TABLE = Path(__file__).parent / "data" / "advice.csv"


@dataclass(frozen=True)
class Advice:
    """The cause behind the platform's words, our next step, and where it is taken ("" where that page is not there)."""

    cause: str
    step: str
    url_name: str
    link: str

    @property
    def url(self) -> str:
        """The address of the page where the step is taken."""
        try:
            return reverse(self.url_name) if self.url_name else ""
        except NoReverseMatch:
            return ""

    def __str__(self) -> str:
        return f"{self.cause}：{self.step}"


UNKNOWN = Advice("没有见过的说法", "按平台的话核对这一项；看不明白请把原话发给经办机构或信息科", "", "")


def advice_for(words: str) -> Advice | None:
    """Return the advice for what the platform said, a general one for words not in the table, None for no words."""
    if not words.strip():
        return None
    return next((advice for pattern, advice in _table() if pattern.search(words)), UNKNOWN)


@cache
def _table() -> tuple[tuple[re.Pattern[str], Advice], ...]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(
            (re.compile(row["pattern"]), Advice(row["cause"], row["step"], row["url_name"], row["link"]))
            for row in csv.DictReader(file)
        )
