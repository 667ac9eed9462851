"""Book → rows with every problem of every cell, then the importer's own judgement of each row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from portal.people.actor import Actor
from portal.sheets.book import Book, Sheet, letters
from portal.sheets.choices import RowKind
from portal.sheets.columns import ADVICE, Column, Level, Problem, Row, Value
from portal.sheets.converting import Lexicon, Unfit, convert, tidy
from portal.sheets.errors import SheetError
from portal.sheets.headers import OWN_HEADERS, Header, find_header, plain
from portal.sheets.importer import Importer, RowResult

PORTION = 2_000
TOTALS = re.compile(r"^(本页|本月|本年|本科|累计)?(小计|合计|总计|共计|累计)([:：(（].*)?$")
FOOTERS = re.compile(
    r"^(制表|审核|复核|打印|填报|填表|报表|导出|统计|负责人|经办人|备注|说明|注[:：]|第.{1,5}页|共.{1,8}[页条行])"
)
MAX_SHOWN = 200
MAX_KNOWN = 20_000


@dataclass(frozen=True)
class Ignored:
    """A line, column or sheet that was not taken, and why: never dropped without saying so."""

    place: str
    reason: str
    text: str = ""


@dataclass
class Line:
    """One data line: its texts as given, the row made of them, and the importer's judgement.

    `faults` are the reading's remarks by place in `texts`, kept so that the line can be converted anew.
    """

    row: Row
    texts: list[str]
    faults: dict[int, str] = field(default_factory=dict)
    kind: RowKind = RowKind.ERROR
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)
    subject: str = ""


@dataclass
class Read:
    """A file after its cells were read: header, data lines, and what was left out."""

    header: Header
    lines: list[Line]
    ignored: list[Ignored]


def read_rows(book: Book, importer: Importer) -> Read:
    """Find the header and convert every line. Raises SheetError when there is no header, no row or too many."""
    header = find_header(book, importer.columns)
    ignored = [*_other_sheets(book, header), *_titles(header), *_other_columns(header)]
    lines: list[Line] = []
    converter = Converter({cell.place: cell.column for cell in header.cells if cell.column})
    sieve, faults = Sieve(header), _by_line(header.sheet)
    for number, texts in _below(header):
        here = faults.get(number, {})
        reason = sieve.reason(texts, bool(here))
        if reason:
            ignored.append(Ignored(f"第 {number} 行", reason, _shown(texts)))
        else:
            lines.append(Line(converter.row(number, texts, here), texts, here))
    _check_count(lines, importer, header)
    _mark_repeated(lines, importer)
    return Read(header, lines, ignored)


class Converter:
    """Turns lines of text into rows; asks each dictionary once. `columns` maps place in the line → column."""

    def __init__(self, columns: Mapping[int, Column]) -> None:
        lexicons = {column.name: Lexicon(codes) for column in columns.values() if (codes := column.dictionary())}
        self.cells = [(place, column, lexicons.get(column.name), OneColumn()) for place, column in columns.items()]

    def row(self, number: int, texts: Sequence[str], faults: Mapping[int, str]) -> Row:
        """Return the row of line `number` with every problem of its cells."""
        row = Row(number, {})
        for place, column, lexicon, known in self.cells:
            text = texts[place] if place < len(texts) else ""
            value, reason, level = known.get(column, text, faults.get(place, ""), lexicon)
            if level != "error":
                row.values[column.name] = value
            if level:
                advice = ADVICE if level == "error" else "请核对，不影响导入"
                row.problems.append(Problem(number, column.name, column.label, reason, text[:MAX_SHOWN], level, advice))
        return row


class OneColumn:
    """What the cells of one column came to: most cells of a column repeat earlier ones."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], tuple[Value, str, Level | None]] = {}

    def get(self, column: Column, text: str, fault: str, lexicon: Lexicon | None) -> tuple[Value, str, Level | None]:
        """Return value, reason and level of a cell; the level is None where nothing is wrong."""
        found = self.known.get((text, fault))
        if found is None:
            found = _converted(column, text, fault, lexicon)
            if len(self.known) < MAX_KNOWN:
                self.known[(text, fault)] = found
        return found


def _converted(column: Column, text: str, fault: str, lexicon: Lexicon | None) -> tuple[Value, str, Level | None]:
    try:
        value, warning = convert(column, text, fault, lexicon)
    except Unfit as error:
        return None, str(error), "error"
    return value, warning, "warning" if warning else None


def judge(importer: Importer, actor: Actor, lines: Sequence[Line], progress: Callable[[int], None]) -> None:
    """Let the importer judge every line without an error of its own, in portions; `progress` hears lines done.

    Raises whatever the importer raises; a wrong number of results is a fault of the importer (ValueError).
    """
    for start in range(0, len(lines), PORTION):
        portion = lines[start : start + PORTION]
        good = [line for line in portion if line.row.good]
        results = importer.check(actor, [line.row for line in good])
        for line, result in zip(good, results, strict=True):
            _take(line, result)
        progress(start + len(portion))


