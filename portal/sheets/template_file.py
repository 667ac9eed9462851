"""The template that an importer offers: header, drop-downs, text columns, and a sheet that explains."""

from __future__ import annotations

from typing import IO, Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation

from portal.sheets.columns import Column, has_example
from portal.sheets.importer import Importer
from portal.sheets.writing import ERROR_FILL, HEAD_ALIGNMENT, HEAD_FILL, HEAD_FONT, clean

HIDDEN = "_字典"
EXPLAINED = "说明"
LAST_ROW = 20_000
KINDS = {
    "text": "文字", "code": "编码", "number": "数字", "whole": "整数", "date": "日期，如 2026-11-01",
    "datetime": "日期时间，如 2026-11-01 08:30:00", "phone": "电话号码", "document": "证件号码",
}  # fmt: skip
FORMATS = {"number": "General", "whole": "0", "date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm:ss"}
SAMPLE_FONT = Font(italic=True, color="808080")
REQUIRED_FONT = Font(bold=True, color="C00000")


def write_template(importer: Importer, file: IO[bytes]) -> None:
    """Write the template of `importer` as .xlsx. Required columns are red with an asterisk.

    An example stands in grey below the header; a line that is exactly the example is not read.
    """
    book = Workbook()
    sheet = book.active
    sheet.title = importer.label[:31]
    sheet.freeze_panes = "A2"
    sheet.row_dimensions[1].height = 24
    lists = book.create_sheet(HIDDEN)
    lists.sheet_state = "hidden"
    for place, column in enumerate(importer.columns, start=1):
        _head(sheet, place, column)
        _drop_down(sheet, lists, place, column)
        if has_example(importer.columns):
            _sample(sheet, place, column)
    _explain(book.create_sheet(EXPLAINED, 1), importer)
    book.save(file)


def _head(sheet: Any, place: int, column: Column) -> None:
    cell = sheet.cell(1, place, column.label + (" *" if column.required else ""))
    cell.font = REQUIRED_FONT if column.required else HEAD_FONT
    cell.fill, cell.alignment = HEAD_FILL, HEAD_ALIGNMENT
    cell.comment = Comment("\n".join(_lines(column)), "", height=120, width=260)
    dimension = sheet.column_dimensions[get_column_letter(place)]
    dimension.width = max(12, min(len(column.label) * 2 + 6, 40))
    dimension.number_format = FORMATS.get(column.kind, "@")


def _sample(sheet: Any, place: int, column: Column) -> None:
    """Show an example below the header; left standing, it is not imported (sieve.SAMPLE)."""
    if column.sample:
        cell = sheet.cell(2, place, clean(column.sample))
        cell.number_format, cell.font, cell.data_type = "@", SAMPLE_FONT, "s"


def _lines(column: Column) -> list[str]:
    limit = f"，{column.max_length} 字以内" if column.max_length else ""
    lines = [f"{'必填' if column.required else '选填'}：{KINDS[column.kind]}{limit}", f"参数代码：{column.name}"]
    return [*lines, *([column.help] if column.help else []), *([f"示例：{column.sample}"] if column.sample else [])]


def _drop_down(sheet: Any, lists: Any, place: int, column: Column) -> None:
    """Offer the codes of a dictionary with their labels; the importer reads them back by either."""
    entries = choices_of(column)
    if not entries:
        return
    letter = get_column_letter(place)
    for row, entry in enumerate(entries, start=1):
        lists.cell(row, place, entry).number_format = "@"
    source = f"{quote_sheetname(HIDDEN)}!${letter}$1:${letter}${len(entries)}"
    rule = DataValidation(type="list", formula1=source, allow_blank=not column.required)
    rule.errorStyle = "stop" if column.unknown == "error" else "warning"
    rule.errorTitle, rule.error = column.label, "请从下拉列表中选择"
    rule.showErrorMessage = True
    rule.add(f"{letter}2:{letter}{LAST_ROW}")
    sheet.add_data_validation(rule)


def choices_of(column: Column) -> list[str]:
    """Return what a drop-down of the column offers: 「代码 名称」, or the code alone where both are the same."""
    pairs = column.dictionary().items()
    return [clean(code if not label or code == label else f"{code} {label}") for code, label in pairs]


def _explain(sheet: Any, importer: Importer) -> None:
    sheet.append(["列名", "必填", "内容", "最长", "参数代码", "说明", "可填的值", "示例"])
    for cell in sheet[1]:
        cell.font, cell.fill = HEAD_FONT, HEAD_FILL
    for row, column in enumerate(importer.columns, start=2):
        values = choices_of(column)
        shown = "、".join(values[:20]) + (f" 等 {len(values)} 项" if len(values) > 20 else "")
        texts = [
            column.label, "是" if column.required else "", KINDS[column.kind], str(column.max_length or ""),
            column.name, column.help, shown, column.sample,
        ]  # fmt: skip
        for place, text in enumerate(texts, start=1):
            cell = sheet.cell(row, place, clean(text) or None)
            cell.number_format = "@"
        if column.required:
            sheet.cell(row, 2).fill = ERROR_FILL
    if importer.note:
        sheet.cell(len(importer.columns) + 3, 1, clean(importer.note))
    for letter, width in zip("ABCDEFGH", (24, 8, 28, 8, 24, 40, 60, 24), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"
