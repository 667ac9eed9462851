"""An empty database beside a sandbox, and servers that are no sandbox."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from insurance.exchange.bodies import forget_keys
from insurance.onboarding import services
from tests.exchange.processes import Process, running
from tests.sandbox_fixture import RunningSandbox


@pytest.fixture(autouse=True)
def fresh_month_keys() -> Iterator[None]:
    """Tests that empty the database lose its data keys; the process must not remember them."""
    forget_keys()
    yield
    forget_keys()


@pytest.fixture
def installation(sandbox: RunningSandbox, settings: Any, tmp_path: Path, monkeypatch: Any) -> Any:
    """A fresh installation: its own RUN_DIR, the sandbox as its platform, nobody patient."""
    settings.PLATFORM_URL, settings.RUN_DIR, settings.FILES_DIR = sandbox.url, tmp_path, tmp_path / "files"
    settings.CONNECT_SECONDS = 1
    monkeypatch.setattr(services, "PATIENCE_SECONDS", 0.3)
    return settings


@contextmanager
def at_work(settings: Any, *programs: tuple[str, ...]) -> Iterator[list[Process]]:
    """Run real `manage.py` processes of an installation, each given by its words."""
    changes = {name: str(getattr(settings, name)) for name in ("PLATFORM_URL", "RUN_DIR", "FILES_DIR")}
    with ExitStack() as stack:
        yield [stack.enter_context(running(*words, **changes)) for words in programs]


def demo(*options: str) -> tuple[int, str]:
    """Run `manage.py demo`; return its exit code and everything it printed."""
    out = io.StringIO()
    try:
        call_command("demo", *options, stdout=out, stderr=out)
    except SystemExit as exit:
        return int(exit.code or 0), out.getvalue()
    return 0, out.getvalue()


class Stranger:
    """A web server that is no sandbox and remembers what was sent to it."""

    def __init__(self, url: str, seen: list[str]) -> None:
        self.url, self.seen = url, seen


@pytest.fixture
def stranger_platform() -> Iterator[Callable[..., Stranger]]:
    """Makes a stranger: `stranger_platform(200, b"{}")` answers everything so."""
    servers = []

    def make(status: int = 200, body: bytes = b"{}", **headers: str) -> Stranger:
        seen: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                seen.append(f"{self.command} {self.path}")
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *words: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return Stranger(f"http://127.0.0.1:{server.server_address[1]}/ebus/sandbox/hsa/hgs", seen)

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()
