"""Texts → rows with every problem of every cell, a column at a time: most cells of a column repeat or are clean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from portal.sheets.book import Block
from portal.sheets.columns import ADVICE, Column, Level, Problem, Row, Value
from portal.sheets.converting import Lexicon, Unfit, Unmapped, convert, tidy
from portal.sheets.quick import NOT_CLEAN, clean_column, quick_reader

MAX_SHOWN = 200
MAX_KNOWN = 50_000
# dictionary, values → code by value; None where nobody has mapped the value
Translate = Callable[[str, Sequence[str]], Mapping[str, str | None]]
ADVICES: dict[Level, str] = {
    "error": ADVICE,
    "warning": "请核对，不影响导入",
    "waiting": "请在「值对照」中对上；对上后此行自动重新校验，不必重新上传",
}


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a text in a column. With `keeps` the row says nothing of it, as if it were left out."""

    reason: str
    level: Level
    keeps: bool = False

    def problem(self, number: int, column: Column, text: str) -> Problem:
        """Return the problem of the cell on line `number`."""
        return Problem(
            number, column.name, column.label, self.reason, text[:MAX_SHOWN], self.level, ADVICES[self.level]
        )


# Our own exports hide persons; what was hidden comes back as it went out (陈*, 138****5678) and changes nothing.
HIDDEN = Flaw("是脱敏后的内容，本次不改原值", "warning", keeps=True)


class OneColumn:
    """What the texts of one column came to, each looked at once."""

    def __init__(self, column: Column, place: int) -> None:
        self.column, self.place = column, place
        codes = column.dictionary()
        self.lexicon = Lexicon(codes, column.spellings) if codes else None
        self.quick = quick_reader(column)
        self.values: dict[str, Value] = {}
        self.flaws: dict[str, Flaw] = {}
        self.asked: set[str] = set()
        self.flawed = False

    def learn(self, texts: Iterable[str]) -> None:
        """Look at texts not seen before."""
        if len(self.values) > MAX_KNOWN:
            self.values, self.flaws, self.asked = {}, {}, set()
        quick, hides = self.quick, bool(self.column.masked_as)
        for text in set(texts) - self.values.keys():
            value: object = quick(text) if quick and not (hides and "*" in text) else NOT_CLEAN
            if value is NOT_CLEAN:
                self._learn(text)
            else:
                self.values[text] = value  # type: ignore[assignment]  # not the mark: a value

    def _learn(self, text: str) -> None:
        self.values[text], flaw = self.judge(text, "")
        if flaw:
            self.flaws[text] = flaw

    def judge(self, text: str, fault: str) -> tuple[Value, Flaw | None]:
        """Return value and flaw of a cell with the reading's remark on it."""
        if self.column.masked_as and "*" in text:
            return None, HIDDEN
        try:
            value, warning = convert(self.column, text, fault, self.lexicon)
        except Unmapped as error:
            return None, Flaw(str(error), "waiting")
        except Unfit as error:
            return None, Flaw(str(error), "error")
        return value, Flaw(warning, "warning") if warning else None

    def translate(self, found: Mapping[str, str | None]) -> None:
        """Take what 值对照 answered for the texts that wait: code, or None where nobody has mapped the value yet."""
        for text, code in found.items():
            if code is not None and text in self.flaws:
                self.values[text], flaw = self.judge(code, "")
                if flaw:
                    self.flaws[text] = flaw
                else:
                    del self.flaws[text]

    def waiting(self, texts: Iterable[str]) -> list[str]:
        """Return those of `texts` that only 值对照 can make right."""
        if not self.column.dictionary_code or not self.flaws:
            return []
        return sorted(text for text in set(texts) & self.flaws.keys() if self.flaws[text].level == "waiting")


class Converter:
    """Turns blocks of text into rows. `columns` maps place in the line → column.

    `translate` asks 值对照 for values outside a dictionary; `missing` is dictionary → values it does not know either.
    """

    def __init__(self, columns: Mapping[int, Column], translate: Translate | None = None) -> None:
        self.translate = translate
        self.missing: dict[str, set[str]] = {}
        self.cells = [OneColumn(column, place) for place, column in columns.items()]
        self.names = [column.name for column in columns.values()]

    def _column(self, block: Block, cell: OneColumn) -> list[Value]:
        """Return the values of one column: all at once where they are clean, else each different text once."""
        texts = texts_at(block, cell.place)
        hidden = bool(cell.column.masked_as) and "*" in "".join(texts)
        values = None if hidden else clean_column(cell.column, texts)
        cell.flawed = values is None
        if values is not None:
            return values
        cell.learn(texts)
        waiting = cell.waiting(texts)
        if waiting:
            self._translate(cell, waiting)
        return list(map(cell.values.__getitem__, texts))

    def _translate(self, cell: OneColumn, waiting: list[str]) -> None:
        code = cell.column.dictionary_code
        asked = {text: tidy(text) for text in waiting if text not in cell.asked}
        found = self.translate(code, sorted(set(asked.values()))) if self.translate and asked else {}
        cell.asked |= asked.keys()
        cell.translate({text: found.get(clean) for text, clean in asked.items()})
        left = {clean for text, clean in asked.items() if text in cell.flaws}
        if left:
            self.missing.setdefault(code, set()).update(left)

    def rows(self, block: Block) -> list[Row]:
        """Return the block's rows with every problem of their cells."""
        columns = [self._column(block, cell) for cell in self.cells]
        names = self.names
        rows = [
            Row(number, dict(zip(names, values, strict=True)))
            for number, values in zip(block.numbers, zip(*columns, strict=True), strict=True)
        ]
        for cell in self.cells:
            if cell.flawed:
                self._add_flaws(block, cell, rows)
        if block.faults:
            self._add_faults(block, rows)
        return rows

    def _add_flaws(self, block: Block, cell: OneColumn, rows: list[Row]) -> None:
        texts = texts_at(block, cell.place)
        if not cell.flaws or cell.flaws.keys().isdisjoint(texts):
            return
        for row, text in zip(rows, texts, strict=True):
            flaw = cell.flaws.get(text)
            if flaw and cell.place not in block.faults.get(row.number, ()):
                _put(row, cell.column, flaw, text)

    def _add_faults(self, block: Block, rows: list[Row]) -> None:
        """Judge again the cells on which the reading remarked something."""
        for index, row in enumerate(rows):
            here = block.faults.get(row.number)
            for cell in self.cells if here else ():
                fault = here.get(cell.place) if here else None
                if fault:
                    text = texts_at(block, cell.place)[index]
                    row.values[cell.column.name], flaw = cell.judge(text, fault)
                    if flaw:
                        _put(row, cell.column, flaw, text)

    def row(self, number: int, texts: Sequence[str], faults: Mapping[int, str]) -> Row:
        """Return the row of one line."""
        block = Block([number], [[text] for text in texts], {number: dict(faults)} if faults else {})
        return self.rows(block)[0]


def _put(row: Row, column: Column, flaw: Flaw, text: str) -> None:
    if flaw.level != "warning" or flaw.keeps:
        row.values.pop(column.name, None)
    row.problems.append(flaw.problem(row.number, column, text))


def texts_at(block: Block, place: int) -> list[str]:
    """Return the texts of a column; where the lines end before it, empty ones."""
    return block.columns[place] if place < len(block.columns) else [""] * len(block.numbers)
