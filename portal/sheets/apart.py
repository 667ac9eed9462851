"""Reading in a process of its own, with bounded memory and time, so that no file can take the worker with it."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

from portal.sheets.book import Book
from portal.sheets.errors import SheetError

MEMORY_BYTES = 1536 * 1024 * 1024
CPU_SECONDS = 60
WALL_SECONDS = 120
ROOT = Path(__file__).resolve().parents[2]
TOO_LARGE = (
    "文件太大或结构异常，在限定的内存和时间内读不完，已停止。请删除多余的空行、空列和图片，另存为 .xlsx 后再上传。"
)


def read_apart(data: bytes, name: str) -> Book:
    """Read `data` in a child process. Raises SheetError, also when the child runs out of memory or time."""
    command = [sys.executable, "-I", "-c", "import sys; sys.path.insert(0, sys.argv[1]); "
               "from portal.sheets.apart import main; main(sys.argv[2])", str(ROOT), name]  # fmt: skip
    try:
        done = subprocess.run(
            command, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=WALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SheetError(TOO_LARGE) from error
    if done.returncode != 0:
        raise SheetError(TOO_LARGE)
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise SheetError(answer["refused"])
    return Book.from_json(answer)


def main(name: str) -> None:
    """Be the child: bytes on standard input, the book or a refusal as JSON on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from portal.sheets.reading import read

    try:
        answer = read(sys.stdin.buffer.read(), name).to_json()
    except SheetError as error:
        answer = {"refused": str(error)}
    json.dump(answer, sys.stdout)
