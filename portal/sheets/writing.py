"""Rows → .xlsx or .csv: codes as text, money with two places, nothing from data is ever a formula.

`export_rows` writes lists of any length by a Rust writer in constant memory. The small files with coloured cells (the
lines in error, templates) are written by openpyxl with the helpers at the end.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import IO, Any, Literal

from django.utils import timezone
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from rustpy_xlsxwriter import Format, write_worksheets

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
WIDTHS = {"date": 12, "datetime": 20, "money": 14, "whole": 10, "number": 12}
MAX_TEXT = 32_767
MAX_SHEET_ROWS = 1_048_575
# A spreadsheet keeps 15 significant digits; a longer number would lose its tail.
EXACT_DIGITS = 15
# Rows looked at together: enough to save work, few enough to cost no memory.
PORTION = 250
# What XML 1.0 cannot hold, and lone surrogates.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NO_TITLE = re.compile(r"[\\/*?:\[\]']")
# What a spreadsheet takes for a formula when it opens a .csv.
RISKY = ("=", "+", "-", "@", "\t", "\r")
NOTES = "说明"
HEAD_COLOUR = "#E8EEF5"
HEAD_FILL = PatternFill("solid", fgColor="E8EEF5")
ERROR_FILL = PatternFill("solid", fgColor="FFD9D9")
HEAD_FONT = Font(bold=True)
HEAD_ALIGNMENT = Alignment(vertical="center", wrap_text=True)

Notes = Sequence[tuple[str, str]]
Cell = str | int | float | Decimal | date | None


@dataclass(frozen=True)
class OutColumn:
    """One column of an exported sheet. `width` is in characters; 0 takes one that fits the kind."""

    label: str
    kind: OutKind = "text"
    width: int = 0

    @property
    def characters(self) -> int:
        """Return the width to set."""
        return self.width or max(WIDTHS.get(self.kind, 20), min(len(self.label) * 2 + 4, 40))


class TooManyRows(ValueError):
    """More rows came than the sheets that were begun can hold."""


def export_rows(
    columns: Sequence[OutColumn],
    rows: Iterable[Sequence[Any]],
    file: IO[bytes],
    title: str = "数据",
    *,
    expected: int = 0,
    notes: Callable[[int], Notes] | None = None,
    mark: str = "",
) -> int:
    """Write `rows` (one value per column) to `file` as .xlsx and return how many. Memory does not grow with the rows.

    Values: str, int, float, Decimal, date, aware datetime (written in Shanghai time), bool (是 / 否), None.
    `expected` says how many rows there will be, so that enough sheets of 1,048,575 are begun. `notes(count)` gives the
    lines of a last sheet 说明, so that the sheets of data stay as an importer wants them. `mark` stands above the
    header and on every printed page. Raises TooManyRows. A real file is written in place, anything else through memory.
    """
    counted = Counted(rows)
    labels = unique([column.label for column in columns])
    sheets = _sheets(counted, columns, labels, title, max(1, math.ceil(expected / MAX_SHEET_ROWS)))
    data = [name for name, _ in sheets]
    if notes is not None:
        sheets.append((NOTES, _noted(notes, counted)))
    with _target(file) as target:
        write_worksheets(sheets, target, **_looks(columns, labels, data, mark))
    if counted.left():
        raise TooManyRows("more rows than the sheets hold")
    return counted.count


def _noted(notes: Callable[[int], Notes], rows: Counted) -> Iterator[dict[str, Cell]]:
    """Yield the lines of the last sheet; they are asked for when all rows are written and counted."""
    for name, text in notes(rows.count):
        yield {"项目": name, "内容": clean(text)}


class Counted:
    """Rows of a source that several sheets draw from, counted as they pass."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self.source, self.count = iter(rows), 0

    def take(self, most: int) -> Iterator[Sequence[Any]]:
        """Yield the next rows, `most` at most."""
        for row in islice(self.source, most):
            self.count += 1
            yield row

    def left(self) -> bool:
        """Say whether a row is left."""
        return next(self.source, None) is not None


def _sheets(
    rows: Counted, columns: Sequence[OutColumn], labels: list[str], title: str, number: int
) -> list[tuple[str, Iterable[dict[str, Any]]]]:
    """Return the sheets of data; each begins where the one before it was full."""
    name = NO_TITLE.sub("", title)[:24] or "数据"
    name = "数据" if name == NOTES else name
    names = [name if place == 0 else f"{name} ({place + 1})" for place in range(number)]
    return [(one, _records(rows, columns, labels, empty=place == 0)) for place, one in enumerate(names)]


