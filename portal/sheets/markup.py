"""Reading .xls that is really an HTML table or an XML spreadsheet of 2003, as hospital systems export them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from portal.sheets.book import MAX_COLUMNS, MAX_ROWS, Book, Sheet
from portal.sheets.errors import SheetError
from portal.sheets.guards import SAVE_AS
from portal.sheets.text_files import BOMS, decode

CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_-]+)""", re.IGNORECASE)
ROWS = {"tr", "row"}
CELLS = {"td", "th", "cell"}
TABLES = {"table"}
SILENT = {"script", "style", "head", "title"}


def read_markup(data: bytes) -> Book:
    """Read every table of an HTML page or XML spreadsheet as one sheet each. Raises SheetError."""
    reader = _Tables()
    try:
        reader.feed(_text(data))
        reader.close()
    except (AssertionError, ValueError, RecursionError) as error:
        raise SheetError(f"网页格式的表格不完整，读不出。{SAVE_AS}。") from error
    sheets = [sheet for sheet in reader.sheets if sheet.rows]
    if not sheets:
        raise SheetError(f"这是网页或 XML 文件，其中没有表格（可能是登录超时的提示页）。请重新导出，或{SAVE_AS[1:]}。")
    return Book(sheets)


def _text(data: bytes) -> str:
    named = CHARSET.search(data[:4096])
    if named and named[1].lower() in (b"gbk", b"gb2312", b"gb18030", b"gb_2312-80") and not data.startswith(BOMS[0][0]):
        try:
            return data.decode("gb18030")
        except UnicodeDecodeError:
            return decode(data)
    return decode(data)


class _Tables(HTMLParser):
    """Collects the cells of tables; a cell over several rows or columns stands at its upper left."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sheets: list[Sheet] = []
        self.open: list[Sheet] = []
        self.next_name = ""
        self.line = 0
        self.row: list[str] | None = None
        self.cell: list[str] | None = None
        self.below: dict[int, tuple[int, str]] = {}
        self.lines = 0
        self.own = False
        self.width = 1
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a table, row or cell."""
        given = dict(attrs)
        if tag in SILENT:
            self.silent += 1
        elif tag in ("worksheet", "ss:worksheet"):
            self.next_name = given.get("ss:name") or ""
        elif tag in TABLES or tag == "ss:table":
            self._open_table()
        elif tag.removeprefix("ss:") in ROWS:
            self._open_row(given)
        elif tag.removeprefix("ss:") in CELLS and self.row is not None:
            self._open_cell(given)
        elif tag == "br" and self.cell is not None:
            self.cell.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Treat <td/> as an empty cell."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close a table, row or cell."""
        name = tag.removeprefix("ss:")
        if tag in SILENT:
            self.silent = max(self.silent - 1, 0)
        elif name in CELLS:
            self._close_cell()
        elif name in ROWS:
            self._close_row()
        elif name in TABLES:
            self._close_row()
            self.open = self.open[:-1]

    def handle_data(self, data: str) -> None:
        """Take the text of a cell."""
        if self.cell is not None and not self.silent:
            self.cell.append(data)

    def close(self) -> None:
        """Close what a file cut short left open."""
        super().close()
        self._close_row()

    def _open_table(self) -> None:
        self._close_row()
        if len(self.sheets) >= 60:
            raise SheetError(f"网页中的表格太多。{SAVE_AS}。")
        sheet = Sheet(self.next_name or f"表格{len(self.sheets) + 1}", [], [])
        self.sheets.append(sheet)
        self.open.append(sheet)
        self.line, self.below = 0, {}

    def _open_row(self, given: dict[str, str | None]) -> None:
        self._close_row()
        self.line = max(_whole(given.get("ss:index"), 0), self.line + 1)
        self.row, self.own = [], False

    def _open_cell(self, given: dict[str, str | None]) -> None:
        self._close_cell()
        assert self.row is not None
        index = _whole(given.get("ss:index"), 0)
        self._fill(min(index - 1, MAX_COLUMNS))
        self.width = (
            _whole(given.get("colspan"), 1) if "colspan" in given else _whole(given.get("ss:mergeacross"), 0) + 1
        )
        self.lines = _whole(given.get("rowspan"), 1) - 1 or _whole(given.get("ss:mergedown"), 0)
        self.cell = []

    def _fill(self, upto: int) -> None:
        """Put empty cells up to a place, and below a cell over several lines what it says."""
        assert self.row is not None
        while len(self.row) < upto or self.below.get(len(self.row), (0, ""))[0] >= self.line:
            last, text = self.below.get(len(self.row), (0, ""))
            self.row.append(text if last >= self.line else "")
            if len(self.row) > MAX_COLUMNS:
                raise SheetError(f"第 {self.line} 行超过 {MAX_COLUMNS} 列。请删除多余的列后再上传。")

    def _remember_below(self, text: str) -> None:
        """Keep what a cell over several lines says for the lines below; of several columns the first has it."""
        assert self.row is not None
        for place in range(len(self.row), len(self.row) + min(self.width, MAX_COLUMNS)) if self.lines > 0 else ():
            self.below[place] = (self.line + self.lines, text if place == len(self.row) else "")

    def _close_cell(self) -> None:
        if self.cell is not None and self.row is not None:
            text = "".join(self.cell).strip()
            self.own = self.own or bool(text)
            self._remember_below(text)
            self.row.append(text)
            self.row.extend([""] * (min(self.width, MAX_COLUMNS) - 1))
            if len(self.row) > MAX_COLUMNS:
                raise SheetError(f"第 {self.line} 行超过 {MAX_COLUMNS} 列。请删除多余的列后再上传。")
        self.cell = None

    def _close_row(self) -> None:
        self._close_cell()
        if self.row and self.own and self.open:
            self._fill(0)
            sheet = self.open[-1]
            if len(sheet.rows) >= MAX_ROWS:
                raise SheetError(f"表格超过 {MAX_ROWS} 行。请分成几个文件上传。")
            sheet.rows.append(self.row)
            sheet.numbers.append(self.line)
        self.row = None


def _whole(text: str | None, default: int) -> int:
    try:
        return max(int(text or default), 0)
    except ValueError:
        return default
