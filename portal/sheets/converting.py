"""Text of a cell → value of a column, with every reason why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from portal.sheets.book import DATED, EXCEL_ERROR, FORMULA, LONG
from portal.sheets.columns import Column, Dictionary, Value

HOSPITAL_TIME = ZoneInfo("Asia/Shanghai")
EXPONENT = re.compile(r"^[+-]?\d(\.\d+)?E\+\d{1,3}$", re.IGNORECASE)
EXPORT_AGAIN = "请在导出时把该列设为文本格式（或用模板的文本列粘贴数值），再重新导出"
FIRST_SERIAL, LAST_SERIAL = 18264, 73415  # 1950-01-01 and 2100-12-31 as Excel counts days
FIRST_YEAR = 1900
EPOCH = date(1899, 12, 30)

SPACES = {ord(sign): " " for sign in "\u00a0\u2002\u2003\u2009\u3000\t\n\r\v\f\u2028\u2029"}
NOTHING = dict.fromkeys([*range(32), *range(127, 160), 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
NARROW = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
NARROW_ALL = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
CLEAN = {**NOTHING, **SPACES}

DATE = re.compile(r"^(\d{4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*日?$")
TIME = re.compile(r"^(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2}))?(?:\.\d+)?秒?分?$")
PHONE = re.compile(r"^\+?\d{5,20}$")
DOCUMENT = re.compile(r"^[0-9A-Z()]{4,30}$")


class Unfit(Exception):
    """The text cannot be a value of the column; the message is the reason in Chinese, without a final stop."""


class Unmapped(Unfit):
    """The text is in no dictionary, but 值对照 may know it: the row waits for a person to map the value."""


def tidy(text: str) -> str:
    """Return the text without what nobody sees: edges, controls, odd spaces; full-width digits and letters narrow."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return text.translate(CLEAN).strip().translate(NARROW)


def narrow(text: str) -> str:
    """Return the text in half-width altogether, for numbers, dates and codes."""
    clean = tidy(text)
    return clean if clean.isascii() else clean.translate(NARROW_ALL).strip()


def convert(column: Column, text: str, fault: str = "", lexicon: Lexicon | None = None) -> tuple[Value, str]:
    """Return the value of a cell (None when empty) and a warning (empty: none). Raises Unfit."""
    _refuse_fault(column, text, fault)
    clean = tidy(text)
    if not clean:
        if column.required:
            raise Unfit("必填，不能为空")
        return None, ""
    if lexicon:
        return _coded(column, clean, lexicon)
    value = CONVERTERS[column.kind](column, clean)
    return value, (column.check(value) if column.check else "")


def _refuse_fault(column: Column, text: str, fault: str) -> None:
    if fault == EXCEL_ERROR:
        raise Unfit("单元格是错误值（如 #N/A、#REF!），公式没有算出结果")
    if fault == FORMULA:
        raise Unfit("单元格是公式，保存的结果可能已过时。请复制该列后“选择性粘贴为数值”")
    if not column.textual:
        if fault == LONG:
            raise Unfit(f"数字超过 15 位（{float(text):.5E}），末尾几位已丢失。{EXPORT_AGAIN}")
        return
    if fault == DATED and column.kind != "text":
        raise Unfit(f"编码被当作日期（{text[:10]}），原来的内容已丢失。{EXPORT_AGAIN}")
    if fault == LONG or EXPONENT.match(text.strip()):
        shown = text if EXPONENT.match(text.strip()) else f"{float(text):.5E}"
        raise Unfit(f"长编码已被当作数字（{shown}），末尾几位已丢失。{EXPORT_AGAIN}")


class Lexicon:
    """A dictionary code → label, to be asked by code, by label, by both as drop-downs show them, or by other words."""

    def __init__(self, dictionary: Dictionary, words: Dictionary | None = None) -> None:
        self.dictionary = dictionary
        self.spellings: dict[str, set[str]] = {narrow(word).casefold(): {code} for word, code in (words or {}).items()}
        for code, label in dictionary.items():
            for spelling in (label, f"{code} {label}", f"{code}-{label}", f"{code}{label}"):
                self.spellings.setdefault(narrow(spelling).casefold(), set()).add(code)
        # A code itself comes before a label that looks like it.
        self.spellings.update({narrow(code).casefold(): {code} for code in dictionary})

    def find(self, text: str) -> list[str]:
        """Return the codes that `text` may mean, none, one or several."""
        return [text] if text in self.dictionary else sorted(self.spellings.get(narrow(text).casefold(), ()))


def _coded(column: Column, text: str, lexicon: Lexicon) -> tuple[Value, str]:
    codes = lexicon.find(text)
    if len(codes) == 1:
        return codes[0], ""
    if len(codes) > 1:
        raise Unfit(f"「{text[:30]}」对应几个代码：{'、'.join(codes[:5])}，请直接填代码")
    if column.dictionary_code:
        raise Unmapped(f"「{text[:30]}」没有值对照")
    reason = f"「{text[:30]}」不在字典中，可填：{_examples(lexicon.dictionary)}"
    if column.unknown == "error":
        raise Unfit(reason)
    _check_length(column, text)
    return text, reason


def _examples(dictionary: Dictionary) -> str:
    shown = "、".join(f"{code} {label}".strip() for code, label in list(dictionary.items())[:6])
    return shown if len(dictionary) <= 6 else f"{shown} 等 {len(dictionary)} 项"


def _check_length(column: Column, text: str) -> None:
    if column.max_length and len(text) > column.max_length:
        raise Unfit(f"应为 {column.max_length} 字以内，实际 {len(text)} 字")


