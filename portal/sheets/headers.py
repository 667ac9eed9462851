"""Finding the header among title lines, and what each of its columns means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from portal.sheets.book import Book, Sheet, letters
from portal.sheets.columns import Column
from portal.sheets.errors import SheetError

HEADER_WITHIN = 30
# What our own error file adds, and what a HIS numbers lines with: not worth a remark.
OWN_HEADERS = ("错误原因", "原行号")
REMARK = re.compile(r"[(\[{【].*?[)\]}】]")


@dataclass
class HeaderCell:
    """One column of the sheet: place from 0 in `Sheet.rows`, its header as written, what it means (None: not taken)."""

    place: int
    letter: str
    header: str
    column: Column | None = None


@dataclass
class Header:
    """The header found in `sheet`: which lines it takes, which columns it names, and the title lines above it."""

    sheet: Sheet
    index: int
    height: int
    cells: list[HeaderCell]
    titles: list[int] = field(default_factory=list)

    @property
    def line(self) -> int:
        """Return the line of the sheet, counted from 1, on which the header ends."""
        return self.sheet.numbers[self.index + self.height - 1]

    @property
    def matched(self) -> dict[str, HeaderCell]:
        """Return column name → place."""
        return {cell.column.name: cell for cell in self.cells if cell.column}

    @property
    def score(self) -> int:
        """Return how many columns were recognised."""
        return sum(1 for cell in self.cells if cell.column)


def plain(text: str) -> str:
    """Return a header without what people add to it: width, case, spaces, line breaks, asterisks, colons."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s*:_\-.、·​\ufeff]", "", text)


def names_of(columns: Sequence[Column]) -> dict[str, Column]:
    """Return every plain spelling under which a column may stand."""
    names: dict[str, Column] = {}
    for column in columns:
        for spelling in (column.name, column.label, *column.aliases):
            names.setdefault(plain(spelling), column)
    return names


def find_header(book: Book, columns: Sequence[Column]) -> Header:
    """Return the best header in the first lines of any sheet. Raises SheetError naming what is missing or double."""
    names = names_of(columns)
    found = [header for sheet in book.sheets for header in _candidates(sheet, names)]
    # Of equals the single line wins over two merged ones, then the earlier sheet and the upper line.
    best = max(found, key=lambda header: (header.score, -header.height), default=None)
    if best is None or best.score < min(2, len(columns)):
        wanted = "、".join(column.label for column in columns if column.required) or columns[0].label
        raise SheetError(
            f"前 {HEADER_WITHIN} 行内没有找到表头。表头应含有：{wanted}。请下载模板对照列名，改正后重新上传。"
        )
    _refuse_doubled(best)
    _refuse_missing(best, columns)
    return best


def _candidates(sheet: Sheet, names: dict[str, Column]) -> list[Header]:
    last = min(HEADER_WITHIN, len(sheet.rows))
    found = []
    for index in range(last):
        found.append(_header(sheet, index, 1, names))
        if index + 1 < last:
            found.append(_header(sheet, index, 2, names))
    return found


def _header(sheet: Sheet, index: int, height: int, names: dict[str, Column]) -> Header:
    width = max(len(row) for row in sheet.rows[index : index + height])
    cells = [_cell(sheet, index, height, place, names) for place in range(width)]
    return Header(sheet, index, height, [cell for cell in cells if cell.header], sheet.numbers[:index])


def _cell(sheet: Sheet, index: int, height: int, place: int, names: dict[str, Column]) -> HeaderCell:
    """Name a column; of two merged lines the lower one counts first, then both together, then the upper one."""
    texts = [row[place].strip() if place < len(row) else "" for row in sheet.rows[index : index + height]]
    spellings = texts if height == 1 else [texts[1], "".join(texts), texts[0]]
    column = next((match for text in spellings if text and (match := _match(text, names))), None)
    header = " ".join(" ".join(texts).split())
    return HeaderCell(place, letters(place + sheet.first_column), header, column)


def _match(text: str, names: dict[str, Column]) -> Column | None:
    exact = names.get(plain(text))
    if exact:
        return exact
    # 科室编码（必填）: the remark in brackets counts only where the whole is not a name of its own.
    return names.get(plain(REMARK.sub("", unicodedata.normalize("NFKC", text))))


def _refuse_doubled(header: Header) -> None:
    seen: dict[str, HeaderCell] = {}
    for cell in header.cells:
        if cell.column is None:
            continue
        earlier = seen.setdefault(cell.column.name, cell)
        if earlier is not cell:
            raise SheetError(
                f"第 {header.line} 行表头中「{cell.column.label}」出现两次：{earlier.letter} 列「{earlier.header}」"
                f"和 {cell.letter} 列「{cell.header}」。请删除或改名其中一列后重新上传。"
            )


def _refuse_missing(header: Header, columns: Sequence[Column]) -> None:
    missing = [column.label for column in columns if column.required and column.name not in header.matched]
    if missing:
        raise SheetError(
            f"工作表「{header.sheet.name}」第 {header.line} 行表头缺少必填列：{'、'.join(missing)}。"
            "请补上这些列（可下载模板对照列名）后重新上传。"
        )
