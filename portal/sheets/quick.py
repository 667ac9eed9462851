"""Cells that are clean as they stand, which is most of them: known by one look at the text.

A quick reader returns the value, or NOT_CLEAN where only `converting.convert` can say what a text is. It never
decides otherwise than `convert` would (a property test compares them).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from portal.sheets.columns import Column, Value
from portal.sheets.converting import FIRST_YEAR, HOSPITAL_TIME

Quick = Callable[[str], Value]
NOT_CLEAN = object()

# No sign of these is changed by tidying, and none of these texts is a number in scientific notation.
CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]*").fullmatch
TEXT = re.compile(r"[0-9A-Za-z\u4e00-\u9fff][0-9A-Za-z\u4e00-\u9fff._/()%*-]*").fullmatch
NUMBER = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,9})?").fullmatch
WHOLE = re.compile(r"-?[0-9]{1,15}").fullmatch
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: 00:00:00)?").fullmatch
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}").fullmatch
DIGITS = re.compile(r"[0-9]{3,4}-[0-9]{5,12}|[0-9]{5,20}").fullmatch
# Signs that are not always clean, looked for in all texts of a column joined together.
NOT_CODE = re.compile(r"[^0-9A-Za-z._/-]").search
NOT_TEXT = re.compile(r"[^0-9A-Za-z\u4e00-\u9fff._/()%*-]").search
NOT_NUMBER = re.compile(r"[^0-9.]").search
NOT_DIGITS = re.compile(r"[^0-9]").search
EXACT_DIGITS = 15


def quick_reader(column: Column) -> Quick | None:
    """Return the quick reader of a column, or None where every text needs the whole way."""
    if column.check is not None or column.code is not None:
        return None
    made = {"text": _text, "code": _text, "number": _number, "whole": _whole, "date": _day, "datetime": _moment,
            "phone": _phone}.get(column.kind)  # fmt: skip
    return made(column) if made else None


def _text(column: Column) -> Quick:
    clean, longest = (CODE if column.kind == "code" else TEXT), column.max_length or 1_000_000

    def read(text: str) -> Value:
        return text if clean(text) and len(text) <= longest else NOT_CLEAN  # type: ignore[return-value]

    return read


def _number(column: Column) -> Quick:
    low, high, places = column.minimum, column.maximum, column.places

    def read(text: str) -> Value:
        if not NUMBER(text) or (len(text) - text.find(".") - 1 > places and "." in text):
            return NOT_CLEAN  # type: ignore[return-value]
        number = Decimal(text)
        within = (low is None or number >= low) and (high is None or number <= high)
        return number if within else NOT_CLEAN  # type: ignore[return-value]

    return read


def _whole(column: Column) -> Quick:
    low, high = column.minimum, column.maximum

    def read(text: str) -> Value:
        if not WHOLE(text):
            return NOT_CLEAN  # type: ignore[return-value]
        number = int(text)
        within = (low is None or number >= low) and (high is None or number <= high)
        return number if within else NOT_CLEAN  # type: ignore[return-value]

    return read


def _day(column: Column) -> Quick:
    def read(text: str) -> Value:
        try:
            day = date.fromisoformat(text[:10]) if DAY(text) else None
        except ValueError:
            day = None
        return day if day and day.year >= FIRST_YEAR else NOT_CLEAN  # type: ignore[return-value]

    return read


def _moment(column: Column) -> Quick:
    def read(text: str) -> Value:
        try:
            moment = datetime.fromisoformat(text) if MOMENT(text) else None
        except ValueError:
            moment = None
        if moment is None or moment.year < FIRST_YEAR:
            return NOT_CLEAN  # type: ignore[return-value]
        return moment.replace(tzinfo=HOSPITAL_TIME)

    return read


def _phone(column: Column) -> Quick:
    longest = column.max_length or 20

    def read(text: str) -> Value:
        digits = text.replace("-", "")
        return digits if DIGITS(text) and len(digits) <= longest else NOT_CLEAN  # type: ignore[return-value]

    return read


def clean_column(column: Column, texts: Sequence[str]) -> list[Value] | None:
    """Return the values of a whole column at once where every text is clean as it stands, else None.

    Empty texts are values too (None) where the column is not required.
    """
    if column.check is not None or column.code is not None or column.kind not in BATCHES:
        return None
    if "" in texts:
        if column.required:
            return None
        given = [text for text in texts if text]
        values = BATCHES[column.kind](column, given) if given else []
        if values is None:
            return None
        following = iter(values)
        return [next(following) if text else None for text in texts]
    return BATCHES[column.kind](column, texts)


def _clean_texts(column: Column, texts: Sequence[str]) -> list[Value] | None:
    unclean = NOT_TEXT if column.kind == "text" else NOT_CODE
    together = "".join(texts)
    if unclean(together) or (column.masked_as and "*" in together):  # what came back masked is not the value
        return None
    if column.max_length and max(map(len, texts)) > column.max_length:
        return None
    return list(texts)


def _clean_phones(column: Column, texts: Sequence[str]) -> list[Value] | None:
    lengths = list(map(len, texts))
    if min(lengths) < 5 or max(lengths) > (column.max_length or 20) or NOT_DIGITS("".join(texts)):
        return None
    return list(texts)


def _clean_numbers(column: Column, texts: Sequence[str]) -> list[Value] | None:
    together = "\n".join(texts)
    if NOT_NUMBER(together.replace("\n", "")) or max(map(len, texts)) > EXACT_DIGITS:
        return None
    if re.search(rf"\.[0-9]{{{column.places + 1}}}", together):
        return None
    try:
        return _within(column, list(map(Decimal, texts)))
    except InvalidOperation:
        return None


def _clean_wholes(column: Column, texts: Sequence[str]) -> list[Value] | None:
    if NOT_DIGITS("".join(texts)) or max(map(len, texts)) > EXACT_DIGITS:
        return None
    return _within(column, list(map(int, texts)))


def _within(column: Column, numbers: Sequence[Any]) -> list[Value] | None:
    low, high = column.minimum, column.maximum
    if (low is not None and min(numbers) < low) or (high is not None and max(numbers) > high):
        return None
    return list(numbers)


BATCHES: dict[str, Callable[[Column, Sequence[str]], list[Value] | None]] = {
    "text": _clean_texts,
    "code": _clean_texts,
    "phone": _clean_phones,
    "number": _clean_numbers,
    "whole": _clean_wholes,
}
