"""What calamine does not tell about an .xlsx: formulas, errors, hidden lines, codes shown with leading zeros, links.

The XML of a sheet is looked through in pieces, so that memory does not grow with it.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

from portal.sheets.book import EXCEL_ERROR, FORMULA, Faults, column_of, letters
from portal.sheets.errors import SheetError
from portal.sheets.guards import SAVE_AS

PIECE = 4 * 1024 * 1024
ADDRESS = rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3}[0-9]{1,7})"'
ERROR_CELL = re.compile(ADDRESS + rb'[^>]*\bt="e"')
FORMULA_CELL = re.compile(ADDRESS + rb"[^>]*>\s*<(?:\w+:)?f[\s>/]")
HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="([0-9]{1,7})"[^>]*\bhidden="(?:1|true)"')
HIDDEN_COLUMN = re.compile(
    rb'<(?:\w+:)?col\b(?=[^>]*\bhidden="(?:1|true)")(?=[^>]*\bmin="([0-9]{1,5})")(?=[^>]*\bmax="([0-9]{1,5})")'
)
STYLED_CELL = re.compile(ADDRESS + rb'[^>]*?\bs="([0-9]{1,5})"')
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
MAX_NAMED = 12


@dataclass
class Scanned:
    """What was seen in one sheet. `widths` is (line, column) → how many digits the cell shows at least."""

    faults: Faults = field(default_factory=dict)
    widths: dict[tuple[int, int], int] = field(default_factory=dict)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """Return what the person should know, in words."""
        notes = []
        if self.hidden_rows:
            shown = "、".join(map(str, self.hidden_rows[:MAX_NAMED]))
            more = f" 等 {len(self.hidden_rows)} 行" if len(self.hidden_rows) > MAX_NAMED else " 行"
            notes.append(f"第 {shown}{more}是隐藏行，已照常读取")
        if self.hidden_columns:
            shown = "、".join(letters(column) for column in self.hidden_columns[:MAX_NAMED])
            notes.append(f"{shown} 列是隐藏列，已照常读取")
        return notes


def scan(data: bytes) -> tuple[dict[str, Scanned], list[tuple[str, str]]]:
    """Return what was seen by sheet name, and remarks on the file as (place, reason). Raises SheetError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            padded = _padded_styles(archive)
            found = {name: _scan(_pieces(archive, path), padded) for name, path in _sheet_paths(archive).items()}
            return found, _links(archive)
    except SheetError:
        raise
    except Exception as error:  # any fault of the zip or its XML: the file is not what it says
        raise SheetError(f"文件已损坏或格式不规范，打不开。{SAVE_AS}。") from error


def _sheet_paths(archive: zipfile.ZipFile) -> dict[str, str]:
    _refuse_entities(archive, "xl/workbook.xml", "xl/_rels/workbook.xml.rels")
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    sheets = ElementTree.fromstring(archive.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
    paths = {sheet.get("name", ""): _path(targets.get(sheet.get(LINK), "")) for sheet in sheets}
    present = set(archive.namelist())
    return {name: path for name, path in paths.items() if path in present}


def _refuse_entities(archive: zipfile.ZipFile, *paths: str) -> None:
    if any(b"<!DOCTYPE" in archive.read(path) for path in paths):
        raise SheetError(f"文件结构异常（含外部定义），已拒绝读取。{SAVE_AS}。")


def _path(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _pieces(archive: zipfile.ZipFile, path: str) -> Iterator[bytes]:
    """Yield the XML in pieces that each end before a cell or row begins."""
    with archive.open(path) as member:
        rest, first = b"", True
        while piece := member.read(PIECE):
            piece = rest + piece
            if first and b"<!DOCTYPE" in piece:
                raise SheetError(f"文件结构异常（含外部定义），已拒绝读取。{SAVE_AS}。")
            cut = max(piece.rfind(b"<c "), piece.rfind(b"<row "), piece.rfind(b":c "), 0)
            # what is longer than a piece without a cell is no sheet of data
            rest, first = (piece[cut:] if len(piece) - cut < PIECE else b""), False
            yield piece[:cut]
        yield rest


def _scan(pieces: Iterator[bytes], padded: dict[int, int]) -> Scanned:
    found = Scanned()
    for piece in pieces:
        if b't="e"' in piece:
            found.faults.update({column_of(match.decode()): EXCEL_ERROR for match in ERROR_CELL.findall(piece)})
        if b"<f" in piece or (b":c " in piece and b":f" in piece):
            found.faults.update({column_of(match.decode()): FORMULA for match in FORMULA_CELL.findall(piece)})
        if b"hidden=" in piece:
            found.hidden_rows += map(int, HIDDEN_ROW.findall(piece))
            for first, last in HIDDEN_COLUMN.findall(piece):
                found.hidden_columns += range(int(first) - 1, min(int(last), int(first) + MAX_NAMED))
        if padded:
            _widths(piece, padded, found)
    return found


def _widths(piece: bytes, padded: dict[int, int], found: Scanned) -> None:
    for address, style in STYLED_CELL.findall(piece):
        if int(style) in padded:
            found.widths[column_of(address.decode())] = padded[int(style)]


def _padded_styles(archive: zipfile.ZipFile) -> dict[int, int]:
    """Return style → digits for number formats like 000000, with which Excel shows codes with their leading zeros."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    _refuse_entities(archive, "xl/styles.xml")
    root = ElementTree.fromstring(archive.read("xl/styles.xml"))
    formats = {one.get("numFmtId"): one.get("formatCode", "") for one in root.iter(f"{MAIN}numFmt")}
    styles = root.find(f"{MAIN}cellXfs")
    shown = [formats.get(one.get("numFmtId"), "") for one in (styles if styles is not None else ())]
    return {place: len(form) for place, form in enumerate(shown) if re.fullmatch(r"0{2,20}", form)}


def _links(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Refuse links to other programs (DDE); remark on links to other workbooks. They are never followed."""
    names = [name for name in archive.namelist() if name.startswith("xl/externalLinks/")]
    for name in names:
        if b"ddeLink" in archive.read(name) or b"oleLink" in archive.read(name):
            raise SheetError(f"工作簿里有指向其他程序的链接（DDE），已拒绝读取。请删除链接，{SAVE_AS[1:]}。")
    return [("工作簿", "链接了其他文件，链接没有打开")] if names else []
