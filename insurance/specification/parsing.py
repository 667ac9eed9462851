"""From what the platform sends to a typed value. What cannot be read is kept as text, with a reason."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from insurance.specification.clock import SHANGHAI, local
from insurance.specification.model import Field

# Digits beyond this are damage, not a number; exponents as large would exhaust memory later.
_MOST_DIGITS = 200
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_PARTED = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[T\s]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,:](\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_SOLID = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(?:(\d{2})(\d{3})?)?)?", re.ASCII)
_MILLISECONDS = re.compile(r"\d{13}", re.ASCII)
_JAVA = re.compile(r"[a-z]{3} ([a-z]{3}) (\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\S+) (\d{4})", re.ASCII | re.IGNORECASE)
_OFFSET = re.compile(r"(?:GMT|UTC)?([+-])(\d{2}):?(\d{2})", re.ASCII)


class Read(NamedTuple):
    """A typed value, and why it is doubtful ("" when it is not)."""

    value: Any
    doubt: str = ""


def is_nothing(value: object) -> bool:
    """Whether an answer's value means that there is none: null, "", blanks, or the text null (protocol.md 5)."""
    return value is None or (isinstance(value, str) and value.strip() in ("", "null", "NULL"))


def read_value(field: Field, value: Any) -> Read:
    """Return the typed value of a field. Never raises."""
    if is_nothing(value):
        return Read(None)
    if field.type == "json":
        return Read(_from_json(value))
    if isinstance(value, (list, tuple, dict)):
        return Read(value, "应是单个值，平台给了对象或数组") if field.type != "binary" else Read(value)
    if field.type == "number":
        return _read_number(value)
    if field.type in ("date", "datetime"):
        return _read_moment(value, field.type == "date")
    return Read(value) if field.type == "binary" else Read(text_of(value))


def text_of(value: Any) -> str:
    """Return a plain text of any single value. Never raises."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() < 4 * _MOST_DIGITS:
        return str(int(value))
    if isinstance(value, (float, Decimal)):
        number = _decimal(value)
        return f"{number:f}" if number is not None else str(value)
    return f"<{type(value).__name__}>"


def _from_json(value: Any) -> Any:
    """Return the content of a field that holds JSON, also when it came as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_float=Decimal)
    except (ValueError, RecursionError):
        return value


def _read_number(value: Any) -> Read:
    number = None if isinstance(value, bool) else _decimal(value)
    return Read(text_of(value), "不是数字") if number is None else Read(number)


def _decimal(value: Any) -> Decimal | None:
    """Return the exact number of a number or a text with separators, None when it is none."""
    number: Decimal | None = None
    if isinstance(value, str) and len(value) <= _MOST_DIGITS:
        text = re.sub(r"[,\s，]", "", value)
        number = Decimal(text) if _NUMBER.fullmatch(text) else None
    elif isinstance(value, float) and math.isfinite(value):
        number = Decimal(repr(float(value)))
    elif isinstance(value, Decimal) and value.is_finite():
        number = value
    elif isinstance(value, int) and value.bit_length() < 4 * _MOST_DIGITS:
        number = Decimal(value)
    too_long = number is not None and (abs(number.adjusted()) > _MOST_DIGITS or len(number.as_tuple().digits) > 1000)
    return None if too_long else number


def _read_moment(value: Any, day_only: bool) -> Read:
    if isinstance(value, datetime):
        return Read(local(value).date() if day_only else local(value))
    if isinstance(value, date):
        return Read(value if day_only else datetime(value.year, value.month, value.day, tzinfo=SHANGHAI))
    text = text_of(value).strip()
    try:
        moment = parse_moment(text)
    except (ValueError, OverflowError, InvalidOperation):
        moment = None
    if moment is None:
        return Read(text, "不是日期" if day_only else "不是日期时间")
    return Read(moment.date() if day_only else moment)


def parse_moment(text: str) -> datetime | None:
    """Return the moment of a text in any form seen (protocol.md 5, 7), Shanghai time; None when it has no such form.

    2024-01-31, 2024/1/31, 20240131, each with a time; yyyyMMddHHmmss(SSS); `Wed Jan 31 08:00:00 CST 2024` (CST is
    UTC+8); 13 digits of milliseconds. Raises ValueError or OverflowError for a form without such a day or time.
    """
    if found := _PARTED.fullmatch(text):
        *parts, zone = found.groups()
        return _zoned(_moment(parts), zone)
    if found := _JAVA.fullmatch(text):
        month, day, hour, minute, second, zone, year = found.groups()
        number = _MONTHS.index(month.lower()) + 1
        return _zoned(_moment([year, str(number), day, hour, minute, second, None]), zone)
    if _MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, SHANGHAI)
    found = _SOLID.fullmatch(text)
    return _moment(list(found.groups())) if found else None


def _moment(parts: list[str | None]) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in parts[:6])
    fraction = int((parts[6] or "0").ljust(6, "0")[:6])
    if (hour, minute, second) == (24, 0, 0):  # the end of a day, as some databases write it
        return datetime(year, month, day, tzinfo=SHANGHAI) + timedelta(days=1)
    return datetime(year, month, day, hour, minute, second, fraction, tzinfo=SHANGHAI)


def _zoned(moment: datetime, zone: str | None) -> datetime:
    """Return a wall time of the named zone as Shanghai time. CST is UTC+8 here, never Chicago."""
    if not zone or zone.upper() in ("CST", "CDT", "+08:00", "+0800"):
        return moment
    if zone.upper() in ("Z", "UTC", "GMT"):
        return moment.replace(tzinfo=UTC).astimezone(SHANGHAI)
    found = _OFFSET.fullmatch(zone.upper())
    if not found:
        raise ValueError(zone)
    minutes = int(found[2]) * 60 + int(found[3])
    offset = timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes))
    return moment.replace(tzinfo=offset).astimezone(SHANGHAI)
