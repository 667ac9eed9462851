"""What a cell's value is as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from portal.sheets.book import DATED, LONG

# A spreadsheet keeps 15 significant digits; a longer whole number has already lost its tail.
EXACT = 10**15
DATES = {date, datetime}


def text_of(value: object) -> tuple[str, str]:
    """Return the text of a cell as calamine gives it, and its fault (empty when the text is what the author saw)."""
    if isinstance(value, str):
        return value, ""
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), ""
    if isinstance(value, int | float):
        return number_text(float(value))
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds"), DATED
    if isinstance(value, date):
        return value.isoformat(), DATED
    if isinstance(value, time):
        return value.isoformat(), ""
    return (str(value) if isinstance(value, timedelta) else ""), ""


def number_text(value: float) -> tuple[str, str]:
    """Return 12 for 12.0, 0.3 for 0.30000000000000004; a number that is no longer exact is marked LONG."""
    if value != value or value in (float("inf"), float("-inf")):
        return "", ""
    if value.is_integer():
        return f"{value:.0f}", (LONG if abs(value) >= EXACT else "")
    text = f"{value:.15g}"
    return (format(Decimal(text), "f") if "e" in text else text), ""


def column_texts(values: Sequence[object], strict: bool) -> tuple[list[str], dict[int, str]]:
    """Return the texts of one column's cells and, by index, their faults; dates are faults only where `strict`."""
    kinds = set(map(type, values)) - {str}
    if not kinds:
        return list(values), {}  # type: ignore[arg-type]  # every value was just seen to be a text
    if kinds == {float}:
        texts = [value if type(value) is str else f"{value:.15g}" for value in values]
        together = "".join(texts)
        if "e" not in together and "n" not in together:  # no 1e+15, no nan, no inf
            return texts, {}
    elif kinds <= DATES and not strict:
        return [value if type(value) is str else text_of(value)[0] for value in values], {}
    return _one_by_one(values, strict)


def _one_by_one(values: Sequence[object], strict: bool) -> tuple[list[str], dict[int, str]]:
    pairs = [text_of(value) for value in values]
    faults = {index: fault for index, (_, fault) in enumerate(pairs) if fault and (strict or fault != DATED)}
    return [text for text, _ in pairs], faults
