"""Reading .csv and what is only called .xls but is text with separators; UTF-8, UTF-16 and GB18030."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

from portal.sheets.book import FORMULA, MAX_COLUMNS, MAX_ROWS, Book, Sheet
from portal.sheets.errors import SheetError

SEPARATORS = (",", "\t", ";", "|")
MAX_CELL = 32_767
# ="00123" is how exports keep a code from being taken for a number.
EQUALS_TEXT = re.compile(r'^="([^"]*)"$')
BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def decode(data: bytes) -> str:
    """Return the text of `data`. Raises SheetError with the place where no encoding fits."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return _decode(data, encoding)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode(data, "gb18030")


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        place = getattr(error, "start", 0)
        line = data.count(b"\n", 0, place) + 1
        raise SheetError(
            f"第 {line} 行附近有认不出的字符，文件不是 UTF-8 或 GBK 编码。请在 Excel 中另存为 .xlsx 后再上传。"
        ) from error


def read_text(data: bytes) -> Book:
    """Read a text file with separators as a book of one sheet. Raises SheetError."""
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise SheetError("认不出文件内容（含二进制数据）。请在 Excel 或 WPS 中另存为 .xlsx 后再上传。")
    separator, text = _declared(text)
    sheet = Sheet("文件", [], [])
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=separator or _separator(text)), start=1):
            _take_row(sheet, number, cells)
    except csv.Error as error:
        number = sheet.numbers[-1] + 1 if sheet.numbers else 1
        raise SheetError(
            f"第 {number} 行读不出：引号没有成对，或单元格过长。请在 Excel 中另存为 .xlsx 后再上传。"
        ) from error
    return Book([sheet])


def _declared(text: str) -> tuple[str, str]:
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=[,;\t|]", first):
        return first[4], "\n" + rest
    return "", text


def _separator(text: str) -> str:
    """Return the separator that cuts the first lines into the most regular cells."""
    lines = text[:20_000].split("\n")[:40]
    return max(SEPARATORS, key=lambda sign: _regularity(lines, sign))


def _regularity(lines: list[str], sign: str) -> int:
    widths = Counter(width for line in lines if (width := line.count(sign)))
    return max((width * times for width, times in widths.items()), default=0)


def _take_row(sheet: Sheet, number: int, cells: list[str]) -> None:
    if len(cells) > MAX_COLUMNS:
        raise SheetError(
            f"第 {number} 行有 {len(cells)} 列，最多 {MAX_COLUMNS} 列。请检查分隔符，或另存为 .xlsx 后再上传。"
        )
    if any(len(cell) > MAX_CELL for cell in cells):
        raise SheetError(f"第 {number} 行有单元格超过 {MAX_CELL} 字，可能是引号没有成对。请另存为 .xlsx 后再上传。")
    texts = [_plain(cell) for cell in cells]
    if any(text.strip() for text in texts):
        if len(sheet.rows) >= MAX_ROWS:
            raise SheetError(f"文件超过 {MAX_ROWS} 行。请分成几个文件上传。")
        sheet.rows.append(texts)
        sheet.numbers.append(number)
        for place, text in enumerate(texts):
            if text.startswith("=") and len(text) > 1:
                sheet.faults[(number, place)] = FORMULA


def _plain(cell: str) -> str:
    match = EQUALS_TEXT.match(cell.strip())
    return match[1] if match else cell
