"""Real processes of the portal on the test's database: RQ workers and dispatchers that a test may kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]

# Short enough for a test, long enough that a busy machine does not lose a lease it holds.
SHORT = {
    "LEASE_SECONDS": "3",
    "LEASE_RENEW_SECONDS": "0.5",
    "VERIFY_MIN_AGE": "1",
    "VERIFY_EVERY": "0.3",
    "BREAKER_SECONDS": "0.5",
    "DISPATCH_SECONDS": "0.2",
    "DEADLINE_SUBMIT": "10",
    "DEADLINE_QUERY": "10",
    "CONNECT_SECONDS": "2",
    "LOG_LEVEL": "WARNING",
}


def database_url() -> str:
    """Return the address of the database that this test uses."""
    given = connection.settings_dict
    login = quote(str(given["USER"])) + (f":{quote(str(given['PASSWORD']))}" if given["PASSWORD"] else "")
    return f"postgres://{login}@{given['HOST']}:{given['PORT']}/{given['NAME']}"


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a portal process on the test's database and Redis."""
    return {
        **os.environ,
        **SHORT,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_KEYS": settings.FIELD_KEYS,
        "INDEX_KEY": settings.INDEX_KEY,
        "RUN_DIR": str(settings.RUN_DIR),
        **changes,
    }


class Process:
    """One `manage.py` process with all it forks: an RQ worker's work horse lives in a process group of its own."""

    def __init__(self, *words: str, **changes: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=environment(**changes), start_new_session=True
        )

    def kill(self) -> None:
        """SIGKILL the whole tree: the machine's power went off for it."""
        self._end_tree()

    def stop(self) -> None:
        """Ask it to end, and kill what does not."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(5)
        self._end_tree()

    def _end_tree(self) -> None:
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.popen.pid)
            tree = [parent, *parent.children(recursive=True)]
            for process in tree:
                process.suspend()
            for process in [*tree, *parent.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self.popen.wait(10)


@contextmanager
def running(*words: str, **changes: str) -> Iterator[Process]:
    """Run a `manage.py` process for the block."""
    process = Process(*words, **changes)
    try:
        yield process
    finally:
        process.stop()


def wait_until(true: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait until `true()`; raises AssertionError that names what did not come."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)