def _records(
    rows: Counted, columns: Sequence[OutColumn], labels: list[str], *, empty: bool
) -> Iterator[dict[str, Cell]]:
    """Yield one dictionary a row; `empty` gives a blank one where there is no row, so that the header is written."""
    before = rows.count
    for cells in turned(columns, rows.take(MAX_SHEET_ROWS)):
        yield dict(zip(labels, cells, strict=True))
    if empty and rows.count == before:
        yield dict.fromkeys(labels)


def unique(labels: Sequence[str]) -> list[str]:
    """Return the labels, the second of the same name as 「名称（2）」: a record has one value a name."""
    seen: dict[str, int] = {}
    found = []
    for label in labels:
        text = clean(label).strip() or "列"
        seen[text] = seen.get(text, 0) + 1
        found.append(text if seen[text] == 1 else f"{text}（{seen[text]}）")
    return found


def _looks(columns: Sequence[OutColumn], labels: list[str], sheets: list[str], mark: str) -> dict[str, Any]:
    head = Format().set_bold().set_background_color(HEAD_COLOUR)
    formats = {
        label: Format().set_num_format(FORMATS[column.kind]) for label, column in zip(labels, columns, strict=True)
    }
    widths = {label: float(column.characters) for label, column in zip(labels, columns, strict=True)}
    textual = [label for label, column in zip(labels, columns, strict=True) if column.kind in ("text", "code")]
    line = 1 if mark else 0
    looks: dict[str, Any] = {
        "freeze_panes": {name: {"row": line + 1, "col": 0} for name in sheets},
        "autofilter": dict.fromkeys(sheets, True),
        "column_formats": dict.fromkeys(sheets, formats) | {NOTES: {"内容": Format().set_num_format("@")}},
        "column_widths": dict.fromkeys(sheets, widths) | {NOTES: {"项目": 16.0, "内容": 90.0}},
        "header_format": dict.fromkeys([*sheets, NOTES], head),
        "ignore_errors": dict.fromkeys(sheets, textual),
        "page_setup": dict.fromkeys(sheets, _paper(line, mark)),
    }
    if mark:
        red = Format().set_bold().set_font_color("#C00000")
        above = [(0, 0, 0, max(len(columns) - 1, 1), clean(mark), red)]
        looks |= {"header_row": dict.fromkeys(sheets, 1), "merge_ranges": dict.fromkeys(sheets, above)}
    return looks


def _paper(line: int, mark: str) -> dict[str, Any]:
    """Return how a sheet prints: across the page, header repeated, mark above, page numbers below."""
    paper: dict[str, Any] = {
        "landscape": True, "paper_size": 9, "fit_to_pages": (1, 0), "repeat_rows": (line, line),
        "footer": "&C第 &P 页，共 &N 页",
    }  # fmt: skip
    return paper | ({"header": f"&L{mark.replace('&', '&&')[:200]}"} if mark else {})


class _target:
    """Hands the writer a path for a real file (written in place), else a buffer; leaves the file at its end."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        try:
            self.path = f"/dev/fd/{file.fileno()}"
        except (OSError, AttributeError, io.UnsupportedOperation):
            self.path = ""

    def __enter__(self) -> Any:
        return self.path or self.file

    def __exit__(self, *exc: object) -> None:
        if self.path:
            self.file.seek(0, io.SEEK_END)


def export_csv(columns: Sequence[OutColumn], rows: Iterable[Sequence[Any]], file: IO[bytes], *, mark: str = "") -> int:
    """Write `rows` as .csv (UTF-8 with a mark that Excel knows) and return how many.

    Text that a spreadsheet would execute gets an apostrophe in front (OWASP, CSV injection); numbers stay as they are.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    if mark:
        writer.writerow([mark])
    writer.writerow(unique([column.label for column in columns]))
    count = 0
    for cells in turned(columns, rows):
        count += 1
        writer.writerow([_plain(column.kind, cell) for column, cell in zip(columns, cells, strict=True)])
    text.flush()
    text.detach()
    return count


