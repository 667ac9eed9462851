"""Dirty catalogue files: what hospitals have been given instead of a clean one (protocol 7.5, 7.6)."""

from __future__ import annotations

import re
from collections.abc import Callable

from insurance.sandbox.faults import Fault

JAVA = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d\d:\d\d:\d\d) CST (\d{4})")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Lines = list[str]


def soil(text: bytes, fault: Fault) -> bytes:
    """Return a file's text as the fault makes it; option `rows` says how many rows are meant (1)."""
    if fault.fault == "empty_file":
        return b""
    lines = DIRT[fault.fault](text.decode().splitlines(), max(1, int(str(fault.options.get("rows", 1)))))
    written = "".join(f"{line}\n" for line in lines)
    return written.encode("gb18030") if fault.fault == "gbk" else written.encode()


def _iso(lines: Lines, rows: int) -> Lines:
    return [JAVA.sub(lambda m: f"{m[4]}-{MONTHS.index(m[1]) + 1:02d}-{m[2]} {m[3]}", line) for line in lines]


def _bad_dates(lines: Lines, rows: int) -> Lines:
    """Days that no calendar has."""
    bad = [re.sub(r"\d{4}-\d\d-\d\d", "2024-13-41", JAVA.sub("昨天", line)) for line in lines[:rows]]
    return bad + lines[rows:]


def _duplicate(lines: Lines, rows: int) -> Lines:
    """The first rows once more at the end, with another name under the same rid."""
    again = []
    for line in lines[:rows]:
        cells = line.split("\t")
        cells[1] = f"{cells[1]}（重复）"
        again.append("\t".join(cells))
    return lines + again


def _broken(lines: Lines, rows: int) -> Lines:
    """A line break in the middle of a row."""
    halves = [half for line in lines[:rows] for half in (line[: len(line) // 2], line[len(line) // 2 :])]
    return halves + lines[rows:]


DIRT: dict[str, Callable[[Lines, int], Lines]] = {
    "empty_file": lambda lines, rows: [],
    "gbk": lambda lines, rows: lines,
    "fewer_columns": lambda lines, rows: ["\t".join(line.split("\t")[: -max(1, rows)]) for line in lines],
    "more_columns": lambda lines, rows: [line + "\t附加" * rows for line in lines],
    "iso_dates": _iso,
    "bad_dates": _bad_dates,
    "duplicate_rid": _duplicate,
    "lost_rows": lambda lines, rows: lines[:-rows],
    "broken_row": _broken,
}
