"""Data lines of an import at rest: portions of sealed, compressed JSON, each with its counts."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import Any, TypeVar

from portal.privacy.keys import seal, unseal
from portal.sheets.checking import Line
from portal.sheets.choices import RowKind
from portal.sheets.columns import Problem, Row
from portal.sheets.models import SheetChunk, SheetImport

CHUNK_LINES = 1_000
Found = TypeVar("Found")


def counts_of(lines: Iterable[Line]) -> dict[str, int]:
    """Return how many lines of each kind, and how many errors and warnings there are."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts[line.kind.value] += 1
        for problem in line.row.problems:
            counts[f"{problem.level}s"] += 1
    return dict(counts)


def save(sheet_import: SheetImport, lines: Sequence[Line]) -> Counter[str]:
    """Keep `lines` in place of what was kept, and return their counts. Call it inside a transaction."""
    sheet_import.chunks.all().delete()
    total: Counter[str] = Counter()
    for number, start in enumerate(range(0, len(lines), CHUNK_LINES)):
        chunk = SheetChunk(sheet_import=sheet_import, number=number)
        fill(chunk, lines[start : start + CHUNK_LINES])
        chunk.save()
        total.update(chunk.counts)
    return total


def fill(chunk: SheetChunk, lines: Sequence[Line]) -> None:
    """Put `lines` into `chunk`, without saving it."""
    text = json.dumps([_to_json(line) for line in lines], ensure_ascii=False, separators=(",", ":"))
    chunk.body = seal(zlib.compress(text.encode(), 1))
    chunk.counts = counts_of(lines)


def lines_of(chunk: SheetChunk) -> list[Line]:
    """Return the lines of a chunk. Their rows have problems but no values: those are converted anew when needed."""
    return [_from_json(one) for one in json.loads(zlib.decompress(unseal(bytes(chunk.body))))]


def window(
    sheet_import: SheetImport,
    keys: Sequence[str],
    pick: Callable[[Line], Iterable[Found]],
    start: int,
    size: int,
) -> list[Found]:
    """Return items `start` to `start + size` of what `pick` finds in all lines, opening only the chunks needed.

    `keys` are the counts that together say how many items a chunk has.
    """
    found: list[Found] = []
    before = 0
    for pk, counts in sheet_import.chunks.values_list("pk", "counts"):
        here = sum(counts.get(key, 0) for key in keys)
        if before + here > start and len(found) < size:
            items = [item for line in lines_of(SheetChunk.objects.get(pk=pk)) for item in pick(line)]
            found += items[max(start - before, 0) :][: size - len(found)]
        before += here
    return found


def every_line(sheet_import: SheetImport) -> Iterator[Line]:
    """Yield all lines in file order, one chunk in memory at a time."""
    for chunk in sheet_import.chunks.iterator(chunk_size=1):
        yield from lines_of(chunk)


def _to_json(line: Line) -> dict[str, Any]:
    packed: dict[str, Any] = {"n": line.row.number, "t": line.texts, "k": line.kind.value}
    if line.row.problems:
        packed["p"] = [astuple(problem)[1:] for problem in line.row.problems]
    if line.changes:
        packed["c"] = {name: list(pair) for name, pair in line.changes.items()}
    if line.subject:
        packed["s"] = line.subject
    if line.faults:
        packed["f"] = list(line.faults.items())
    return packed


def _from_json(packed: dict[str, Any]) -> Line:
    number = packed["n"]
    problems = [Problem(number, *rest) for rest in packed.get("p", ())]
    return Line(
        row=Row(number, {}, problems),
        texts=packed["t"],
        kind=RowKind(packed["k"]),
        changes={name: (old, new) for name, (old, new) in packed.get("c", {}).items()},
        subject=packed.get("s", ""),
        faults={int(place): fault for place, fault in packed.get("f", ())},
    )
