"""A sandbox platform for tests: its own process, its own state file, faults by one call."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# The control API is on this machine: no proxy of the environment may come between.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RunningSandbox:
    """A running `python -m insurance.sandbox`; `url` is the base address, `account` and `secret` its credentials."""

    account = "sandbox"
    secret = "sandbox-secret"

    def __init__(self, state: str, options: dict[str, Any], environ: dict[str, str]) -> None:
        self.state = state
        self.options = options
        self.environ = environ
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    @property
    def root(self) -> str:
        """http://127.0.0.1:PORT"""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The base to which /infno is joined."""
        return f"{self.root}/ebus/sandbox/hsa/hgs"

    def start(self) -> None:
        """Start (again): on the same port and the same state after `stop`."""
        given = {"port": self.port, "state": self.state, "synchronous": "OFF", "persons": 120, **self.options}
        words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "insurance.sandbox", *words],
            cwd=ROOT, env={**os.environ, **self.environ}, stdout=subprocess.PIPE, stderr=None, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://[^:]+:(\d+)/", line)
        if found is None:
            raise RuntimeError(f"the sandbox did not start: {line!r}")
        self.port = int(found.group(1))

    def stop(self, kill: bool = False) -> None:
        """A closed platform: nothing listens any more; with kill as if the power went off."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def fault(self, fault: str, infno: str = "*", **options: Any) -> dict[str, Any]:
        """Put one fault in force, e.g. fault("cut_after", "3401", times=1)."""
        found: list[dict[str, Any]] = self._ask("POST", "faults", {"fault": fault, "infno": infno, **options})
        return found[0]

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force, with how often each struck (hits)."""
        found: list[dict[str, Any]] = self._ask("GET", "faults")
        return found

    def clear_faults(self) -> None:
        """Lift every fault."""
        self._ask("DELETE", "faults")

    def books(self, name: str = "", **marks: str) -> Any:
        """The rows of a book, or without a name the counts of all."""
        query = f"?{urllib.parse.urlencode(marks)}" if marks else ""
        return self._ask("GET", f"books/{name}{query}" if name else "books")

    def put(self, name: str, row: dict[str, Any], key: str = "") -> str:
        """Put a row into a book as if done on the bureau's own website; returns its key."""
        return str(self._ask("POST", "put", {"book": name, "row": row, "key": key})["key"])

    def remove(self, name: str, key: str) -> None:
        """Take a row out of a book; `_key` of a row tells its key."""
        self._ask("POST", "remove", {"book": name, "key": key})

    def review(self, keys: Any = "all", chk_stas: str = "1", words: str = "") -> int:
        """Decide on mappings that wait for the bureau; returns how many."""
        return int(self._ask("POST", "review", {"keys": keys, "chk_stas": chk_stas, "words": words})["reviewed"])

    def publish(self, infno: str, rows: int = 5, **wanted: Any) -> dict[str, Any]:
        """Publish a new version of a catalogue; `wanted` as insurance.sandbox.shelf.Shelf.publish has it."""
        found: dict[str, Any] = self._ask("POST", "publish", {"infno": infno, "rows": rows, **wanted})
        return found

    def log(self, infno: str = "", msgid: str = "", since: int = 0) -> list[dict[str, Any]]:
        """Every request: seq, at, infno, msgid, committed (None = in work), infcode, err_msg, fault, input."""
        found: list[dict[str, Any]] = self._ask("GET", f"log?infno={infno}&msgid={msgid}&since={since}")
        return found

    def home(self) -> dict[str, Any]:
        """GET /_sandbox/."""
        found: dict[str, Any] = self._ask("GET", "")
        return found

    def reset(self) -> None:
        """Back to the opening books; no faults, no log."""
        self._ask("POST", "reset")

    def wait_for(self, infno: str, count: int = 1, seconds: float = 10.0) -> list[dict[str, Any]]:
        """Wait until so many requests of a transaction have come in (also if still in work); raises AssertionError."""
        end = time.monotonic() + seconds
        while len(found := self.log(infno)) < count:
            assert time.monotonic() < end, f"{infno}: {len(found)} of {count} requests after {seconds} s"
            time.sleep(0.02)
        return found

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.root}/_sandbox/{path}", data=data, method=method)
        try:
            with OPENER.open(request, timeout=10) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as wrong:
            raise ValueError(wrong.read().decode()) from None


@contextmanager
def running_sandbox(environ: dict[str, str] | None = None, **options: Any) -> Iterator[RunningSandbox]:
    """A sandbox of its own for a test; options are those of the command (sign_in="strict", edition="guangzhou" …)."""
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        sandbox = RunningSandbox(str(Path(folder) / "state.sqlite3"), options, environ or {})
        sandbox.start()
        try:
            yield sandbox
        finally:
            sandbox.stop()
