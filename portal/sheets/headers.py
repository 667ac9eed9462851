"""Finding the header among title lines, and what each of its columns means."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from portal.sheets.book import Sheet, Source, letters
from portal.sheets.columns import Column
from portal.sheets.errors import SheetError

HEADER_WITHIN = 30
# What our own error file adds, and what a HIS numbers lines with: not worth a remark.
OWN_HEADERS = ("错误原因", "原行号")
REMARK = re.compile(r"[(\[{【].*?[)\]}】]")
# fingerprint of a header → column name → key of a header (keys_of), as a person once told
Remembered = Mapping[str, Mapping[str, str]]


@dataclass
class HeaderCell:
    """One column of the sheet: place from 0 in `Sheet.rows`, its header as written, what it means (None: not taken)."""

    place: int
    letter: str
    header: str
    column: Column | None = None


@dataclass
class Header:
    """The header found in sheet `at` of the file: its lines, the columns it names, the title lines above it.

    `remembered` is the fingerprint by which a person's earlier 列对应 was applied, else empty.
    """

    sheet: Sheet
    index: int
    height: int
    cells: list[HeaderCell]
    titles: list[int] = field(default_factory=list)
    at: int = 0
    remembered: str = ""

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
        return len(self.matched)

    @property
    def fingerprint(self) -> str:
        """Return what two files with the same headers, in whatever order, have in common."""
        keys = sorted(keys_of(self.cells))
        return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Chosen:
    """What a person said of a file: which sheet, on which line its header begins, and column name → place."""

    sheet: int
    line: int
    height: int
    places: Mapping[str, int]


class Unclear(SheetError):
    """Only a person can say what the columns (or sheets) are; the message says why. The page 列对应 asks."""


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


def keys_of(cells: Sequence[HeaderCell]) -> dict[str, HeaderCell]:
    """Return the cells of a header by plain text; the second 名称 is 名称#2. Our own columns do not count."""
    seen: Counter[str] = Counter()
    own, found = {plain(name) for name in OWN_HEADERS}, {}
    for cell in cells:
        key = plain(cell.header)
        if key and key not in own:
            seen[key] += 1
            found[key if seen[key] == 1 else f"{key}#{seen[key]}"] = cell
    return found


def find_header(
    source: Source, columns: Sequence[Column], remembered: Remembered | None = None, chosen: Chosen | None = None
) -> Header:
    """Return the header by what a person chose, or the best one in the first lines of any sheet.

    Raises Unclear naming what is missing, double, or to be chosen; the person can then say it.
    """
    if chosen is not None:
        return _as_chosen(source, columns, chosen)
    names = names_of(columns)
    found = [
        header for at, sheet in enumerate(source.sheets) for header in _candidates(sheet, at, names, remembered or {})
    ]
    # Of equals the single line wins over two merged ones, then the earlier sheet and the upper line.
    best = max(found, key=_worth, default=None)
    if best is None or best.score < min(2, len(columns)):
        wanted = "、".join(column.label for column in columns if column.required) or columns[0].label
        raise Unclear(
            f"前 {HEADER_WITHIN} 行内没有找到表头。表头应含有：{wanted}。"
            "请指定表头行和各列的含义，或下载模板对照列名，改正后重新上传。"
        )
    _refuse_doubled(best)
    refuse_missing(best, columns)
    _refuse_several(best, found, columns)
    return best


def _worth(header: Header) -> tuple[bool, int, int]:
    return bool(header.remembered), header.score, -header.height


def _as_chosen(source: Source, columns: Sequence[Column], chosen: Chosen) -> Header:
    sheet = source.sheets[min(chosen.sheet, len(source.sheets) - 1)]
    if chosen.line not in sheet.numbers:
        raise Unclear(f"工作表「{sheet.name}」第 {chosen.line} 行没有内容，不能作表头。请重新指定表头行。")
    index = sheet.numbers.index(chosen.line)
    header = _header(sheet, index, min(chosen.height, len(sheet.rows) - index), {})
    header.at = chosen.sheet
    by_place = {place: name for name, place in chosen.places.items()}
    by_name = {column.name: column for column in columns}
    for cell in header.cells:
        cell.column = by_name.get(by_place.get(cell.place, ""))
    refuse_missing(header, columns)
    return header


