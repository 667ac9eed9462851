"""Source → rows with every problem of every cell, then the importer's own judgement of each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from portal.people.actor import Actor
from portal.sheets.book import Block, Source, letters
from portal.sheets.choices import RowKind
from portal.sheets.columns import Problem, Row
from portal.sheets.columnwise import Converter, Translate
from portal.sheets.controls import Control, Controls
from portal.sheets.converting import tidy
from portal.sheets.errors import SheetError
from portal.sheets.headers import OWN_HEADERS, Chosen, Header, Remembered, find_header, plain
from portal.sheets.importer import Importer, RowResult
from portal.sheets.sieve import TOTAL, Sieve

MAX_SHOWN = 200


@dataclass(frozen=True)
class Ignored:
    """A line, column or sheet that was not taken, and why: never dropped without saying so."""

    place: str
    reason: str
    text: str = ""


@dataclass(slots=True)
class Line:
    """One data line: where its texts stand (`index` in `block`), the row made of them, the importer's judgement."""

    row: Row
    block: Block
    index: int
    kind: RowKind = RowKind.ERROR
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)
    subject: str = ""

    @property
    def texts(self) -> list[str]:
        """Return the texts as given."""
        return [column[self.index] for column in self.block.columns]

    @property
    def faults(self) -> dict[int, str]:
        """Return the reading's remarks on the line's cells, by place."""
        return self.block.faults.get(self.row.number, {})


@dataclass
class Read:
    """A file after its cells were read: header, data lines, what was left out, and its totals."""

    header: Header
    lines: list[Line]
    ignored: list[Ignored]
    controls: list[Control]


class Reader:
    """Reads the lines of one file for an importer, portion by portion; nothing of the file is kept meanwhile.

    Raises SheetError (Unclear where a person can help) when there is no header, no row or too many.
    """

    def __init__(
        self,
        source: Source,
        importer: Importer,
        remembered: Remembered | None = None,
        chosen: Chosen | None = None,
        translate: Translate | None = None,
    ) -> None:
        self.source, self.importer = source, importer
        self.header = find_header(source, importer.columns, remembered, chosen)
        taken = {cell.place: cell.column for cell in self.header.cells if cell.column}
        self.converter, self.sieve, self.sums = Converter(taken, translate), Sieve(self.header), Controls(taken)
        self.strict = [place for place, column in taken.items() if column.kind in ("code", "phone", "document")]
        self.ignored = [*_other_sheets(source, self.header), *_titles(self.header), *_other_columns(self.header)]
        self.count = 0
        self.seen: dict[tuple[object, ...], int] = {}
        self.named = {cell.place for cell in self.header.cells}
        self.nameless: set[int] = set()

    def portions(self) -> Iterator[list[Line]]:
        """Yield the data lines with the problems of their cells, in portions of up to two thousand."""
        for block in self.source.blocks(self.header.at, self.strict):
            block = _below(block, self.header.line)
            lines = self._lines(block) if block.numbers and self.count <= self.importer.max_rows else []
            self.count += len(lines) if lines else len(block.numbers)
            if lines and self.count <= self.importer.max_rows:
                yield lines
        self._name_columns()
        self._check_count()

    def _lines(self, block: Block) -> list[Line]:
        reasons = self.sieve.reasons(block)
        data = _picked(block, [i for i in range(len(block.numbers)) if i not in reasons]) if reasons else block
        rows = self.converter.rows(data)
        self._leave_out(block, reasons, rows)
        beyond = (place for place in range(len(data.columns)) if place not in self.named)
        self.nameless.update(place for place in beyond if any(data.columns[place]))
        lines = [Line(row, data, index) for index, row in enumerate(rows)]
        self._mark_repeated(lines)
        return lines

    def _leave_out(self, block: Block, reasons: Mapping[int, str], rows: list[Row]) -> None:
        """List what is no data, and compare lines of totals with the rows above them."""
        done = 0
        for before, (index, reason) in enumerate(reasons.items()):
            texts = [column[index] for column in block.columns]
            self.ignored.append(Ignored(f"第 {block.numbers[index]} 行", reason, _shown(texts)))
            if reason == TOTAL:
                self.sums.add(rows[done : index - before])
                self.sums.compare(block.numbers[index], texts)
                done = index - before
        self.sums.add(rows[done:])

    def _name_columns(self) -> None:
        offset = self.header.sheet.first_column
        self.ignored += [Ignored(f"{letters(place + offset)} 列", "没有列名") for place in sorted(self.nameless)]

    def _check_count(self) -> None:
        if not self.count:
            raise SheetError(f"第 {self.header.line} 行是表头，下面没有数据。请填好数据后重新上传。")
        if self.count > self.importer.max_rows:
            raise SheetError(f"共 {self.count} 行数据，一次最多导入 {self.importer.max_rows} 行。请分成几个文件上传。")

    def _mark_repeated(self, lines: list[Line]) -> None:
        """Refuse every later line whose key was already seen in the file; an optional part may be empty in both."""
        names = self.importer.key
        if not names or self._all_new(lines, names):
            return
        for line in lines:
            key = tuple(map(line.row.values.get, names))
            if any(part is None and self.importer.column(name).required for part, name in zip(key, names, strict=True)):
                continue
            earlier = self.seen.setdefault(key, line.row.number)
            if earlier != line.row.number:
                labels = "、".join(self.importer.column(name).label for name in names)
                advice = "请删除重复的行后重新导入"
                reason = f"与第 {earlier} 行重复"
                line.row.problems.append(Problem(line.row.number, names[0], labels, reason, str(key[0]), advice=advice))

    def _all_new(self, lines: list[Line], names: Sequence[str]) -> bool:
        """Say whether no key of these lines was seen before, in the file or among themselves, and note them."""
        columns = [[line.row.values.get(name) for line in lines] for name in names]
        keys = list(zip(*columns, strict=True))
        numbers = [line.row.number for line in lines]
        if any(
            None in column and self.importer.column(name).required for column, name in zip(columns, names, strict=True)
        ):
            return False
        if len(set(keys)) < len(keys) or not self.seen.keys().isdisjoint(keys):
            return False
        self.seen.update(zip(keys, numbers, strict=True))
        return True