def to_text(column: Column, text: str) -> Value:
    """Return the text; a leading apostrophe before digits is Excel's sign for text, not part of the code."""
    if re.match(r"^'[0-9A-Za-z]+$", text):
        text = text[1:]
    _check_length(column, text)
    return text


def to_code(column: Column, text: str) -> Value:
    """Return a code: half-width, without spaces inside."""
    return to_text(column, narrow(text).replace(" ", ""))


def to_number(column: Column, text: str) -> Value:
    """Return a Decimal; thousands separators and a leading ￥ are left away."""
    plain = re.sub(r"^[¥￥]|元$", "", narrow(text)).replace(",", "").replace(" ", "")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 18:
        raise Unfit(f"应为数字，实际为「{text[:30]}」")
    _check_range(column, number)
    if number != number.quantize(Decimal(1).scaleb(-column.places)):
        raise Unfit(f"最多 {column.places} 位小数，实际为 {plain[:30]}")
    return number


def to_whole(column: Column, text: str) -> Value:
    """Return an int; 12.0 is 12, 12.5 is refused."""
    plain = narrow(text).replace(",", "").replace(" ", "")
    if not re.match(r"^[+-]?\d{1,18}(\.0+)?$", plain):
        raise Unfit(f"应为整数，实际为「{text[:30]}」")
    number = int(plain.split(".")[0])
    _check_range(column, Decimal(number))
    return number


def _check_range(column: Column, number: Decimal) -> None:
    if column.minimum is not None and number < column.minimum:
        raise Unfit(f"不能小于 {column.minimum}，实际为 {number}")
    if column.maximum is not None and number > column.maximum:
        raise Unfit(f"不能大于 {column.maximum}，实际为 {number}")


def to_date(column: Column, text: str) -> Value:
    """Return a date from 2026-11-1, 2026.11.1, 2026/11/1, 2026年11月1日, 20261101 or a day number of Excel."""
    day, time = _day_and_time(narrow(text))
    if time:
        raise Unfit(f"应为日期，不带时间，实际为「{text[:30]}」")
    return day


def to_datetime(column: Column, text: str) -> Value:
    """Return a time of the hospital's zone; a date alone is its midnight, 20261101083000 is understood."""
    day, time = _day_and_time(narrow(text))
    return datetime(day.year, day.month, day.day, tzinfo=HOSPITAL_TIME) + time


def _day_and_time(text: str) -> tuple[date, timedelta]:
    digits = re.match(r"^(\d{4})(\d\d)(\d\d)(?:\s*(\d\d):?(\d\d):?(\d\d)?)?$", text)
    if digits:
        year, month, day, *clock = digits.groups()
        return _day(year, month, day, text), _clock(clock, text)
    serial = re.match(r"^(\d{5})(\.\d+)?$", text)
    if serial and FIRST_SERIAL <= int(serial[1]) <= LAST_SERIAL:
        seconds = round(float(serial[2] or 0) * 86400)
        return EPOCH + timedelta(days=int(serial[1])), timedelta(seconds=seconds)
    head, tail = _split(text)
    match = DATE.match(head)
    if not match:
        raise Unfit(f"应为日期，如 2026-11-01，实际为「{text[:30]}」")
    return _day(match[1], match[2], match[3], text), _tail(tail, text)


def _split(text: str) -> tuple[str, str]:
    place = re.search(r"(?<=\d)T(?=\d)|(?<=[\d日])\s+(?=\d{1,2}[:时])|(?<=日)(?=\d)", text)
    return (text[: place.start()].strip(), text[place.end() :].strip()) if place else (text, "")


def _tail(text: str, whole: str) -> timedelta:
    if not text:
        return timedelta(0)
    match = TIME.match(text)
    if not match:
        raise Unfit(f"认不出时间「{whole[:30]}」，应如 2026-11-01 08:30:00")
    return _clock(list(match.groups()), whole)


def _day(year: str, month: str, day: str, text: str) -> date:
    if int(year) < FIRST_YEAR:  # 0001-01-01 is how programs write that there is none
        raise Unfit(f"年份 {year} 不合理，没有日期请留空")
    try:
        return date(int(year), int(month), int(day))
    except ValueError as error:
        raise Unfit(f"没有这一天：「{text[:30]}」") from error


def _clock(parts: list[str | None], text: str) -> timedelta:
    hours, minutes, seconds = (int(part or 0) for part in parts)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise Unfit(f"没有这个时刻：「{text[:30]}」")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def to_phone(column: Column, text: str) -> Value:
    """Return the digits of a telephone number with its area code; spaces, dashes and brackets are left away."""
    plain = re.sub(r"[\s()\-—–]", "", narrow(text))
    if not PHONE.match(plain):
        raise Unfit("应为电话号码（数字，可含区号）")
    _check_length(column, plain)
    return plain


def to_document(column: Column, text: str) -> Value:
    """Return a document number in capitals; eighteen signs are checked as an identity number (GB 11643)."""
    plain = narrow(text).replace(" ", "").upper()
    if not DOCUMENT.match(plain):
        raise Unfit("应为证件号码（数字和字母）")
    if re.match(r"^\d{17}[\dX]$", plain) and not identity_fits(plain):
        raise Unfit("身份证号码的校验位不符，可能有一位录错")
    _check_length(column, plain)
    return plain


def identity_fits(number: str) -> bool:
    """Say whether seventeen digits and a check sign end with its right check sign (GB 11643, ISO 7064 MOD 11-2)."""
    total = sum(int(sign) * 2 ** (17 - place) for place, sign in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17]


CONVERTERS: dict[str, Callable[[Column, str], Value]] = {
    "text": to_text,
    "code": to_code,
    "number": to_number,
    "whole": to_whole,
    "date": to_date,
    "datetime": to_datetime,
    "phone": to_phone,
    "document": to_document,
}
