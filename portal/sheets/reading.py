"""Bytes → Source. Runs in a process of its own (apart.py); knows neither Django nor the records."""

from __future__ import annotations

from portal.sheets.book import Book, Sheet, Source
from portal.sheets.errors import SheetError
from portal.sheets.guards import check_name, kind_of
from portal.sheets.markup import read_markup
from portal.sheets.text_files import read_text
from portal.sheets.workbooks import Workbook


def open_source(data: bytes, name: str) -> Source:
    """Open a spreadsheet by what its bytes are, not by its suffix. Raises SheetError and nothing else."""
    check_name(name, len(data))
    kind = kind_of(data)
    source: Source
    if kind in ("xlsx", "xls"):
        source = Workbook(data, kind)
    else:
        source = read_markup(data) if kind == "markup" else read_text(data)
    if not any(sheet.rows for sheet in source.sheets):
        raise SheetError("文件里没有任何内容。请确认导出时已选中数据，再上传。")
    return source


def read(data: bytes, name: str) -> Book:
    """Read the whole of a spreadsheet into memory: for small files. Raises SheetError."""
    source = open_source(data, name)
    return source if isinstance(source, Book) else Book([whole(source, at) for at in range(len(source.sheets))],
                                                        source.notes)  # fmt: skip


def whole(source: Source, index: int) -> Sheet:
    """Return a sheet with all its lines; every date of Excel is marked, `Book.blocks` lets it pass where it may."""
    head = source.sheets[index]
    whole = Sheet(head.name, [], [], head.first_column, notes=head.notes, height=head.height)
    for block in source.blocks(index, range(1_000)):
        whole.numbers += block.numbers
        whole.rows += block.rows
        for line, faults in block.faults.items():
            whole.faults.update({(line, place + head.first_column): fault for place, fault in faults.items()})
    return whole
