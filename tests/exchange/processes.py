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
    """One `manage.py` process in a group of its own, so that a SIGKILL takes its forks with it."""

    def __init__(self, *words: str, **changes: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=environment(**changes), start_new_session=True
        )

    def kill(self) -> None:
        """SIGKILL the whole group: the machine's power went off for it."""
        self._signal(signal.SIGKILL)
        self.popen.wait(10)

    def stop(self) -> None:
        """Ask it to end, and kill what does not."""
        if self.popen.poll() is None:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(5)
        self._signal(signal.SIGKILL)
        self.popen.wait(10)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)


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
