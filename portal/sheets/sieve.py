"""Telling data lines from what else stands below a header: repeated headers, totals, footers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from portal.sheets.book import Block
from portal.sheets.columns import has_example
from portal.sheets.converting import tidy
from portal.sheets.headers import Header

TOTALS = re.compile(r"^(本页|本月|本年|本科|本日|当日)?(小计|合计|总计|共计|累计)([:：(（].*)?$")
TOTAL_AFTER = re.compile(r"^\S{1,20}(小计|合计|总计)$")
FOOTERS = re.compile(
    r"^(制表|审核|复核|打印|填报|填表|报表|导出|统计|负责人|经办人|备注|说明|注[:：]|第.{1,5}页|共.{1,8}[页条行])"
)
# Whether any of many texts, one a line, may begin a line that is no data.
ODD = re.compile(
    r"计|^[\s\u200b-\u200d\u2060\ufeff]*(?:$|制表|审核|复核|打印|填报|填表|报表|导出|统计"
    r"|负责人|经办人|备注|说明|注|第|共)",
    re.MULTILINE,
)
WORD = re.compile(r"(本页|本月|本年|本科|本日|当日)?(小计|合计|总计|共计|累计)")
BLANK, REPEATED, TITLE, TOTAL, FOOTER = "空白行", "重复的表头", "重复的标题", "小计、合计行", "表尾说明"
SAMPLE = "模板的示例行"


class Sieve:
    """Tells, block by block, which lines are no data and why."""

    def __init__(self, header: Header) -> None:
        cells = [(cell.place, cell.header, cell.column) for cell in header.cells if cell.column]
        rows = [[text.strip() for text in row] for row in header.sheet.rows[: header.index + header.height]]
        last = rows[-1]
        self.spellings = {
            place: {text, column.label, column.name, last[place] if place < len(last) else text} - {""}
            for place, text, column in cells
        }
        self.enough = max(2, (len(cells) + 1) // 2)
        self.required = [place for place, _, column in cells if column.required]
        self.seen = {tuple(filter(None, row)): TITLE if at < header.index else REPEATED for at, row in enumerate(rows)}
        self.exemplary = has_example(column for _, _, column in cells)
        self.samples = {place: column.sample for place, _, column in cells}
        self.sampled = next(((place, sample) for place, sample in self.samples.items() if sample), None)
        self.firsts = {line[0] for line in self.seen if line}

    def reasons(self, block: Block) -> dict[int, str]:
        """Return index in the block → why the line is no data."""
        found = {}
        for index in sorted(self._suspects(block)):
            texts = [column[index] for column in block.columns]
            reason = self.reason(texts, block.numbers[index] in block.faults)
            if reason:
                found[index] = reason
        return found

    def _suspects(self, block: Block) -> set[int]:
        """Return the lines worth a look: cheap questions to whole columns leave out almost all of them."""
        suspects: set[int] = set()
        for place, spellings in self.spellings.items():
            if place < len(block.columns):
                suspects |= _where(block.columns[place], spellings)
        if self.sampled and self.sampled[0] < len(block.columns):
            suspects |= _where(block.columns[self.sampled[0]], {self.sampled[1]})
        for place, column in enumerate(block.columns):
            if place < 2:
                suspects |= self._odd_lines(column)
            else:
                suspects |= _where(column, _total_words(column))
        return suspects

    def _odd_lines(self, column: Sequence[str]) -> set[int]:
        texts = set(column)
        if not ODD.search("\n".join(texts)) and "" not in texts and self.firsts.isdisjoint(texts):
            return set()
        return _where(column, {text for text in texts if self._odd(text)})

    def _odd(self, text: str) -> bool:
        """Say whether a line that begins so may be no data; a blank beginning says nothing."""
        if text.isascii() and text.strip():
            return text in self.firsts
        clean = tidy(text)
        return not clean or clean in self.firsts or bool(WORD.search(clean) or FOOTERS.match(clean))

    def reason(self, texts: Sequence[str], faulty: bool) -> str:
        """Say why a line is no data: a repeated header, a line of totals, a footer; empty when it is data."""
        given = [text for text in map(tidy, texts) if text]
        if not given:
            return "" if faulty else BLANK
        if self._repeats(texts):
            return REPEATED
        if self._is_sample(texts):
            return SAMPLE
        seen = self.seen.get(tuple(text.strip() for text in texts if text.strip()))
        if seen and not self._complete(texts):
            return seen
        if self._totals(given, texts):
            return TOTAL
        if FOOTERS.match(given[0]) and not self._complete(texts) and len(given) <= 4:
            return FOOTER
        return ""

    def _totals(self, given: Sequence[str], texts: Sequence[str]) -> bool:
        words = [text.replace(" ", "") for text in given]
        if any(TOTALS.match(word) for word in words[:2]):
            return True
        return not self._complete(texts) and any(TOTALS.match(word) or TOTAL_AFTER.match(word) for word in words)

    def _is_sample(self, texts: Sequence[str]) -> bool:
        """Say whether the line is the example that our own template came with, left standing."""
        return self.exemplary and all(
            place < len(texts) and tidy(texts[place]) == sample for place, sample in self.samples.items()
        )

    def _repeats(self, texts: Sequence[str]) -> bool:
        """Say whether the line names the columns again, by header, label or code."""
        same = sum(1 for place, words in self.spellings.items() if place < len(texts) and texts[place].strip() in words)
        return same >= self.enough

    def _complete(self, texts: Sequence[str]) -> bool:
        return bool(self.required) and all(place < len(texts) and tidy(texts[place]) for place in self.required)


def _where(column: Sequence[str], words: Iterable[str]) -> set[int]:
    wanted = words if isinstance(words, set) else set(words)
    if not wanted or wanted.isdisjoint(column):
        return set()
    return {index for index, text in enumerate(column) if text in wanted}


def _total_words(column: Sequence[str]) -> set[str]:
    """Return the texts of a column that may be words of totals; almost always none."""
    if "计" not in "".join(column):
        return set()
    return {text for text in set(column) if text and len(text) <= 24 and WORD.search(text)}


def word_of(texts: Sequence[str]) -> str:
    """Return the word that a line of totals begins with: 小计, 本页合计 …"""
    for text in texts:
        match = WORD.search(text.replace(" ", "")) if text else None
        if match:
            return match[0]
    return "合计"
