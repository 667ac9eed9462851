"""Bytes → Book. Runs in a process of its own (apart.py); knows neither Django nor the records."""

from __future__ import annotations

from portal.sheets.book import Book
from portal.sheets.errors import SheetError
from portal.sheets.guards import check_name, kind_of
from portal.sheets.markup import read_markup
from portal.sheets.text_files import read_text
from portal.sheets.workbooks import read_workbook


def read(data: bytes, name: str) -> Book:
    """Read a spreadsheet by what its bytes are, not by its suffix. Raises SheetError and nothing else."""
    check_name(name, len(data))
    kind = kind_of(data)
    if kind in ("xlsx", "xls"):
        book = read_workbook(data, kind)
    else:
        book = read_markup(data) if kind == "markup" else read_text(data)
    if not any(sheet.rows for sheet in book.sheets):
        raise SheetError("文件里没有任何内容。请确认导出时已选中数据，再上传。")
    return book
