"""Rows → .xlsx: codes as text, money with two places, nothing from data is ever a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Literal

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

OutKind = Literal["text", "code", "whole", "number", "money", "date", "datetime"]
FORMATS: dict[str, str] = {
    "text": "@",
    "code": "@",
    "whole": "0",
    "number": "General",
    "money": "0.00",
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm:ss",
}
MAX_TEXT = 32_767
MAX_SHEET_ROWS = 1_048_575
# What XML 1.0 cannot hold, and lone surrogates.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
HEAD_FILL = PatternFill("solid", fgColor="E8EEF5")
ERROR_FILL = PatternFill("solid", fgColor="FFD9D9")
HEAD_FONT = Font(bold=True)
HEAD_ALIGNMENT = Alignment(vertical="center", wrap_text=True)


@dataclass(frozen=True)
class OutColumn:
    """One column of an exported sheet. `width` is in characters; 0 takes one that fits the kind."""

    label: str
    kind: OutKind = "text"
    width: int = 0

    @property
    def characters(self) -> int:
        """Return the width to set."""
        usual = {"date": 12, "datetime": 20, "money": 14, "whole": 10, "number": 12}.get(self.kind, 20)
        return self.width or max(usual, min(len(self.label) * 2 + 4, 40))


def export_rows(
    columns: Sequence[OutColumn], rows: Iterable[Sequence[Any]], file: IO[bytes], title: str = "数据"
) -> int:
    """Write `rows` (one value per column) to `file` as .xlsx and return how many. Memory does not grow with the rows.

    Values: str, int, Decimal, date, aware datetime (written in Shanghai time), bool (是 / 否), None. Raises ValueError
    beyond the 1,048,575 rows of a sheet.
    """
    book = Workbook(write_only=True)
    sheet = begin_sheet(book, title, [column.label for column in columns], [column.characters for column in columns])
    formats = [FORMATS[column.kind] for column in columns]
    count = 0
    for row in rows:
        count += 1
        if count > MAX_SHEET_ROWS:
            raise ValueError("more rows than a sheet holds")
        sheet.append([cell(sheet, value, form) for value, form in zip(row, formats, strict=True)])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count + 1}"
    book.save(file)
    return count


def begin_sheet(book: Any, title: str, labels: Sequence[str], widths: Sequence[int]) -> Any:
    """Return a new write-only sheet with a frozen header."""
    sheet = book.create_sheet(re.sub(r"[\\/*?:\[\]]", "", title)[:31] or "数据")
    sheet.freeze_panes = "A2"
    for place, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.append([head(sheet, label) for label in labels])
    return sheet


def head(sheet: Any, label: str) -> Any:
    """Return a cell of the header."""
    made = cell(sheet, label, "@")
    made.font, made.fill, made.alignment = HEAD_FONT, HEAD_FILL, HEAD_ALIGNMENT
    return made


def cell(sheet: Any, value: Any, number_format: str = "@") -> Any:
    """Return a cell that shows `value` and nothing else: text stays text whatever it begins with."""
    if value is None or value == "":
        return None
    made = WriteOnlyCell(sheet)
    if isinstance(value, bool):
        value = "是" if value else "否"
    if isinstance(value, datetime) and timezone.is_aware(value):
        value = timezone.localtime(value).replace(tzinfo=None)
    if isinstance(value, int | Decimal | date):
        made.value = value
    else:
        # openpyxl would take "=…" for a formula and "#N/A" for an error: the kind is set after the value.
        made.value = clean(str(value))
        made.data_type = "s"
    made.number_format = number_format
    return made


def clean(text: str) -> str:
    """Return the text without characters that a workbook cannot hold, cut at its limit with a mark."""
    text = UNPRINTABLE.sub("", text)
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 6]}…（已截断）"[:MAX_TEXT]
