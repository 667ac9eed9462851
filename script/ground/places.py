"""Where things lie, how they are locked, and how a person is spoken to."""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Fault(Exception):
    """Something is missing or broken; the message is Chinese and says what to do."""


class Busy(Exception):
    """Another process holds the lock; `holder` is what it wrote into the lock file."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


def run_dir(default: str = ".run") -> Path:
    """Return the folder of everything that is made at run time (RUN_DIR), making it when absent."""
    path = Path(os.environ.get("RUN_DIR") or ROOT / default).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def say(words: str) -> None:
    """Print one line for the person at the terminal."""
    try:
        sys.stdout.write(words + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # the terminal is gone; the servers are still to be stopped in order


def digest(paths: Iterable[Path]) -> str:
    """Return one digest of the contents of `paths`; an absent file counts as empty."""
    kept = hashlib.sha256()
    for path in paths:
        body = path.read_bytes() if path.is_file() else b""
        kept.update(f"{path.name}:{len(body)}:".encode() + body)
    return kept.hexdigest()


def free_port(wanted: int | None = None) -> int:
    """Return `wanted` when it is free on 127.0.0.1, else a free port."""
    for port in (wanted, 0):
        if port is not None and (found := _bind(port)) is not None:
            return found
    raise Fault("没有空闲端口")


def first_free_port(start: int) -> int:
    """Return the first free port from `start` on."""
    for port in range(start, min(start + 100, 65536)):
        if _bind(port) is not None:
            return port
    return free_port()


def _bind(port: int) -> int | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


@contextmanager
def lock(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock file `path`, with our process id in it. Raises Busy when it is held and `wait` is False."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise Busy(os.pread(handle, 1000, 0).decode()) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
