"""From a Python value to what travels, by the rule of its field. Checking and writing share it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from insurance.specification.clock import date_text, moment_text
from insurance.specification.model import Field

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})")
# Longer numbers cannot be meant, and turning them to text costs time without end.
_MOST_DIGITS = 200


class Unfit(Exception):
    """The value does not fit its field; the text is the reason in Chinese, without the value itself."""


def is_empty(value: object) -> bool:
    """Whether a value counts as not given: missing, None or "". Zero and false are values (protocol.md 5)."""
    return value is None or (isinstance(value, str) and value == "")


def empty_of(field: Field) -> int | str:
    """Return what travels for an empty value: 0 for a number, "" else (protocol.md 5)."""
    return 0 if field.type == "number" else ""


def to_wire(field: Field, value: Any, bare_dates: bool) -> Any:
    """Return what travels for a value. Raises Unfit.

    `bare_dates`: a date without time stays bare in a datetime field (queries); else it becomes 00:00:00.
    """
    if is_empty(value):
        return empty_of(field)
    if field.type == "datetime":
        return _moment(value, bare_dates)
    return _WRITERS[field.type](field, value)


def _text(field: Field, value: Any) -> str:
    text = plain_text(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Unfit("含有无法传输的字符") from None
    if "\x00" in text:
        raise Unfit("含有无法传输的字符")
    if field.max_length is not None and len(text) > field.max_length:
        raise Unfit(f"长 {len(text)} 个字符，最多 {field.max_length} 个")
    return text


def plain_text(value: Any) -> str:
    """Return the text of a single value: numbers in plain digits, dates as the platform writes them. Raises Unfit."""
    if isinstance(value, str):
        return str.__str__(value)  # a choice of Django is a str with another __str__
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date):
        return date_text(value)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return f"{_decimal(value):f}"
    raise Unfit(f"应是文本，不是{kind_of(value)}")


def _number(field: Field, value: Any) -> int | float | str:
    number = _decimal(value)
    if field.digits is not None:
        _fit_digits(number, *field.digits)
    return number_to_wire(number)


def _decimal(value: Any) -> Decimal:
    """Return the exact number. Raises Unfit on anything that is none, on NaN and infinity."""
    if isinstance(value, str):
        if len(value) > _MOST_DIGITS or not _NUMBER.fullmatch(value):
            raise Unfit("应是数字")
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise Unfit(f"应是数字，不是{kind_of(value)}")
    if isinstance(value, float):
        return _bounded(Decimal(repr(float(value))) if math.isfinite(value) else None)
    if isinstance(value, int):
        return _bounded(Decimal(value) if value.bit_length() < 4 * _MOST_DIGITS else None)
    return _bounded(value if value.is_finite() else None)


def _bounded(number: Decimal | None) -> Decimal:
    if number is None or abs(number.adjusted()) > _MOST_DIGITS or len(number.as_tuple().digits) > _MOST_DIGITS:
        raise Unfit("不是可以传输的数字")
    return number


def plain_digits(number: Decimal) -> tuple[int, int]:
    """Return (digits before the point, digits after it) without padding zeros."""
    _, digits, exponent = number.as_tuple()
    exponent = int(exponent)
    text = "".join(map(str, digits))
    while exponent < 0 and text.endswith("0"):
        text, exponent = text[:-1], exponent + 1
    whole = len(text.lstrip("0")) + exponent
    return max(whole, 0) if text.strip("0") else 0, max(-exponent, 0) if text.strip("0") else 0


def _fit_digits(number: Decimal, digits: int, decimals: int | None) -> None:
    whole, after = plain_digits(number)
    if decimals is not None and after > decimals:
        raise Unfit(f"有 {after} 位小数，最多 {decimals} 位")
    room = digits - (decimals if decimals is not None else after)
    if whole > room:
        raise Unfit(f"整数部分 {whole} 位，最多 {max(room, 0)} 位")


def number_to_wire(number: Decimal) -> int | float | str:
    """Return an int when whole, a float when that is exactly the same number in plain digits, else text."""
    if number == number.to_integral_value():
        return int(number)
    short = repr(float(number))
    return float(short) if "e" not in short and Decimal(short) == number else f"{number:f}"


def _day(field: Field, value: Any) -> str:
    if isinstance(value, date):
        return date_text(value)
    if isinstance(value, str):
        return _day_text(value)
    raise Unfit(f"应是日期，不是{kind_of(value)}")


def _day_text(value: str) -> str:
    found = _DATE.fullmatch(value)
    try:
        return date_text(date(*map(int, found.groups()))) if found else _no_day()
    except ValueError:
        raise Unfit("没有这一天") from None


def _no_day() -> str:
    raise Unfit("应写成 yyyy-MM-dd")


def _moment(value: Any, bare_dates: bool) -> str:
    if isinstance(value, datetime):
        return moment_text(value)
    if not isinstance(value, (str, date)):
        raise Unfit(f"应是日期时间，不是{kind_of(value)}")
    if isinstance(value, str) and (found := _MOMENT.fullmatch(value)):
        try:
            time(int(found[2]), int(found[3]), int(found[4]))
        except ValueError:
            raise Unfit("没有这个时刻") from None
        return f"{_day_text(found[1])} {value[11:]}"
    if isinstance(value, str) and not _DATE.fullmatch(value):
        raise Unfit("应写成 yyyy-MM-dd HH:mm:ss")
    day = _day_text(value) if isinstance(value, str) else date_text(value)
    return day if bare_dates else f"{day} 00:00:00"


def _bytes(field: Field, value: Any) -> Any:
    """Return bytes as they are: the exchange knows the gateway's way of writing them."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return value
    if isinstance(value, str):
        return _text(field, value)
    numbers = isinstance(value, (list, tuple)) and all(type(byte) is int and -128 <= byte <= 255 for byte in value)
    if not numbers:
        raise Unfit("应是文件内容")
    return list(value)


def _json(field: Field, value: Any) -> Any:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")
    except (TypeError, ValueError, RecursionError, OverflowError):
        raise Unfit("不是可以传输的 JSON") from None
    if field.max_length is not None and len(text) > field.max_length:
        raise Unfit(f"长 {len(text)} 个字符，最多 {field.max_length} 个")
    return value


_WRITERS: dict[str, Callable[[Field, Any], Any]] = {
    "string": _text,
    "number": _number,
    "date": _day,
    "binary": _bytes,
    "json": _json,
}


def kind_of(value: object) -> str:
    """Return a Chinese word for the kind of a value."""
    if isinstance(value, bool):
        return "真假值"
    if isinstance(value, Mapping):
        return "对象"
    if isinstance(value, (list, tuple)):
        return "数组"
    if isinstance(value, (int, float, Decimal)):
        return "数字"
    return "文本" if isinstance(value, str) else "其他类型的值"
