"""The rows that could not be taken, as they came, with a column that says why; ready to be mended and sent again."""

from __future__ import annotations

import json
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from portal.sheets.checking import Line
from portal.sheets.choices import RowKind
from portal.sheets.chunks import every_line
from portal.sheets.headers import OWN_HEADERS, plain
from portal.sheets.models import SheetImport
from portal.sheets.writing import ERROR_FILL, cell, head

# More than these are written by a task; the web writes fewer in well under a second each thousand.
AT_ONCE = 5_000


def write_errors(sheet_import: SheetImport, file: IO[bytes], *, every: bool = False) -> int:
    """Write the lines in error to `file` as .xlsx and return how many; `every` writes the good ones too.

    The sheet is laid out as it came: title lines, header lines, order of the columns; two columns of ours are added
    behind. All cells are text, faulty ones red. Lines of totals are left out: they would no longer fit.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet("全部行" if every else "错误行")
    above = _head(sheet_import)
    width = max([len(row) for row in above] + [one["place"] + 1 for one in sheet_import.columns], default=0)
    own = {one["place"] for one in sheet_import.columns if plain(one["header"]) in OWN_PLAIN}
    places = [place for place in range(width) if place not in own]
    _dress(sheet, sheet_import, places, len(above))
    for number, row in enumerate(above, start=1):
        sheet.append(_head_row(sheet, row, places, last=number == len(above)))
    count = 0
    for line in every_line(sheet_import):
        if every or line.kind == RowKind.ERROR:
            sheet.append(_row(sheet, line, places, sheet_import.columns))
            count += 1
    sheet.auto_filter.ref = f"A{len(above)}:{get_column_letter(len(places) + len(OWN_HEADERS))}{len(above) + count}"
    book.save(file)
    return count


OWN_PLAIN = {plain(name) for name in OWN_HEADERS}


def _head(sheet_import: SheetImport) -> list[list[str]]:
    """Return the lines above the data; of files read before they were kept, the header as one line."""
    if sheet_import.head:
        head: list[list[str]] = json.loads(sheet_import.head)
        return head
    line = [""] * (max((one["place"] for one in sheet_import.columns), default=-1) + 1)
    for one in sheet_import.columns:
        line[one["place"]] = one["header"]
    return [line]


def _dress(sheet: Any, sheet_import: SheetImport, places: list[int], head: int) -> None:
    sheet.freeze_panes = f"A{head + 1}"
    headers = {one["place"]: one["header"] for one in sheet_import.columns}
    for at, place in enumerate(places, start=1):
        width = max(12, min(len(headers.get(place, "")) * 2 + 4, 40))
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.column_dimensions[get_column_letter(len(places) + 1)].width = 80


def _head_row(sheet: Any, row: list[str], places: list[int], *, last: bool) -> list[Any]:
    """Return a line above the data; the last one is the header and names our columns too."""
    texts = [row[place] if place < len(row) else "" for place in places]
    if not last:
        return [cell(sheet, text) for text in texts]
    return [head(sheet, text) for text in (*texts, *OWN_HEADERS)]


def _row(sheet: Any, line: Line, places: list[int], columns: list[dict[str, Any]]) -> list[Any]:
    wrong = {problem.column for problem in line.row.problems if problem.level == "error"}
    red = {one["place"] for one in columns if one["name"] and one["name"] in wrong}
    cells = []
    for place in places:
        made = cell(sheet, line.texts[place] if place < len(line.texts) else "")
        if place in red:
            made = made or cell(sheet, " ")
            made.fill = ERROR_FILL
        cells.append(made)
    return [*cells, cell(sheet, reasons(line)), cell(sheet, line.row.number, "0")]


def reasons(line: Line) -> str:
    """Return every problem of a line in one text."""
    parts = [f"{problem.label}：{problem.reason}" if problem.label else problem.reason for problem in line.row.problems]
    return "；".join(parts)
