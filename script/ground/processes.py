"""Child processes: started in sessions of their own, watched, restarted, stopped to the last grandchild."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ground.places import run_dir, say

LOG_BYTES = 10 * 1024 * 1024
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0
PR_SET_PDEATHSIG = 1


@dataclass
class Program:
    """One long-running child. `user` is a uid and gid to run as (root only); `patience` is in seconds."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    stop_signal: int = signal.SIGTERM
    patience: float = 10.0
    user: int | None = None
    folder: str | None = None
    stdin: bytes | None = None


class Child:
    """A running Program: restarted by `tend` when it dies, with a pause that doubles up to LONGEST_PAUSE seconds."""

    def __init__(self, program: Program, logs: Path) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self.deaths = 0
        self._pause = 1.0
        self._due = 0.0
        self.process = self._start()

    def tend(self) -> None:
        """Restart the child when it has died and its pause is over."""
        now = time.monotonic()
        if self._due:
            if now >= self._due:
                self._due, self.process = 0.0, self._start()
            return
        if self.process.poll() is None:
            return
        self.deaths += 1
        end_session(self.process.pid)
        self._pause = 1.0 if now - self._started > STEADY_SECONDS else min(self._pause * 2, LONGEST_PAUSE)
        self._due = now + self._pause
        say(
            f"⚠ {self.program.name} 意外退出（{self.process.returncode}），{self._pause:.0f} 秒后重启。日志：{self.log}"
        )

    def ask_to_stop(self) -> None:
        """Send the program's own stop signal."""
        if self.process.poll() is None:
            self.process.send_signal(self.program.stop_signal)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; say whether it came."""
        try:
            self.process.wait(max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        """Kill what is left of the child and of all it started."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        end_session(self.process.pid)

    def last_words(self, lines: int = 15) -> str:
        """Return the end of the child's log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _start(self) -> subprocess.Popen[bytes]:
        program = self.program
        self._started = time.monotonic()
        who = {"user": program.user, "group": program.user, "extra_groups": []} if program.user is not None else {}
        with _opened(self.log) as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                program.command,
                env={**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", **program.environment},
                cwd=program.folder,
                stdin=subprocess.PIPE if program.stdin is not None else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent(program.stop_signal),
                **who,  # type: ignore[call-overload]
            )
        if program.stdin is not None and process.stdin is not None:
            process.stdin.write(program.stdin)
            process.stdin.close()
        remember(program.name, process.pid)
        return process


def stop(children: Iterable[Child]) -> None:
    """Stop `children` together: the stop signal, once more (RQ then gives up its job), and at last the kill."""
    waiting = list(children)
    for share in (0.7, 0.3):
        for child in waiting:
            child.ask_to_stop()
        ends = {child: time.monotonic() + child.program.patience * share for child in waiting}
        waiting = [child for child, end in ends.items() if not child.wait(end - time.monotonic())]
    for child in waiting:
        say(f"{child.program.name} 没有按时停下，已强制结束。")
        child.end()


def session_of(pid: int) -> set[int]:
    """Return the processes of the session that `pid` leads (Linux; elsewhere only `pid` itself, by its group)."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        facts = _facts(int(entry.name))
        if facts and facts[0] == pid:
            found.add(int(entry.name))
    return found


def end_session(pid: int) -> None:
    """Kill what still runs in the session that `pid` led: RQ's work horses outlive a killed worker."""
    if not Path("/proc/self/stat").exists():
        _kill(pid, os.killpg)
        return
    for left in session_of(pid) - {os.getpid()}:
        _kill(left, os.kill)


def remember(name: str, pid: int) -> None:
    """Note a child with its start time, so that a next start can find it if we are killed."""
    folder = run_dir() / "processes"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"pid": pid, "started": _started(pid)}), encoding="utf-8")


def forget() -> None:
    """Drop all notes: everything was stopped in order."""
    for note in (run_dir() / "processes").glob("*.json"):
        note.unlink(missing_ok=True)


def end_leftovers() -> list[str]:
    """Stop what a killed predecessor left running; return the names. A pid that was given to another is left alone."""
    left = {}
    for note in sorted((run_dir() / "processes").glob("*.json")):
        try:
            kept = json.loads(note.read_text(encoding="utf-8"))
        except ValueError:
            continue
        if kept["started"] and _started(kept["pid"]) == kept["started"]:
            left[note.stem] = int(kept["pid"])
    for name, pid in left.items():
        _kill(pid, os.kill, signal.SIGINT if name == "postgres" else signal.SIGTERM)
    end = time.monotonic() + 10
    while any(_facts(pid) for pid in left.values()) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in left.values():
        end_session(pid)
    forget()
    return list(left)


def _facts(pid: int) -> tuple[int, str] | None:
    """Return (session, start time) of a live process on Linux; None when it is gone or a zombie."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] == "Z" else (int(after_name[3]), after_name[19])


def _started(pid: int) -> str:
    if facts := _facts(pid):
        return facts[1]
    if Path("/proc/self/stat").exists():
        return ""
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip()


def _kill(pid: int, how: Callable[[int, int], None], number: int = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        how(pid, number)


def _opened(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _die_with_parent(number: int) -> Callable[[], None] | None:
    """Return what makes Linux send `number` to the child when script/server is killed; nothing elsewhere."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
