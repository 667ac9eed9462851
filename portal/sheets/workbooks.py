"""Reading .xlsx and .xls through calamine; formulas are never computed and their stored values never trusted."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from portal.sheets.book import (
    BLOCK_LINES,
    HEAD_LINES,
    HEAD_TEXT,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_SHEETS,
    Block,
    LineFaults,
    Sheet,
)
from portal.sheets.cells import column_texts
from portal.sheets.errors import SheetError
from portal.sheets.guards import SAVE_AS
from portal.sheets.merging import Filler
from portal.sheets.scanning import Scanned, scan

# The binary format's formulas are not read: only the results that Excel stored with them.
NO_FORMULAS_SEEN = "看不出哪些单元格是公式，按其保存的结果读取；请核对，或另存为 .xlsx 后再导入"


class Workbook:
    """The visible worksheets of an Excel file, as a Source (book.py). Raises SheetError from any of its methods."""

    def __init__(self, data: bytes, kind: str) -> None:
        """Open `data`; `kind` is "xlsx" or "xls"."""
        with Refusing():
            self.sheets: list[Sheet] = []
            self.notes: list[tuple[str, str]] = []
            self._open(data, kind)

    def _open(self, data: bytes, kind: str) -> None:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        every = [meta for meta in workbook.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
        visible = [meta.name for meta in every if meta.visible == SheetVisibleEnum.Visible]
        hidden = [meta.name for meta in every if meta.visible != SheetVisibleEnum.Visible]
        if len(visible) > MAX_SHEETS:
            raise SheetError(f"工作簿有 {len(visible)} 个工作表，最多 {MAX_SHEETS} 个。请只保留要导入的工作表。")
        with ThreadPoolExecutor(1) as beside:
            scanning = beside.submit(scan, data) if kind == "xlsx" else None
            sheets = [workbook.get_sheet_by_name(name) for name in visible]
            found, self.notes = scanning.result() if scanning else ({}, [])
        self.notes += [(f"工作表「{name}」", "是隐藏的工作表，没有读取") for name in hidden if not name.startswith("_")]
        if kind == "xls":
            self.notes.append((".xls 文件", NO_FORMULAS_SEEN))
        self.bodies = [Body(sheet, found.get(sheet.name, Scanned())) for sheet in sheets]
        self.sheets = [body.head() for body in self.bodies]

    def blocks(self, index: int, strict: Collection[int]) -> Iterator[Block]:
        """Yield the lines of a sheet; see Source."""
        with Refusing():
            yield from self.bodies[index].blocks(strict)


class Refusing:
    """Turns what calamine raises into words."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CalamineError):
            raise SheetError(f"文件已损坏或格式不规范，打不开。{SAVE_AS}。") from error
        # A panic of the Rust reader is not an Exception; it means the same to the person: unreadable.
        if kind is not None and kind.__name__ == "PanicException":
            raise SheetError(f"文件内容异常，读取时出错。{SAVE_AS}。") from error


class Body:
    """One worksheet: its values by calamine, and what was seen in its XML."""

    def __init__(self, sheet: Any, scanned: Scanned) -> None:
        self.sheet, self.scanned = sheet, scanned
        self.first_column = sheet.start[1] if sheet.start else 0
        if sheet.start is not None:
            self._check_extent()
        self.faults: LineFaults = {}
        for (line, column), fault in scanned.faults.items():
            self.faults.setdefault(line, {})[column - self.first_column] = fault
        self.merges = [] if sheet.start is None else (sheet.merged_cell_ranges or [])

    def _check_extent(self) -> None:
        name, width, height = self.sheet.name, self.sheet.width, self.sheet.height
        if width > MAX_COLUMNS:
            raise SheetError(f"工作表「{name}」有 {width} 列，最多 {MAX_COLUMNS} 列。请删除多余的列后再上传。")
        if height * width > MAX_CELLS:
            raise SheetError(
                f"工作表「{name}」的范围异常地大（{height} 行 × {width} 列）。"
                "请选中数据以外的空行空列，删除后另存再上传。"
            )

    def head(self) -> Sheet:
        """Return the first lines of the sheet."""
        head = Sheet(self.sheet.name, [], [], self.first_column, height=self.sheet.total_height or 0)
        head.notes = self.scanned.notes
        block = next(self.blocks(()), None)
        if block is not None:
            head.numbers = block.numbers[:HEAD_LINES]
            head.rows = [[text[:HEAD_TEXT] for text in row] for row in block.rows[:HEAD_LINES]]
        return head

    def blocks(self, strict: Collection[int]) -> Iterator[Block]:
        """Yield the lines with text, counted from 1. Raises SheetError beyond MAX_ROWS."""
        if self.sheet.start is None:
            return
        filler = Filler(self.merges, self.first_column)
        start = self.sheet.start[0]
        rows, number, count = islice(self.sheet.iter_rows(), start, None), start + 1, 0
        while raw := list(islice(rows, BLOCK_LINES)):
            block = self._block(raw, number, strict, filler)
            number += len(raw)
            count += len(block.numbers)
            if count > MAX_ROWS:
                raise SheetError(f"工作表「{self.sheet.name}」超过 {MAX_ROWS} 行。请分成几个文件上传。")
            if block.numbers:
                yield block

    def _block(self, raw: list[list[Any]], first: int, strict: Collection[int], filler: Filler) -> Block:
        numbers = list(range(first, first + len(raw)))
        block = Block(numbers, [])
        for place, values in enumerate(zip(*raw, strict=True)):
            column, faults = column_texts(values, place in strict)
            block.columns.append(column)
            for index, fault in faults.items():
                block.faults.setdefault(first + index, {})[place] = fault
        self._add_seen(block)
        filler.fill(block)
        return without_blank(block)

    def _add_seen(self, block: Block) -> None:
        """Add the faults seen in the XML, and the leading zeros that the cells show."""
        if self.faults:
            for number in block.numbers:
                if number in self.faults:
                    block.faults.setdefault(number, {}).update(self.faults[number])
        for (line, column), width in self.scanned.widths.items() if self.scanned.widths else ():
            index, place = line - block.numbers[0], column - self.first_column
            if 0 <= index < len(block.numbers) and block.columns[place][index].isdigit():
                block.columns[place][index] = block.columns[place][index].zfill(width)


def without_blank(block: Block) -> Block:
    """Return the block without lines that have neither a text nor a fault."""
    keep = [
        any(row) or number in block.faults
        for number, row in zip(block.numbers, zip(*block.columns, strict=True), strict=True)
    ]
    if all(keep):
        return block
    chosen = [index for index, kept in enumerate(keep) if kept]
    columns = [[column[index] for index in chosen] for column in block.columns]
    return Block([block.numbers[index] for index in chosen], columns, block.faults)
