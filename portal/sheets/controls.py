"""Lines of 小计 and 合计 are no data, but say what the data should come to: compared, and told where they differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from portal.sheets.columns import Column, Row
from portal.sheets.converting import narrow
from portal.sheets.sieve import word_of

MAX_CONTROLS = 500
WHOLE_WORDS = ("合计", "总计", "共计", "累计")


@dataclass(frozen=True)
class Control:
    """One figure of a line of totals, and what the rows above it come to; `wrong` rows could not be counted in."""

    line: int
    word: str
    label: str
    stated: str
    found: str
    fits: bool
    wrong: int = 0


class Controls:
    """Sums the numeric columns (place → column) as rows pass, and compares lines of totals with them.

    A total may cover the rows since the last line of totals, since the last line of the same word, or all so far:
    hospital systems differ, so a figure fits when it is any of these.
    """

    def __init__(self, columns: Mapping[int, Column]) -> None:
        self.columns = {place: one for place, one in columns.items() if one.kind in ("number", "whole")}
        self.sums = {one.name: Decimal(0) for one in self.columns.values()}
        self.wrong = dict.fromkeys(self.sums, 0)
        self.last: dict[str, dict[str, Decimal]] = {}
        self.found: list[Control] = []

    def add(self, rows: Sequence[Row]) -> None:
        """Count data rows in."""
        for name in self.sums:
            values: list[Any] = [row.values.get(name, "") for row in rows]
            self.wrong[name] += values.count("")
            self.sums[name] += sum(filter(None, values), Decimal(0))

    def compare(self, line: int, texts: Sequence[str]) -> None:
        """Compare a line of totals with what was counted."""
        word = word_of(texts)
        for place, column in self.columns.items():
            stated = _figure(texts[place]) if place < len(texts) else None
            if stated is not None and len(self.found) < MAX_CONTROLS:
                self._compare(line, word, column, stated)
        self.last[word] = self.last[""] = dict(self.sums)

    def _compare(self, line: int, word: str, column: Column, stated: Decimal) -> None:
        name, whole = column.name, self.sums[column.name]
        zero = Decimal(0)
        since_any = whole - self.last.get("", {}).get(name, zero)
        since_word = whole - self.last.get(word, {}).get(name, zero)
        likely = whole if word in WHOLE_WORDS else since_any
        fits = stated in (since_any, since_word, whole)
        found = stated if fits else likely
        self.found.append(Control(line, word, column.label, f"{stated:f}", f"{found:f}", fits, self.wrong[name]))


def _figure(text: str) -> Decimal | None:
    plain = re.sub(r"^[¥￥]|元$", "", narrow(text)).replace(",", "").replace(" ", "")
    try:
        figure = Decimal(plain) if plain else None
    except InvalidOperation:
        return None
    return figure if figure is not None and figure.is_finite() and abs(figure.adjusted()) <= 18 else None