def header_at(sheet: Sheet, at: int, index: int, height: int, columns: Sequence[Column]) -> Header:
    """Return the header that would begin on `sheet.rows[index]`, with what matches by itself."""
    header = _header(sheet, index, height, names_of(columns))
    header.at = at
    return header


def _candidates(sheet: Sheet, at: int, names: dict[str, Column], remembered: Remembered) -> list[Header]:
    last = min(HEADER_WITHIN, len(sheet.rows))
    found = [_header(sheet, index, 1, names) for index in range(last)]
    found += [_header(sheet, index, 2, names) for index in range(last - 1)]
    by_name = {column.name: column for column in names.values()}
    for header in found:
        header.at = at
        _remember(header, by_name, remembered.get(header.fingerprint))
    return found


def _remember(header: Header, by_name: Mapping[str, Column], told: Mapping[str, str] | None) -> None:
    """Apply what a person once said of exactly these headers."""
    if told is None:
        return
    header.remembered = header.fingerprint
    keys = keys_of(header.cells)
    for cell in header.cells:
        cell.column = None
    for name, key in told.items():
        if name in by_name and key in keys:
            keys[key].column = by_name[name]


def _header(sheet: Sheet, index: int, height: int, names: dict[str, Column]) -> Header:
    width = max(len(row) for row in sheet.rows[index : index + height])
    lines = [[row[place].strip() if place < len(row) else "" for place in range(width)]
             for row in sheet.rows[index : index + height]]  # fmt: skip
    parents = _spread(lines[0], lines[-1]) if height == 2 else [""] * width
    cells = [_cell(sheet, place, [line[place] for line in lines], parents[place], names) for place in range(width)]
    return Header(sheet, index, height, [cell for cell in cells if cell.header], sheet.numbers[:index])


def _spread(upper: list[str], lower: list[str]) -> list[str]:
    """Return the upper of two header lines with each merged text repeated over the columns that it heads."""
    parents, last = [], ""
    for text, below in zip(upper, lower, strict=True):
        last = text or (last if below else "")
        parents.append(last)
    return parents


def _cell(sheet: Sheet, place: int, texts: list[str], parent: str, names: dict[str, Column]) -> HeaderCell:
    """Name a column; of two merged lines both together count first, then the lower one, then the upper one."""
    upper, lower = texts[0], texts[-1]
    spellings = [upper]
    if len(texts) == 2:
        # a cell merged over both lines is filled down: it is one text, not two
        spellings = [parent + lower, lower, upper] if lower and lower != parent else [upper or lower]
    column = next((match for text in spellings if text and (match := _match(text, names))), None)
    header = " ".join(" ".join([parent, lower] if len(texts) == 2 and lower and lower != parent else [upper]).split())
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
            raise Unclear(
                f"第 {header.line} 行表头中「{cell.column.label}」出现两次：{earlier.letter} 列「{earlier.header}」"
                f"和 {cell.letter} 列「{cell.header}」。请指定用哪一列，或删除其中一列后重新上传。"
            )


def refuse_missing(header: Header, columns: Sequence[Column]) -> None:
    """Raise Unclear naming the required columns that no header means."""
    missing = [column.label for column in columns if column.required and column.name not in header.matched]
    if missing:
        raise Unclear(
            f"工作表「{header.sheet.name}」第 {header.line} 行表头缺少必填列：{'、'.join(missing)}。"
            "请指定文件中的哪一列是这些列，或补上后重新上传（可下载模板对照列名）。"
        )


def _refuse_several(best: Header, found: list[Header], columns: Sequence[Column]) -> None:
    """Ask which sheet is meant when several have all required columns and lines below their header."""
    required = {column.name for column in columns if column.required}
    names = {
        header.at: header.sheet.name
        for header in found
        if header.score >= max(2, best.score - 1)
        and required <= header.matched.keys()
        and len(header.sheet.rows) > header.index + header.height
    }
    if len(names) > 1:
        words = "、".join(f"「{name}」" for _, name in sorted(names.items()))
        raise Unclear(f"文件中有 {len(names)} 个工作表都像要导入的数据：{words}。一次导入一个，请选择工作表。")