def _take(line: Line, result: RowResult) -> None:
    line.row.problems.extend(result.problems)
    line.kind = RowKind(result.kind) if line.row.good else RowKind.ERROR
    line.changes = result.changes
    line.subject = result.subject
    if line.kind == RowKind.ERROR and line.row.good:
        line.row.problems.append(Problem(line.row.number, "", "", "此行不能导入"))


def _below(header: Header) -> Iterator[tuple[int, list[str]]]:
    start = header.index + header.height
    return zip(header.sheet.numbers[start:], header.sheet.rows[start:], strict=True)


def _by_line(sheet: Sheet) -> dict[int, dict[int, str]]:
    """Return the sheet's faults as line → place in the line → fault."""
    faults: dict[int, dict[int, str]] = {}
    for (number, column), fault in sheet.faults.items():
        faults.setdefault(number, {})[column - sheet.first_column] = fault
    return faults


class Sieve:
    """Tells data lines from what else stands below a header."""

    def __init__(self, header: Header) -> None:
        cells = [(cell.place, cell.header, cell.column) for cell in header.cells if cell.column]
        self.spellings = [(place, {text, column.label, column.name}) for place, text, column in cells]
        self.enough = max(2, (len(cells) + 1) // 2)
        self.required = [place for place, _, column in cells if column.required]

    def reason(self, texts: list[str], faulty: bool) -> str:
        """Say why a line is no data: a repeated header, a line of totals, a footer; empty when it is data."""
        first = next((text for text in map(tidy, texts) if text), "")
        if not first:
            return "" if faulty else "空白行"
        if self._repeats(texts):
            return "重复的表头"
        if any(TOTALS.match(text.replace(" ", "")) for text in islice(filter(None, map(tidy, texts)), 2)):
            return "小计、合计行"
        if FOOTERS.match(first) and not self._complete(texts) and sum(map(bool, texts)) <= 4:
            return "表尾说明"
        return ""

    def _repeats(self, texts: list[str]) -> bool:
        """Say whether the line names the columns again, by header, label or code."""
        same = sum(1 for place, words in self.spellings if place < len(texts) and texts[place].strip() in words)
        return same >= self.enough

    def _complete(self, texts: list[str]) -> bool:
        return bool(self.required) and all(place < len(texts) and tidy(texts[place]) for place in self.required)


def _shown(texts: Sequence[str]) -> str:
    return " ".join(text for text in map(tidy, texts) if text)[:MAX_SHOWN]


def _titles(header: Header) -> list[Ignored]:
    sheet: Sheet = header.sheet
    return [
        Ignored(f"第 {number} 行", "表头上方的标题", _shown(texts))
        for number, texts in zip(header.titles, sheet.rows, strict=False)
    ]


def _other_columns(header: Header) -> list[Ignored]:
    own = {plain(name) for name in OWN_HEADERS}
    unknown = [
        Ignored(f"{cell.letter} 列", "不是要导入的列", cell.header[:MAX_SHOWN])
        for cell in header.cells
        if cell.column is None and plain(cell.header) not in own
    ]
    named = {cell.place for cell in header.cells}
    beyond = {
        place for _, texts in _below(header) for place, text in enumerate(texts) if place not in named and text.strip()
    }
    offset = header.sheet.first_column
    return unknown + [Ignored(f"{letters(place + offset)} 列", "没有列名") for place in sorted(beyond)]


def _other_sheets(book: Book, header: Header) -> list[Ignored]:
    return [
        Ignored(f"工作表「{sheet.name}」", "没有读取，只导入一个工作表")
        for sheet in book.sheets
        if sheet is not header.sheet and sheet.rows and sheet.name != "说明"
    ]


def _check_count(lines: list[Line], importer: Importer, header: Header) -> None:
    if not lines:
        raise SheetError(f"第 {header.line} 行是表头，下面没有数据。请填好数据后重新上传。")
    if len(lines) > importer.max_rows:
        raise SheetError(f"共 {len(lines)} 行数据，一次最多导入 {importer.max_rows} 行。请分成几个文件上传。")


def _mark_repeated(lines: list[Line], importer: Importer) -> None:
    """Refuse every later line whose key was already seen in the file."""
    if not importer.key:
        return
    seen: dict[tuple[object, ...], int] = {}
    labels = "、".join(importer.column(name).label for name in importer.key)
    for line in lines:
        key = tuple(line.row.values.get(name) for name in importer.key)
        if any(part is None for part in key):
            continue
        earlier = seen.setdefault(key, line.row.number)
        if earlier != line.row.number:
            line.row.problems.append(
                Problem(
                    line.row.number,
                    importer.key[0],
                    labels,
                    f"与第 {earlier} 行重复",
                    str(key[0]),
                    advice="请删除重复的行后重新导入",
                )
            )
