"""Reading in a process of its own, with bounded memory and time, so that no file can take the worker with it.

What comes from the child is JSON and nothing else: a child that hostile bytes took over could otherwise answer with
a pickle.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any

from portal.sheets.book import Block, Sheet
from portal.sheets.errors import SheetError

WALL_SECONDS = 120.0
# A line of JSON from the child: a block, or the beginnings of all sheets.
MAX_LINE = 192 * 1024 * 1024
ROOT = Path(__file__).resolve().parents[2]
TOO_LARGE = (
    "文件太大或结构异常，在限定的内存和时间内读不完，已停止。请删除多余的空行、空列和图片，另存为 .xlsx 后再上传。"
)
CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from portal.sheets.child import main; main(sys.argv[2])"


class Remote:
    """A file that a child reads, as a Source (book.py). One sheet can be asked for, once."""

    def __init__(self, child: subprocess.Popen[bytes], data: bytes) -> None:
        self.child = child
        self._say(len(data).to_bytes(8, "big") + data)
        answer = self._line()
        self.sheets = [Sheet(**one | {"faults": {}}) for one in answer["sheets"]]
        self.notes = [(place, reason) for place, reason in answer["notes"]]

    def _say(self, what: bytes) -> None:
        assert self.child.stdin is not None
        try:
            self.child.stdin.write(what)
            self.child.stdin.flush()
        except BrokenPipeError as error:
            raise SheetError(TOO_LARGE) from error

    def _line(self) -> dict[str, Any]:
        """Return the child's next answer. Raises SheetError, also when the child died of its limits."""
        assert self.child.stdout is not None
        line = self.child.stdout.readline(MAX_LINE)
        if not line.endswith(b"\n"):
            raise SheetError(TOO_LARGE)
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            raise SheetError(answer["refused"])
        return answer

    def blocks(self, index: int, strict: Collection[int]) -> Iterator[Block]:
        """Yield the lines of a sheet; see Source."""
        self._say(json.dumps({"sheet": index, "strict": list(strict)}).encode() + b"\n")
        while "end" not in (answer := self._line()):
            faults = {line: {int(place): fault for place, fault in found.items()} for line, found in answer["faults"]}
            yield Block(answer["numbers"], answer["columns"], faults)


@contextmanager
def open_apart(data: bytes, name: str) -> Iterator[Remote]:
    """Let a child read `data`. Raises SheetError, also when the child runs out of memory or time."""
    child = subprocess.Popen(
        [sys.executable, "-I", "-c", CHILD, str(ROOT), name],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    timer = Timer(WALL_SECONDS, child.kill)
    timer.start()
    try:
        yield Remote(child, data)
    finally:
        timer.cancel()
        child.kill()
        with suppress(BrokenPipeError):
            child.communicate()
