"""Reading .xlsx and .xls through calamine; formulas are never computed, only their stored values taken."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from portal.sheets.book import (
    EXCEL_ERROR,
    FORMULA,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_SHEETS,
    Book,
    Faults,
    Sheet,
    column_of,
)
from portal.sheets.cells import text_of
from portal.sheets.errors import SheetError
from portal.sheets.guards import SAVE_AS

ERROR_CELL = re.compile(rb'<c r="([A-Z]{1,3}[0-9]{1,7})"[^>]*\bt="e"')
BARE_FORMULA = re.compile(
    rb'<c r="([A-Z]{1,3}[0-9]{1,7})"[^>]*>\s*<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>'
)
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_workbook(data: bytes, kind: str) -> Book:
    """Read the visible worksheets of an Excel file. Raises SheetError; `kind` is "xlsx" or "xls"."""
    try:
        return _read(data, kind)
    except CalamineError as error:
        raise SheetError(f"文件已损坏或格式不规范，打不开。{SAVE_AS}。") from error
    except BaseException as error:
        # A panic of the Rust reader is not an Exception; it means the same to the person: unreadable.
        if type(error).__name__ != "PanicException":
            raise
        raise SheetError(f"文件内容异常，读取时出错。{SAVE_AS}。") from error


def _read(data: bytes, kind: str) -> Book:
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    names = [
        meta.name
        for meta in workbook.sheets_metadata
        if meta.typ == SheetTypeEnum.WorkSheet and meta.visible == SheetVisibleEnum.Visible
    ]
    if len(names) > MAX_SHEETS:
        raise SheetError(f"工作簿有 {len(names)} 个工作表，最多 {MAX_SHEETS} 个。请只保留要导入的工作表。")
    faults = xlsx_faults(data) if kind == "xlsx" else {}
    return Book([_sheet(workbook.get_sheet_by_name(name), faults.get(name, {})) for name in names])


def _sheet(sheet: Any, faults: Faults) -> Sheet:
    if sheet.start is None:
        return Sheet(sheet.name, [], [])
    _check_extent(sheet)
    first_row, first_column = sheet.start
    result = Sheet(sheet.name, [], [], first_column, dict(faults))
    faulty = {line for line, _ in faults}
    for number, cells in enumerate(sheet.to_python(skip_empty_area=True), start=first_row + 1):
        _take_row(result, number, cells, number in faulty)
    return result


def _check_extent(sheet: Any) -> None:
    if sheet.width > MAX_COLUMNS:
        raise SheetError(f"工作表「{sheet.name}」有 {sheet.width} 列，最多 {MAX_COLUMNS} 列。请删除多余的列后再上传。")
    if sheet.height * sheet.width > MAX_CELLS:
        raise SheetError(
            f"工作表「{sheet.name}」的范围异常地大（{sheet.height} 行 × {sheet.width} 列）。"
            "请选中数据以外的空行空列，删除后另存再上传。"
        )


def _take_row(sheet: Sheet, number: int, cells: list[object], faulty: bool) -> None:
    texts = []
    for place, value in enumerate(cells):
        text, fault = (value, "") if isinstance(value, str) else text_of(value)
        texts.append(text)
        if fault:
            sheet.faults[(number, place + sheet.first_column)] = fault
    if faulty or any(texts):
        if len(sheet.rows) >= MAX_ROWS:
            raise SheetError(f"工作表「{sheet.name}」超过 {MAX_ROWS} 行。请分成几个文件上传。")
        sheet.rows.append(texts)
        sheet.numbers.append(number)


def xlsx_faults(data: bytes) -> dict[str, Faults]:
    """Return, by sheet name, the cells that calamine gives as empty though they are errors or bare formulas."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: _scan(archive.read(path)) for name, path in _sheet_paths(archive).items()}
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


def _scan(xml: bytes) -> Faults:
    faults: Faults = {}
    if b't="e"' in xml:
        faults.update({column_of(match.decode()): EXCEL_ERROR for match in ERROR_CELL.findall(xml)})
    if b"<f" in xml:
        faults.update({column_of(match.decode()): FORMULA for match in BARE_FORMULA.findall(xml)})
    return faults
