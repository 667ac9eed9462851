"""Spreadsheets as hospital systems make them, and as nobody should."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

from openpyxl import Workbook

HEADER = ("病区编码", "病区名称", "床位数", "启用日期", "床位费")
ROW = ("0101", "产科一区", 42, "2026-11-01", "35.50")


def xlsx(*rows: Sequence[Any], dress: Callable[[Any], None] | None = None, **more: Sequence[Sequence[Any]]) -> bytes:
    """Return a workbook of `rows` (an empty row for None cells); `more` are further sheets by title."""
    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    for title, lines in more.items():
        extra = book.create_sheet(title)
        for row in lines:
            extra.append(list(row))
    if dress:
        dress(sheet)
    return saved(book)


def saved(book: Any) -> bytes:
    """Return the bytes of an openpyxl workbook."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def csv(*rows: Sequence[Any], encoding: str = "utf-8", separator: str = ",", end: str = "\r\n") -> bytes:
    """Return lines of separated cells."""
    return end.join(separator.join(str(cell) for cell in row) for row in rows).encode(encoding)


def html(*rows: Sequence[Any], encoding: str = "gbk", head: str = "", cell: str = "td") -> bytes:
    """Return the table that a web report saves under the name .xls."""
    lines = "".join(f"<tr>{''.join(f'<{cell}>{text}</{cell}>' for text in row)}</tr>" for row in rows)
    meta = f'<meta http-equiv="Content-Type" content="text/html; charset={encoding}">'
    style = "<style>td{mso-number-format:'@'}</style>"
    page = f"<html><head>{meta}{style}</head><body>{head}<table>{lines}</table></body></html>"
    return page.encode(encoding)


def xml_2003(*rows: Sequence[Any]) -> bytes:
    """Return an XML spreadsheet of 2003, as .NET reports save it under the name .xls."""
    lines = "".join(
        "<Row>" + "".join(f'<Cell><Data ss:Type="String">{text}</Data></Cell>' for text in row) + "</Row>"
        for row in rows
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><?mso-application progid="Excel.Sheet"?>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        f'<Worksheet ss:Name="Sheet1"><Table>{lines}</Table></Worksheet></Workbook>'
    ).encode()


def repacked(data: bytes, **changes: bytes) -> bytes:
    """Return a zip with members replaced or added; names with _ for / and __ for . are given as keys."""
    out = io.BytesIO()
    new = {name.replace("__", ".").replace("_", "/"): content for name, content in changes.items()}
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for member in old.namelist():
            made.writestr(member, new.pop(member, None) or old.read(member))
        for name, content in new.items():
            made.writestr(name, content)
    return out.getvalue()


def ole(**streams: bytes) -> bytes:
    """Return a compound file (MS-CFB, version 3) with the given streams, each padded to the big-stream size."""
    sector = 512
    bodies = {name: body.ljust(max(4096, -(-len(body) // sector) * sector), b"\0") for name, body in streams.items()}
    fat: list[int] = [0xFFFFFFFD, 0xFFFFFFFE]  # sector 0 is the FAT, sector 1 the directory
    entries = [_entry("Root Entry", 5, child=1, start=0xFFFFFFFE, size=0)]
    for place, (name, body) in enumerate(bodies.items()):
        start, count = len(fat), len(body) // sector
        fat += [*range(start + 1, start + count), 0xFFFFFFFE]
        after = place + 2 if place + 1 < len(bodies) else 0xFFFFFFFF
        entries.append(_entry(name, 2, start=start, size=len(body), right=after))
    assert len(fat) <= sector // 4, "one FAT sector is enough for these tests"
    assert len(entries) <= 4
    table = b"".join(struct.pack("<I", one) for one in fat).ljust(sector, b"\xff")
    return _ole_head() + table + b"".join(entries).ljust(sector, b"\0") + b"".join(bodies.values())


def _ole_head() -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    return head + struct.pack("<I", 0) + b"\xff" * (512 - len(head) - 4)


def _entry(name: str, kind: int, *, start: int, size: int, child: int = 0xFFFFFFFF, right: int = 0xFFFFFFFF) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    entry = text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, 0xFFFFFFFF, right, child)
    return entry + b"\0" * 36 + struct.pack("<IQ", start, size)


def xls(*rows: Sequence[Any], protected: bool = False) -> bytes:
    """Return a real BIFF8 workbook with text and number cells."""
    sheet = _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    width = max(len(row) for row in rows)
    sheet += _record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    for line, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet += _cell(line, column, value)
    sheet += _record(0x0A, b"")
    lock = _record(0x2F, struct.pack("<H", 1) + b"\0" * 52) if protected else b""
    name = "Sheet1".encode("latin-1")
    bound_length = 4 + 4 + 2 + 2 + len(name)
    head = _record(0x809, struct.pack("<HHHHII", 0x600, 0x05, 0, 0, 0, 0)) + lock
    start = len(head) + bound_length + 4
    bound = _record(0x85, struct.pack("<IHBB", start, 0, len(name), 0) + name)
    return ole(Workbook=head + bound + _record(0x0A, b"") + sheet)


def _cell(line: int, column: int, value: Any) -> bytes:
    place = struct.pack("<HHH", line, column, 0)
    if isinstance(value, int | float):
        return _record(0x203, place + struct.pack("<d", value))
    text = str(value)
    return _record(0x204, place + struct.pack("<HB", len(text), 1) + text.encode("utf-16-le"))


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def bomb() -> bytes:
    """Return a small .xlsx whose sheet unpacks to 600 MB of blanks."""
    out = io.BytesIO()
    base = xlsx(HEADER, ROW)
    with zipfile.ZipFile(io.BytesIO(base)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for member in old.namelist():
            if member != "xl/worksheets/sheet1.xml":
                made.writestr(member, old.read(member))
        with made.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            blank = b" " * (1 << 20)
            for _ in range(600):
                sheet.write(blank)
    return out.getvalue()


def far_corner() -> bytes:
    """Return a workbook whose only cells are the first and the last that a sheet can have."""

    def dress(sheet: Any) -> None:
        sheet["XFD1048576"] = "x"

    return xlsx(HEADER, ROW, dress=dress)


def empty_million() -> bytes:
    """Return a workbook with one data row and a million blank formatted ones below, as a careless fill-down leaves."""
    base = xlsx(HEADER, ROW)
    with zipfile.ZipFile(io.BytesIO(base)) as old:
        sheet = old.read("xl/worksheets/sheet1.xml")
    blanks = b"".join(b'<row r="%d"><c r="A%d" s="0"/></row>' % (number, number) for number in range(3, 1_000_001))
    return repacked(base, xl_worksheets_sheet1__xml=sheet.replace(b"</sheetData>", blanks + b"</sheetData>"))