def _plain(kind: OutKind, value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(RISKY) else value
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if kind == "money" and isinstance(value, int | float | Decimal):
        return f"{value:.2f}"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def as_text(value: Any) -> Cell:
    """Return the text of a value, None when there is none."""
    if value is None or value == "":
        return None
    if value.__class__ is str:
        return clean(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime) and timezone.is_aware(value):
        value = timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    return clean(str(value))


def as_number(value: Any) -> Cell:
    """Return a number; one that a spreadsheet could not keep exactly, or no number at all, as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return as_text(value)
    if isinstance(value, int):
        return value if -(10**EXACT_DIGITS) < value < 10**EXACT_DIGITS else str(value)
    if not math.isfinite(value):
        return None
    if isinstance(value, Decimal) and len(value.normalize().as_tuple().digits) > EXACT_DIGITS:
        return format(value, "f")
    return value


def as_day(value: Any) -> Cell:
    """Return a day; what is none, or lies before 1900 where spreadsheets begin, as text."""
    if isinstance(value, datetime):
        value = (timezone.localtime(value) if timezone.is_aware(value) else value).date()
    if isinstance(value, date):
        return value if value.year >= 1900 else value.isoformat()
    return as_text(value)


def as_moment(value: Any) -> Cell:
    """Return a time of the hospital's zone without its zone; what is none, or lies before 1900, as text."""
    if isinstance(value, datetime):
        moment: datetime = timezone.localtime(value).replace(tzinfo=None) if timezone.is_aware(value) else value
        return moment.replace(microsecond=0) if moment.year >= 1900 else moment.isoformat(" ", "seconds")
    return as_day(value)


def turned(columns: Sequence[OutColumn], rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows with each value as its column's kind writes it; a portion at a time, column by column.

    One look at a portion of a column usually says that nothing need be done to any of its values.
    """
    source = iter(rows)
    while portion := list(islice(source, PORTION)):
        given = zip(*portion, strict=True)
        cells = [_turned_column(column.kind, values) for column, values in zip(columns, given, strict=True)]
        yield from zip(*cells, strict=True)


def _turned_column(kind: OutKind, values: Sequence[Any]) -> Sequence[Cell]:
    kinds = set(map(type, values))
    if UNTOUCHED[kind](values, kinds):
        return values
    turn = TURNS[kind]
    return [turn(value) for value in values]


def _plain_texts(values: Sequence[Any], kinds: set[type]) -> bool:
    if kinds != {str} or not all(values):
        return False
    text = "".join(values)
    return len(text) * 2 <= MAX_TEXT and text.isprintable()


def _plain_numbers(values: Sequence[Any], kinds: set[type]) -> bool:
    if kinds == {int}:
        return bool(min(values) > -(10**EXACT_DIGITS) and max(values) < 10**EXACT_DIGITS)
    if kinds != {Decimal} or not all(map(Decimal.is_finite, values)):
        return False
    return max(map(len, map(str, values))) <= EXACT_DIGITS


def _plain_days(values: Sequence[Any], kinds: set[type]) -> bool:
    return kinds == {date} and min(values).year >= 1900


def _never(values: Sequence[Any], kinds: set[type]) -> bool:
    return False


# Whether all of a portion's values may be written as they are.
UNTOUCHED: dict[str, Callable[[Sequence[Any], set[type]], bool]] = {
    "text": _plain_texts,
    "code": _plain_texts,
    "whole": _plain_numbers,
    "number": _plain_numbers,
    "money": _plain_numbers,
    "date": _plain_days,
    "datetime": _never,
}
TURNS: dict[str, Callable[[Any], Cell]] = {
    "text": as_text,
    "code": as_text,
    "whole": as_number,
    "number": as_number,
    "money": as_number,
    "date": as_day,
    "datetime": as_moment,
}


def clean(text: str) -> str:
    """Return the text without characters that a workbook cannot hold, cut at its limit with a mark."""
    if len(text) * 2 <= MAX_TEXT and text.isprintable():
        return text
    text = UNPRINTABLE.sub("", text)
    units = len(text.encode("utf-16-le")) // 2
    if units <= MAX_TEXT:
        return text
    # characters beyond the basic plane take two of a workbook's places
    return f"{text.encode('utf-16-le')[: (MAX_TEXT - 6) * 2].decode('utf-16-le', 'ignore')}…（已截断）"[:MAX_TEXT]


def begin_sheet(book: Any, title: str, labels: Sequence[str], widths: Sequence[int]) -> Any:
    """Return a new write-only sheet of openpyxl with a frozen header."""
    sheet = book.create_sheet(NO_TITLE.sub("", title)[:31] or "数据")
    sheet.freeze_panes = "A2"
    for place, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.append([head(sheet, label) for label in labels])
    return sheet


def head(sheet: Any, label: str) -> Any:
    """Return a cell of openpyxl's header."""
    made = cell(sheet, label, "@")
    made.font, made.fill, made.alignment = HEAD_FONT, HEAD_FILL, HEAD_ALIGNMENT
    return made


def cell(sheet: Any, value: Any, number_format: str = "@") -> Any:
    """Return a cell of openpyxl that shows `value` and nothing else: text stays text whatever it begins with."""
    if value is None or value == "":
        return None
    made = WriteOnlyCell(sheet)
    value = as_moment(value) if isinstance(value, datetime) else as_text(value) if isinstance(value, bool) else value
    if isinstance(value, int | Decimal | date):
        made.value = value
    else:
        # openpyxl would take "=…" for a formula and "#N/A" for an error: the kind is set after the value.
        made.value = clean(str(value))
        made.data_type = "s"
    made.number_format = number_format
    return made
