"""Days and times as catalogue files write them (protocol.md, section 7.6)."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

CHINA = dt.timezone(dt.timedelta(hours=8))
# Java's default text names the zone: CST is China's here, CDT China's summer time of 1986–1991.
ZONES = {
    "CST": 8, "CDT": 9, "HKT": 8, "GMT": 0, "UTC": 0, "UT": 0, "Z": 0,
}  # fmt: skip
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
JAVA = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) ([A-Z]{1,4}(?:[+-]\d{1,2}:?\d{2})?) (\d{4})"
)
USUAL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
PLAIN = re.compile(
    r"(\d{4})(?:([-/.年])(\d{1,2})(?:\2|月)(\d{1,2})日?|(\d{2})(\d{2}))"
    r"(?:[T ]*(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,]\d+)?)?)?"
    r" *(Z|[+-]\d{2}:?\d{2})?"
)
OFFSET = re.compile(r"([A-Z]*)([+-])(\d{1,2}):?(\d{2})")


@lru_cache(maxsize=100_000)
def read_moment(text: str) -> dt.datetime | None:
    """Return the moment that a text names, in China's time where it names none; None when it cannot be read.

    Takes yyyy-MM-dd with or without HH:mm:ss, with / or . or 年月日, without signs, ISO with an offset, milliseconds
    since 1970, and Java's default text (`Mon Jan 08 00:00:00 CST 2024`, CST = UTC+8).
    """
    words = text.strip()
    try:
        if USUAL.fullmatch(words):
            return dt.datetime.fromisoformat(words).replace(tzinfo=CHINA)
        if words.isdecimal() and len(words) == 13:
            return dt.datetime.fromtimestamp(int(words) / 1000, CHINA)
        if found := PLAIN.fullmatch(words):
            return _plain(found)
        if found := JAVA.fullmatch(words):
            return _java(found)
    except (ValueError, OverflowError):
        return None
    return None


def read_day(text: str) -> dt.date | None:
    """Return the day in China that a text names, None when it cannot be read."""
    moment = read_moment(text)
    if moment is None:
        return None
    # China's summer time: the day as printed, not an hour earlier.
    summer = moment.utcoffset() == dt.timedelta(hours=9)
    return moment.date() if summer or moment.tzinfo is CHINA else moment.astimezone(CHINA).date()


def _plain(found: re.Match[str]) -> dt.datetime:
    year, _, month, day, bare_month, bare_day, hour, minute, second, zone = found.groups()
    parts = (int(year), int(month or bare_month), int(day or bare_day), int(hour or 0), int(minute or 0))
    return dt.datetime(*parts, int(second or 0), tzinfo=_zone(zone) if zone else CHINA)


def _java(found: re.Match[str]) -> dt.datetime:
    month, day, hour, minute, second, zone, year = found.groups()
    number = MONTHS.index(month.lower()) + 1
    return dt.datetime(int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=_zone(zone))


def _zone(name: str) -> dt.tzinfo:
    if found := OFFSET.fullmatch(name):
        sign = -1 if found[2] == "-" else 1
        return dt.timezone(sign * dt.timedelta(hours=int(found[3]), minutes=int(found[4])))
    if name not in ZONES:
        raise ValueError(name)
    return CHINA if name == "CST" else dt.timezone(dt.timedelta(hours=ZONES[name]))
