"""`script/test`: every check, then pytest, on servers of its own that are thrown away."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

from ground import browser, checks, commands, frontend, processes, throwaway
from ground.checks import Check
from ground.places import ROOT, Busy, lock, run_dir, say


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
            with throwaway.servers(folder) as own:
                failed = [] if arguments else run_checks()
                code = _pytest(arguments, own)
    except Busy as busy:
        say(f"✗ {folder} 里已有 script/test 在运行（进程 {busy.holder}）。请等它结束，或用 RUN_DIR 另指一个目录。")
        return 1
    except (Stopped, KeyboardInterrupt):
        say("已中断。")
        return 130
    if failed:
        say(f"✗ 未通过的检查：{'、'.join(failed)}（输出见上）")
    return code or int(bool(failed))


def run_checks() -> list[str]:
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


def _pytest(arguments: list[str], own: str) -> int:
    """Run pytest, two workers unless told otherwise; return its exit code.

    Our own database is migrated once, and each worker begins with a copy of it.
    """
    environment = dict(os.environ)
    if own:
        commands.manage("migrate", "--verbosity", "0")
        environment["TEST_TEMPLATE"] = own
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