def read_rows(
    source: Source, importer: Importer, remembered: Remembered | None = None, chosen: Chosen | None = None
) -> Read:
    """Read a small file as a whole. Raises SheetError as Reader does."""
    reader = Reader(source, importer, remembered, chosen)
    lines = [line for portion in reader.portions() for line in portion]
    return Read(reader.header, lines, reader.ignored, reader.sums.found)


def judge(importer: Importer, actor: Actor, lines: Sequence[Line]) -> None:
    """Let the importer judge every line without an error of its own.

    Raises whatever the importer raises; a wrong number of results is a fault of the importer (ValueError).
    """
    good = [line for line in lines if not line.row.problems or line.row.good]
    for line in lines if len(good) < len(lines) else ():
        if line.row.waits:
            line.kind = RowKind.WAITING
    results = importer.check(actor, [line.row for line in good]) if good else ()
    for line, result in zip(good, results, strict=True):
        _take(line, result)


def _take(line: Line, result: RowResult) -> None:
    line.row.problems.extend(result.problems)
    kind = result.kind if type(result.kind) is RowKind else RowKind(result.kind)
    line.kind = kind if not line.row.problems or line.row.good else RowKind.ERROR
    line.changes = result.changes
    line.subject = result.subject
    if line.kind == RowKind.ERROR and line.row.good:
        line.row.problems.append(Problem(line.row.number, "", "", "此行不能导入"))


def _below(block: Block, line: int) -> Block:
    """Return the lines of the block below line `line` of the sheet."""
    if block.numbers[0] > line:
        return block
    return _picked(block, [index for index, number in enumerate(block.numbers) if number > line])


def _picked(block: Block, indexes: Sequence[int]) -> Block:
    columns = [[column[index] for index in indexes] for column in block.columns]
    numbers = [block.numbers[index] for index in indexes]
    return Block(numbers, columns, {n: block.faults[n] for n in numbers if n in block.faults} if block.faults else {})


def _shown(texts: Sequence[str]) -> str:
    return " ".join(text for text in map(tidy, texts) if text)[:MAX_SHOWN]


def _titles(header: Header) -> list[Ignored]:
    return [
        Ignored(f"第 {number} 行", "表头上方的标题", _shown(texts))
        for number, texts in zip(header.titles, header.sheet.rows, strict=False)
    ]


def _other_columns(header: Header) -> list[Ignored]:
    own = {plain(name) for name in OWN_HEADERS}
    unknown = [
        Ignored(f"{cell.letter} 列", "不是要导入的列", cell.header)
        for cell in header.cells
        if cell.column is None and plain(cell.header) not in own
    ]
    return unknown


def _other_sheets(source: Source, header: Header) -> list[Ignored]:
    notes = [Ignored(place, reason) for place, reason in source.notes]
    notes += [Ignored(f"工作表「{header.sheet.name}」", note) for note in header.sheet.notes]
    return notes + [
        Ignored(f"工作表「{sheet.name}」", "没有读取，只导入一个工作表")
        for at, sheet in enumerate(source.sheets)
        if at != header.at and sheet.rows and sheet.name not in OWN_SHEETS
    ]


# The explaining sheet of our own template.
OWN_SHEETS = ("说明",)
