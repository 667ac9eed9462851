"""The web process: its address, its command, its static files."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from ground import commands
from ground.places import ROOT, Fault, digest, first_free_port, free_port
from ground.processes import Program

PORT = 8000
THREADS = 4
# Where static files come from; a change in any of them means collecting anew.
SOURCES = ("static", "portal", "insurance")


def address() -> tuple[str, int]:
    """Return host and port to listen on: HOST and PORT, else 127.0.0.1 and 8000 or the next free one."""
    host = os.environ.get("HOST") or "127.0.0.1"
    wanted = os.environ.get("PORT")
    if not wanted:
        return host, first_free_port(PORT)
    if not wanted.isdigit() or not 0 < int(wanted) < 65536:
        raise Fault(f"PORT：应为 1 到 65535 的端口号，实际为 {wanted!r}")
    if free_port(int(wanted)) != int(wanted):
        raise Fault(f"端口 {wanted} 已被占用。请停止占用它的程序，或换一个 PORT。")
    return host, int(wanted)


def shown(host: str, port: int) -> str:
    """Return the address for a browser on this machine."""
    return f"http://{'127.0.0.1' if host in {'0.0.0.0', '::'} else host}:{port}/"


def program(host: str, port: int) -> Program:
    """Return the web server: one process, few threads; it never waits for the platform."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "config.wsgi:application"]
    options = ["--host", host, "--port", str(port), "--workers", "1", "--blocking-threads", str(THREADS)]
    return Program(name="web", command=[*command, *options, "--no-ws", "--workers-kill-timeout", "5"], folder=str(ROOT))


def as_the_platform() -> dict[str, str]:
    """Return what the sandbox must know to be the platform that the portal's settings describe."""
    pairs = {"EDITION": "base", "EDITION_DIR": "", "ACCOUNT": "sandbox", "SECRET": "sandbox-secret"}
    return {f"SANDBOX_{name}": os.environ.get(f"PLATFORM_{name}") or usual for name, usual in pairs.items()}


class _Unfollowed(urllib.request.HTTPRedirectHandler):
    """Takes a redirect as the answer: with HTTPS=1 it leads to the proxy's address, which nobody serves here."""

    def redirect_request(self, *parts: object) -> None:
        """Follow nothing."""


def answers(url: str) -> bool:
    """Say whether the portal answers at `url`."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({}), _Unfollowed()).open(url, timeout=5) as answer:
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def collect(folder: Path) -> None:
    """Run collectstatic when a static file or a requirement has changed since the last time."""
    stamp = folder / "static.digest"
    wanted = digest([ROOT / "requirements.txt", *_sources()])
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted and (folder / "static").is_dir():
        return
    commands.manage("collectstatic", "--noinput", "--clear", "--verbosity", "0", "--ignore", "package*.json")
    stamp.write_text(wanted, encoding="utf-8")


def _sources() -> list[Path]:
    found = (
        path for name in SOURCES for path in (ROOT / name).rglob("*") if name == "static" or "static" in path.parts
    )
    return sorted(path for path in found if path.is_file())
