"""`script/test`: every check, then pytest, on servers of its own that are thrown away."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ground import browser, checks, commands, frontend, kept, postgres, processes, valkey
from ground.checks import Check
from ground.places import ROOT, Busy, lock, run_dir, say
from ground.processes import Child

TEMPLATE = "portal"


class Stopped(Exception):
    """A person or the system asked us to stop."""


def main(arguments: list[str]) -> int:
    """Run checks and tests; with `arguments` only pytest with them. Return the exit code: 0 only when all is well."""
    os.environ.setdefault("RUN_DIR", str(ROOT / ".run" / "test"))
    folder = run_dir()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        with lock(folder / "test.lock", wait=False):
            frontend.ensure()
            os.environ["BROWSER_PATH"] = browser.ensure()
            with servers(folder):
                failed = [] if arguments else run_checks(folder)
                code = _pytest(arguments)
    except Busy as busy:
        say(f"✗ {folder} 里已有 script/test 在运行（进程 {busy.holder}）。请等它结束，或用 RUN_DIR 另指一个目录。")
        return 1
    except (Stopped, KeyboardInterrupt):
        say("已中断。")
        return 130
    if failed:
        say(f"✗ 未通过的检查：{'、'.join(failed)}（输出见上）")
    return code or int(bool(failed))


@contextmanager
def servers(folder: Path) -> Iterator[None]:
    """Provide PostgreSQL with a migrated template, and Redis; what the environment names is used as it is."""
    processes.end_leftovers()
    children: list[Child] = []
    made = kept.make()
    try:
        if not os.environ.get("REDIS_URL"):
            children.append(valkey.start(folder / "valkey", made.redis_port, made.redis_password, folder / "log"))
            valkey.wait(made.redis_port, children[-1])
            os.environ["REDIS_URL"] = made.redis_url
        if not os.environ.get("DATABASE_URL"):
            shutil.rmtree(folder / "postgres", ignore_errors=True)
            account = postgres.prepare(folder / "postgres", made.postgres_password)
            child = postgres.start(folder / "postgres", account, made.postgres_port, folder / "log", throw_away=True)
            children.append(child)
            postgres.make_database(made.database_url, child)
            os.environ["DATABASE_URL"] = made.database_url
        for name in ("secret_key", "field_keys", "index_key"):
            os.environ.setdefault(name.upper(), getattr(made, name))
        postgres.assert_fit(os.environ["DATABASE_URL"])
        yield
    finally:
        processes.stop(reversed(children))
        processes.forget()
        shutil.rmtree(folder / "postgres", ignore_errors=True)


def run_checks(folder: Path) -> list[str]:
    """Run every check, two at a time, print what each that failed has to say; return their names."""
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(_run, checks.all_checks()))
    return [name for name, passed in results if not passed]


def _run(check: Check) -> tuple[str, bool]:
    started = time.monotonic()
    done = subprocess.run(
        check.command, cwd=ROOT, env={**os.environ, **check.environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    passed = done.returncode == 0
    words = "" if passed else f"\n{done.stdout.rstrip()}"
    say(f"{'✓' if passed else '✗'} {check.name}（{time.monotonic() - started:.1f} 秒）{words}")
    return check.name, passed


def _pytest(arguments: list[str]) -> int:
    """Migrate the template once, then run pytest, two workers unless told otherwise; return its exit code."""
    environment = dict(os.environ)
    if not os.environ.get("TEST_TEMPLATE") and os.environ["DATABASE_URL"].endswith(f"/{TEMPLATE}"):
        commands.manage("migrate", "--verbosity", "0")
        environment["TEST_TEMPLATE"] = TEMPLATE
    spread = [] if any(word.startswith(("-n", "--pdb", "-s")) for word in arguments) else ["-n", "2"]
    command = [sys.executable, "-m", "pytest", *spread, *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        return process.wait()
    except (Stopped, KeyboardInterrupt):
        process.send_signal(signal.SIGINT)  # pytest then says what it has seen so far
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        raise
    finally:
        processes.end_session(process.pid)


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped
