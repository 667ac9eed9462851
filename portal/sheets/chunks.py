"""Data lines of an import at rest: portions of sealed, compressed JSON, each with its counts."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import Any, TypeVar

from portal.privacy.keys import seal, unseal
from portal.sheets.book import Block, by_columns
from portal.sheets.checking import Line
from portal.sheets.choices import RowKind
from portal.sheets.columns import Problem, Row
from portal.sheets.models import SheetChunk, SheetImport

CHUNK_LINES = 2_000
Found = TypeVar("Found")


def counts_of(lines: Sequence[Line]) -> dict[str, int]:
    """Return how many lines of each kind, and how many errors, warnings and waitings there are."""
    counts: Counter[str] = Counter(line.kind.value for line in lines)
    counts.update(f"{problem.level}s" for line in lines for problem in line.row.problems)
    return dict(counts)


class Chunks:
    """Collects the sealed portions of one import, so that all are kept in one short transaction."""

    def __init__(self, sheet_import: SheetImport) -> None:
        self.sheet_import = sheet_import
        self.made: list[SheetChunk] = []
        self.counts: Counter[str] = Counter()

    def add(self, lines: Sequence[Line]) -> None:
        """Seal `lines` into as many portions as they need."""
        for start in range(0, len(lines), CHUNK_LINES):
            chunk = SheetChunk(sheet_import=self.sheet_import, number=len(self.made))
            fill(chunk, lines[start : start + CHUNK_LINES])
            self.counts.update(chunk.counts)
            self.made.append(chunk)

    def save(self) -> None:
        """Keep the portions in place of what was kept. Call it inside a transaction."""
        self.sheet_import.chunks.all().delete()
        SheetChunk.objects.bulk_create(self.made, batch_size=20)


def fill(chunk: SheetChunk, lines: Sequence[Line]) -> None:
    """Put `lines` into `chunk`, without saving it."""
    text = json.dumps(_to_json(lines), ensure_ascii=False, separators=(",", ":"))
    chunk.body = seal(zlib.compress(text.encode(), 1))
    chunk.counts = counts_of(lines)


def lines_of(chunk: SheetChunk) -> list[Line]:
    """Return the lines of a chunk. Their rows have problems but no values: those are converted anew when needed."""
    packed = json.loads(zlib.decompress(unseal(bytes(chunk.body))))
    return [_from_line(one) for one in packed] if isinstance(packed, list) else _from_json(packed)


def block_of(lines: Sequence[Line]) -> Block:
    """Return lines as one block, to be kept or converted anew."""
    block = lines[0].block if lines else Block([], [])
    if all(line.block is block for line in lines):
        if len(lines) == len(block.numbers):
            return block
        indexes = [line.index for line in lines]
        columns = [[column[index] for index in indexes] for column in block.columns]
    else:
        columns = by_columns([line.texts for line in lines])
    numbers = [line.row.number for line in lines]
    return Block(numbers, columns, {line.row.number: line.faults for line in lines if line.faults})


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


def _to_json(lines: Sequence[Line]) -> dict[str, Any]:
    """Return line numbers, texts by column, kinds, and by index what only some lines have."""
    block = block_of(lines)
    return {
        "n": block.numbers,
        "t": block.columns,
        "k": [line.kind.value for line in lines],
        "p": {i: [astuple(one)[1:] for one in line.row.problems] for i, line in enumerate(lines) if line.row.problems},
        "c": {i: line.changes for i, line in enumerate(lines) if line.changes},
        "s": {i: line.subject for i, line in enumerate(lines) if line.subject},
        "f": block.faults,
    }


def _from_json(packed: dict[str, Any]) -> list[Line]:
    kinds = {kind.value: kind for kind in RowKind}
    faults = {int(line): {int(place): one for place, one in found.items()} for line, found in packed["f"].items()}
    block = Block(packed["n"], packed["t"], faults)
    lines = [
        Line(Row(number, {}), block, index, kinds[kind])
        for index, (number, kind) in enumerate(zip(packed["n"], packed["k"], strict=True))
    ]
    for index, problems in packed["p"].items():
        line = lines[int(index)]
        line.row.problems = [Problem(line.row.number, *rest) for rest in problems]
    for index, changes in packed["c"].items():
        lines[int(index)].changes = {name: (old, new) for name, (old, new) in changes.items()}
    for index, subject in packed["s"].items():
        lines[int(index)].subject = subject
    return lines


def _from_line(packed: dict[str, Any]) -> Line:
    """Return a line as it was kept one by one until version 0.2."""
    number = packed["n"]
    faults = {int(place): fault for place, fault in packed.get("f", ())}
    return Line(
        row=Row(number, {}, [Problem(number, *rest) for rest in packed.get("p", ())]),
        block=Block([number], [[text] for text in packed["t"]], {number: faults} if faults else {}),
        index=0,
        kind=RowKind(packed["k"]),
        changes={name: (old, new) for name, (old, new) in packed.get("c", {}).items()},
        subject=packed.get("s", ""),
    )
