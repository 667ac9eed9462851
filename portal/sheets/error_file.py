"""The rows that could not be taken, as they came, with a column that says why; ready to be mended and sent again."""

from __future__ import annotations

from typing import IO, Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from portal.sheets.checking import Line
from portal.sheets.choices import RowKind
from portal.sheets.chunks import every_line
from portal.sheets.headers import OWN_HEADERS, plain
from portal.sheets.models import SheetImport
from portal.sheets.writing import ERROR_FILL, begin_sheet, cell

# More than these are written by a task; the web writes fewer in well under a second each thousand.
AT_ONCE = 5_000


def write_errors(sheet_import: SheetImport, file: IO[bytes]) -> int:
    """Write every line in error to `file` as .xlsx and return how many. All cells are text, faulty ones red."""
    own = {plain(name) for name in OWN_HEADERS}
    columns = [one for one in sheet_import.columns if plain(one["header"]) not in own]
    book = Workbook(write_only=True)
    labels = [*(one["header"] for one in columns), *OWN_HEADERS]
    widths = [max(12, min(len(label) * 2 + 4, 40)) for label in labels]
    widths[len(columns)] = 80
    sheet = begin_sheet(book, "错误行", labels, widths)
    count = 0
    for line in every_line(sheet_import):
        if line.kind == RowKind.ERROR:
            sheet.append(_row(sheet, line, columns))
            count += 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(labels))}{count + 1}"
    book.save(file)
    return count


def _row(sheet: Any, line: Line, columns: list[dict[str, Any]]) -> list[Any]:
    wrong = {problem.column for problem in line.row.problems if problem.level == "error"}
    cells = []
    for one in columns:
        text = line.texts[one["place"]] if one["place"] < len(line.texts) else ""
        made = cell(sheet, text)
        if one["name"] and one["name"] in wrong:
            made = made or cell(sheet, " ")
            made.fill = ERROR_FILL
        cells.append(made)
    return [*cells, cell(sheet, reasons(line)), cell(sheet, line.row.number, "0")]


def reasons(line: Line) -> str:
    """Return every problem of a line in one text."""
    parts = [f"{problem.label}：{problem.reason}" if problem.label else problem.reason for problem in line.row.problems]
    return "；".join(parts)
