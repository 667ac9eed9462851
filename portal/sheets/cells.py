"""What a cell's value is as text."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from portal.sheets.book import LONG

# A spreadsheet keeps 15 significant digits; a longer whole number has already lost its tail.
EXACT = 10**15


def text_of(value: object) -> tuple[str, str]:
    """Return the text of a cell as calamine gives it, and its fault (empty when the text is what the author saw)."""
    if isinstance(value, str):
        return value, ""
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), ""
    if isinstance(value, int | float):
        return number_text(float(value))
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds"), ""
    if isinstance(value, date | time):
        return value.isoformat(), ""
    if isinstance(value, timedelta):
        return str(value), ""
    return "", ""


def number_text(value: float) -> tuple[str, str]:
    """Return 12 for 12.0, 0.3 for 0.30000000000000004; a number that is no longer exact is marked LONG."""
    if value != value or value in (float("inf"), float("-inf")):
        return "", ""
    if value.is_integer():
        return f"{value:.0f}", (LONG if abs(value) >= EXACT else "")
    return format(Decimal(f"{value:.15g}"), "f"), ""
