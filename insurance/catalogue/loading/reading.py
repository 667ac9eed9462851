"""The lines of a catalogue file turned into rows for COPY; everything wrong with them noted, none of it raised.

Each line is looked at once, in Python: what a row must satisfy (width, flag, version, dates, record number, encoding)
then has its line number at hand, and the columns that rows are searched by come from the same split. All else is
left to the database: the line itself goes in as it came.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from insurance.catalogue.initials import initials
from insurance.catalogue.kinds import DAYS, TEXTS, Kind, Source
from insurance.catalogue.loading.moments import read_day, read_moment
from insurance.catalogue.loading.problems import Problems
from insurance.specification.model import Layout

NULL = "null"
# Between columns of a COPY row; TABs stay what they are inside the line. NONE is what COPY reads as NULL.
APART, NONE = "\x1f", "\\N"
COLUMNS = ("rid", *TEXTS, *DAYS, "vali_flag", "ver", "updt_time", "cells")
FLAGS, NOTHING = frozenset((b"0", b"1")), frozenset((b"", NULL.encode()))
NEEDED = ("rid", "vali_flag", "ver")
# What COPY must not meet as it stands.
SPECIAL = (b"\\", b"\r", APART.encode())
# Different days and times that are remembered.
MOST_TOLD = 100_000
VERSION = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9._:+-]{0,39}")
# A B-tree entry has 2,700 bytes; longer texts stay whole in the line.
LONGEST = 500
AGAIN = "请重新更新；仍如此请把行号和原文告诉平台"


class Reader:
    """Reads one file; give it blocks that end with a line feed. `rows` counts, `problems` gathers."""

    def __init__(self, kind: Kind, layout: Layout) -> None:
        self.kind, self.layout, self.problems = kind, layout, Problems()
        self.rows = 0
        self.width = 0
        self.versions: dict[str, bool] = {}
        self._line = 0
        self._blank: list[int] = []
        self._widths: Counter[int] = Counter()
        self._first: dict[int, list[int]] = {}
        self._days: dict[str, str] = {}
        self._moments: dict[str, str] = {}
        self._told_days: dict[bytes, bytes] = {}
        self._told_moments: dict[bytes, bytes] = {}
        self._plan = [self._places(kind.sources[name]) for name in TEXTS]
        self._together = {at for at, name in enumerate(TEXTS) if kind.sources[name].together}
        self._day_places = [self._places(kind.sources[name]) for name in DAYS]
        self._rid, self._flag, self._ver = (layout.positions[name] for name in NEEDED)
        self._updt = layout.positions.get("updt_time", -1)
        self._updt_places = (self._updt,) if self._updt >= 0 else ()
        self._name, self._pinyin = TEXTS.index("name"), TEXTS.index("pinyin")
        self._code = TEXTS.index("code")
        self._most = max(self._rid, self._flag, self._ver, self._updt, *self._all_places()) + 1

    @property
    def greatest(self) -> str:
        """Return the greatest version, compared as text (protocol.md, section 7.1)."""
        return max((ver for ver, sound in self.versions.items() if sound), default="")

    def line_of(self, row: int) -> int:
        """Return the line in which the n-th row stands (both from 1): blank lines are no rows."""
        line = row
        for blank in self._blank:
            if blank > line:
                break
            line += 1
        return line

    def read(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield for each block what COPY takes (COLUMNS, APART between them, NONE for null)."""
        for block in blocks:
            yield self._block(block)
        self._judge_widths()

    # what one column is made of

    def _places(self, source: Source) -> tuple[int, ...]:
        return tuple(self.layout.positions[name] for name in source.names if name in self.layout.positions)

    def _all_places(self) -> list[int]:
        return [place for places in (*self._plan, *self._day_places) for place in places]

    def label(self, place: int) -> str:
        """Return the label of a column, by its place from 0."""
        if place < len(self.layout.columns):
            return self.layout.columns[place].label
        return f"第 {place + 1} 列"

    def _note(self, words: str, place: int, line: int, found: str) -> None:
        found = found.replace("\\\\", "\\").replace("\\x1f", "\x1f").replace("\\r", "\r")
        self.problems.add("error", words, AGAIN, column=self.label(place), line=line, found=found)

    # blocks and lines

    def _block(self, block: bytes) -> bytes:
        text = self._decode(block)
        touched = self._line == 0 or "\ufffd" in text or any(sign in block for sign in SPECIAL)
        text = (_escaped(text) if touched else text).removesuffix("\n")
        made = self._at_once((text.encode() if touched else block.removesuffix(b"\n")).split(b"\n"))
        if made is None:
            lines = enumerate(text.split("\n"), self._line + 1)
            made = [row.encode() for number, line in lines if (row := self._row(line, number))]
        self._line += text.count("\n") + 1
        self.rows += len(made)
        made.append(b"")
        return b"\n".join(made)

    def _at_once(self, lines: list[bytes]) -> list[bytes] | None:
        """Return the rows of a whole block, column by column; None when any cell of it needs a closer look.

        Taking bytes apart costs two thirds of taking text apart. Says the same as `_row` (a test compares the two).
        """
        width = self.width
        if width < self._most or {line.count(b"\t") for line in lines} != {width - 1}:
            return None
        cells = b"\t".join(lines).split(b"\t")
        rids, flags, vers = (cells[place::width] for place in (self._rid, self._flag, self._ver))
        sound = all(self.versions.get(ver.decode()) for ver in set(vers))
        if not sound or not set(flags) <= FLAGS or NOTHING & set(rids):
            return None
        values = [self._whole_text(cells, at) for at in range(len(self._plan))]
        times = [self._whole_time(cells, places, self._told_days, _day_text) for places in self._day_places]
        times.append(self._whole_time(cells, self._updt_places, self._told_moments, _moment_text))
        sound_times = [column for column in times if column is not None]
        too_long = any(max(map(len, column)) > LONGEST for column in values)
        if too_long or len(sound_times) < len(times) or b"" in values[self._code]:
            return None
        pairs = zip(values[self._pinyin], values[self._name], strict=True)
        values[self._pinyin] = [(given or initials(name.decode()).encode()).lower() for given, name in pairs]
        *days, moments = sound_times
        return list(map(APART.encode().join, zip(rids, *values, *days, flags, vers, moments, lines, strict=True)))

    def _whole_text(self, cells: list[bytes], at: int) -> list[bytes]:
        """Return one text column of a block: of each row the first of its places that is not empty, or all of them."""
        columns = [cells[place :: self.width] for place in self._plan[at]]
        if not columns:
            return [b""] * (len(cells) // self.width)
        if at in self._together:
            return [
                b" ".join(value for value in dict.fromkeys(row) if value not in NOTHING)
                for row in zip(*columns, strict=True)
            ]
        found = columns[0]
        for other in columns[1:]:
            if NOTHING.isdisjoint(found):
                return found
            found = [two if one in NOTHING else one for one, two in zip(found, other, strict=True)]
        return found if NOTHING.isdisjoint(found) else [b"" if one in NOTHING else one for one in found]

    def _whole_time(
        self, cells: list[bytes], places: tuple[int, ...], told: dict[bytes, bytes], read: Callable[[str], str]
    ) -> list[bytes] | None:
        """Return one column of days or times of a block, None when one of them cannot be read.

        `told` holds what was read before: most days occur many times.
        """
        if not places:
            return [NONE.encode()] * (len(cells) // self.width)
        found = cells[places[0] :: self.width]
        for place in places[1:]:
            others = cells[place :: self.width]
            found = [two if one in NOTHING else one for one, two in zip(found, others, strict=True)]
        if len(told) > MOST_TOLD:
            told.clear()
        for cell in set(found).difference(told):
            said = NONE if cell in NOTHING else read(cell.decode())
            if said == NONE and cell not in NOTHING:
                return None
            told[cell] = said.encode()
        return list(map(told.__getitem__, found))

    def _row(self, line: str, number: int) -> str:
        cells = line.split("\t")
        if len(cells) != self.width or self.width < self._most:
            line, cells = self._odd_width(line, cells, number)
            if not cells:
                return ""
        values = []
        for places in self._plan:
            for place in places:
                value = cells[place]
                if value and value != NULL:
                    break
            else:
                value = ""
            values.append(value)
        for at in self._together:
            values[at] = self._joined(cells, self._plan[at])
        values[self._pinyin] = (values[self._pinyin] or initials(values[self._name])).lower()
        if len(line) > LONGEST:
            values = _cut_all(values)
        rid, flag, ver = cells[self._rid], cells[self._flag], cells[self._ver]
        if not rid or rid == NULL:
            self._note("缺少唯一记录号", self._rid, number, "")
        if flag not in ("0", "1"):
            self._note("有效标志应为 0 或 1", self._flag, number, flag)
        if not self.versions.get(ver):
            self._judge_version(ver, number)
        if not values[self._code]:
            self._no_code(number)
        days = [self._day(cells, places, number) for places in self._day_places]
        return APART.join((rid, *values, *days, flag, ver, self._moment(cells, number), line))

    @staticmethod
    def _joined(cells: list[str], places: tuple[int, ...]) -> str:
        return " ".join(dict.fromkeys(cells[at] for at in places if cells[at] and cells[at] != NULL))

    def _odd_width(self, line: str, cells: list[str], number: int) -> tuple[str, list[str]]:
        """Return line and cells made fit: a TAB after the last column gone, missing columns null; [] for no row."""
        if not line.strip():
            self._blank.append(number)
            return "", []
        if cells[-1] == "" and len(cells) - 1 == (self.width or len(self.layout.columns)):
            cells.pop()
            line = line[:-1]
        if not self.width:
            self.width = len(cells)
        if len(cells) != self.width:
            self._widths[len(cells)] += 1
            self._first.setdefault(len(cells), []).append(number)
            del self._first[len(cells)][100:]
        return line, cells + [NULL] * (self._most - len(cells))

    # what a cell must be

    def _judge_version(self, ver: str, number: int) -> None:
        if ver not in self.versions and len(self.versions) < 10_000:
            self.versions[ver] = bool(VERSION.fullmatch(ver)) and ver != NULL
        if not self.versions.get(ver):
            words = "版本号应由字母、数字和 . _ - 组成，最长 40 字" if ver not in ("", NULL) else "缺少版本号"
            self._note(words, self._ver, number, "" if ver == NULL else ver)

    def _no_code(self, number: int) -> None:
        place = self._plan[self._code][0] if self._plan[self._code] else 0
        self.problems.add(
            "remark", "没有编码，按编码查不到这些行", "需要时请向平台核实", column=self.label(place), line=number
        )

    def _day(self, cells: list[str], places: tuple[int, ...], number: int) -> str:
        for place in places:
            text = cells[place]
            if text and text != NULL:
                made = self._days.get(text)
                if made is None:
                    made = self._days[text] = _day_text(text)
                if made is NONE:
                    self._note("日期无法识别", place, number, text)
                return made
        return NONE

    def _moment(self, cells: list[str], number: int) -> str:
        text = cells[self._updt] if self._updt >= 0 else ""
        if not text or text == NULL:
            return NONE
        made = self._moments.get(text)
        if made is None:
            if len(self._moments) > MOST_TOLD:
                self._moments.clear()
            made = self._moments[text] = _moment_text(text)
        if made is NONE:
            self._note("时间无法识别", self._updt, number, text)
        return made

    # the file as a whole

    def _judge_widths(self) -> None:
        known = len(self.layout.columns)
        if self._widths:
            self._name_odd_widths()
        elif self.rows and self.width <= max(self._rid, self._flag, self._ver):
            missing = "、".join(self.label(at) for at in (self._rid, self._flag, self._ver) if at >= self.width)
            words = f"每行只有 {self.width} 列（本系统按 {known} 列识别），缺少{missing}"
            self.problems.add("error", words, "请确认下载的是这个目录；是新的文件格式时请联系信息科换用相应的规范版本")
        elif self.rows and self.width != known:
            words = f"每行 {self.width} 列，本系统按 {known} 列识别"
            todo = "缺的列按空处理" if self.width < known else "右侧多出的列原样保留"
            self.problems.add("remark", words, todo)

    def _name_odd_widths(self) -> None:
        odd = sum(self._widths.values())
        self._widths[self.width] += self.rows - odd
        usual, _ = self._widths.most_common(1)[0]
        for width, count in sorted(self._widths.items()):
            if width != usual:
                words = f"列数与其他行不同：多数行 {usual} 列，这些行 {width} 列"
                lines = self._first.get(width, [])
                self.problems.add("error", words, AGAIN, column=f"{width} 列", count=count - len(lines))
                for line in lines:
                    self.problems.add("error", words, AGAIN, column=f"{width} 列", line=line)

    # bytes to text

    def _decode(self, block: bytes) -> str:
        if not self._line:
            block = block.removeprefix(b"\xef\xbb\xbf")
        try:
            text = block.decode("utf-8")
        except UnicodeDecodeError:
            text = block.decode("utf-8", "replace")
            self._name_bytes(block)
        else:
            if "\ufffd" in text:
                self._name_signs(text, "\ufffd", "含有 �：平台的文字在源头已损坏")
        if "\0" in text:
            self._name_signs(text, "\0", "含有空字符（NUL）")
            text = text.replace("\0", "\ufffd")
        return text

    def _name_bytes(self, block: bytes) -> None:
        """Name each cell that is no UTF-8, and what it would be in China's older encoding."""
        for number, line in enumerate(block.split(b"\n"), self._line + 1):
            for place, cell in enumerate(line.split(b"\t")):
                try:
                    cell.decode("utf-8")
                except UnicodeDecodeError:
                    self._name_cell(cell, place, number)

    def _name_cell(self, cell: bytes, place: int, number: int) -> None:
        try:
            found, words = cell.decode("gb18030"), "不是 UTF-8 编码（像是 GBK）"
        except UnicodeDecodeError:
            found, words = cell.decode("utf-8", "replace"), "不是 UTF-8 编码"
        todo = "请重新更新；仍如此请要求平台按 UTF-8 提供文件"
        self.problems.add("error", words, todo, column=self.label(place), line=number, found=found)

    def _name_signs(self, text: str, sign: str, words: str) -> None:
        for number, line in enumerate(text.split("\n"), self._line + 1):
            for place, cell in enumerate(line.split("\t") if sign in line else ()):
                if sign in cell:
                    todo = "可先告诉平台；确认不影响使用后，由有权的人采用"
                    self.problems.add("ask", words, todo, column=self.label(place), line=number, found=cell)


def _escaped(text: str) -> str:
    """Return the text as COPY reads it: a backslash, a bare return and the sign between columns as they were."""
    text = text.replace("\\", "\\\\").replace("\r\n", "\n")
    return text.replace("\r", "\\r").replace(APART, "\\x1f")


def _day_text(text: str) -> str:
    day = read_day(text)
    return day.isoformat() if day else NONE


def _moment_text(text: str) -> str:
    moment = read_moment(text)
    return moment.isoformat() if moment else NONE


def _cut_all(values: list[str]) -> list[str]:
    return [value if len(value) <= LONGEST else _cut(value) for value in values]


def _cut(value: str) -> str:
    """Cut a text for the columns that have indexes, not within an escape."""
    cut = value[:LONGEST]
    return cut[: len(cut.rstrip("\\"))]
