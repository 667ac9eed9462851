"""The process that reads a file which may be hostile: bytes in, lines of JSON out, under limits.

It first says what the sheets begin with, is then told which sheet to give, and gives it in blocks.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from portal.sheets.book import Book, Sheet, Source
from portal.sheets.errors import SheetError

MEMORY_BYTES = 1536 * 1024 * 1024
CPU_SECONDS = 60


def main(name: str) -> None:
    """Read the length of the file as eight bytes, then the file, from standard input; answer, and obey one order."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    from portal.sheets.reading import open_source

    given = sys.stdin.buffer
    try:
        source = open_source(given.read(int.from_bytes(given.read(8), "big")), name)
        tell({"sheets": [head_of(source, sheet) for sheet in source.sheets], "notes": source.notes})
        order = given.readline()
        if order:
            asked = json.loads(order)
            give(source, asked["sheet"], asked["strict"])
    except SheetError as error:
        tell({"refused": str(error)})


def head_of(source: Source, sheet: Sheet) -> dict[str, Any]:
    """Return what is told of a sheet. Of a text, which is in memory as a whole, only the beginning."""
    head = asdict(sheet) | {"faults": []}
    if isinstance(source, Book):
        from portal.sheets.book import HEAD_LINES, HEAD_TEXT

        head["height"] = len(sheet.rows)
        head["numbers"] = sheet.numbers[:HEAD_LINES]
        head["rows"] = [[text[:HEAD_TEXT] for text in row] for row in sheet.rows[:HEAD_LINES]]
    return head


def give(source: Source, index: int, strict: Collection[int]) -> None:
    """Write all blocks of a sheet, and that it is the end."""
    for block in source.blocks(index, set(strict)):
        tell({"numbers": block.numbers, "columns": block.columns, "faults": list(block.faults.items())})
    tell({"end": True})


def tell(what: dict[str, Any]) -> None:
    """Write one line of JSON at once."""
    sys.stdout.write(json.dumps(what, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()
