"""`script/server`: starts everything, prints the address, watches over it, stops it in order."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from ground import commands, frontend, kept, postgres, processes, valkey, web
from ground.places import ROOT, Busy, Fault, lock, run_dir, say
from ground.processes import Child, Program

SECRETS = ("SECRET_KEY", "FIELD_KEYS", "INDEX_KEY")
# The bureau takes a day to review; what is to be decided sooner is told it by POST /_sandbox/review.
REVIEW_SECONDS = "86400"
WORKERS = {"interactive": ["interactive"], "bulk": ["bulk"], "tasks": ["tasks"]}
HOPELESS_DEATHS = 3


class Stopped(Exception):
    """A person or the system asked us to stop."""


class Server:
    """All child processes of one installation, in the order in which they were started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "log"
        self.children: list[Child] = []
        self.kept = kept.load_or_make(folder)

    def start_ground(self) -> None:
        """Start the embedded servers that no setting replaces, and prove that the database is fit."""
        kept.settle_ports(self.kept)
        redis = None
        if not os.environ.get("REDIS_URL"):
            redis = self._add(
                valkey.start(self.folder / "valkey", self.kept.redis_port, self.kept.redis_password, self.logs)
            )
        if os.environ.get("DATABASE_URL"):
            kept.save(self.kept, self.folder)
            postgres.assert_fit(os.environ["DATABASE_URL"])
        else:
            self._start_postgres()
        if redis:
            valkey.wait(self.kept.redis_port, redis)

    def start_portal(self) -> str:
        """Migrate while web comes up; return the portal's address as soon as both are done."""
        web.collect(self.folder)
        migration = commands.Command("migrate", "--verbosity", "0")
        host, port = web.address()
        child = self._add(Child(web.program(host, port), self.logs))
        migration.finish()
        self._await_web(child, web.shown(host, port))
        return web.shown(host, port)

    def start_sandbox(self) -> None:
        """Start the stand-in platform, unless a real one is named."""
        if not os.environ.get("PLATFORM_URL"):
            port, state = str(self.kept.sandbox_port), str(self.folder / "sandbox.sqlite3")
            # Without Django, so that it is there before anybody asks; `manage.py sandbox` is the same.
            command = [sys.executable, "-m", "insurance.sandbox", "--port", port, "--state", state]
            command += ["--review-seconds", REVIEW_SECONDS]
            self._add(Child(Program("sandbox", command, web.as_the_platform(), folder=str(ROOT)), self.logs))

    def start_workers(self) -> None:
        """Start what works in the background."""
        for name, queues in WORKERS.items():
            # Without a word for every job: there is a ring a second; failures are still said.
            self._add(self._manage(name, "rqworker", *queues, "--verbosity", "0", patience=20.0))
        self._add(self._manage("dispatcher", "dispatcher"))

    def watch(self) -> None:
        """Restart what dies, until Stopped is raised."""
        while True:
            time.sleep(0.2)
            for child in self.children:
                child.tend()

    def stop(self) -> None:
        """Stop everything: first what works, then the sandbox that it talks to, at last the ground."""
        ground = {"postgres": 2, "valkey": 2, "sandbox": 1}
        for step in (0, 1, 2):
            processes.stop(child for child in self.children if ground.get(child.program.name, 0) == step)
        processes.forget()

    def _add(self, child: Child) -> Child:
        self.children.append(child)
        return child

    def _start_postgres(self) -> None:
        kept.save(self.kept, self.folder)  # first: a cluster whose password is not kept is lost
        account = postgres.prepare(self.folder / "postgres", self.kept.postgres_password)
        child = self._add(postgres.start(self.folder / "postgres", account, self.kept.postgres_port, self.logs))
        postgres.make_database(self.kept.database_url, child)
        postgres.assert_fit(self.kept.database_url)

    def _manage(self, name: str, *arguments: str, patience: float = 10.0) -> Child:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        return Child(Program(name=name, command=command, folder=str(ROOT), patience=patience), self.logs)

    def _await_web(self, child: Child, url: str) -> None:
        while not web.answers(url):
            for other in self.children:
                other.tend()
            if child.deaths >= HOPELESS_DEATHS:
                raise Fault(f"网页服务启动失败。日志 {child.log} 的末尾：\n{child.last_words()}")
            time.sleep(0.03)


def main() -> int:
    """Run the portal until Ctrl-C; return the exit code."""
    folder = run_dir()
    _require_secrets()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        with lock(folder / "server.lock", wait=False):
            return _serve(folder)
    except Busy as busy:
        address = folder / "address"
        where = address.read_text(encoding="utf-8") if address.exists() else "正在启动"
        say(
            f"✗ 本目录的 script/server 已在运行（进程 {busy.holder}，{where}）。"
            "请直接打开该地址，或先在它的终端按 Ctrl-C。"
        )
        return 1
    except Stopped:
        return 0


def _serve(folder: Path) -> int:
    started = time.monotonic()
    if left := processes.end_leftovers():
        say(f"上次没有正常停止，已结束遗留的进程：{'、'.join(left)}")
    frontend.ensure()
    server = Server(folder)
    try:
        server.start_ground()
        url = server.start_portal()
        (folder / "address").write_text(url, encoding="utf-8")
        say(f"\n门户已启动（{time.monotonic() - started:.1f} 秒）：{url}\n")
        server.start_sandbox()
        has_demo = _demo("--logins")
        say(f"\n日志：{folder / 'log'}    停止：Ctrl-C")
        server.start_workers()
        if has_demo:
            _demo("--start")
        server.watch()
    except Stopped:
        say("\n正在停止……")
    finally:
        _ignore_signals()
        (folder / "address").unlink(missing_ok=True)
        server.stop()
    say("已停止。")
    return 0


def _demo(option: str) -> bool:
    """Let the demo hospital show its logins, or begin to fill itself; say whether it may exist here.

    Where it may not the command says why; a hospital's own portal is not told so at every start.
    """
    if os.environ.get("ENVIRONMENT", "沙箱") != "沙箱" or not commands.exists("demo"):
        return False
    try:
        say(commands.manage("demo", option).rstrip())
    except Fault as fault:
        say(f"⚠ {fault}")
        return False
    return True


def _require_secrets() -> None:
    """With a real database, keys come from the environment: one made here would be lost with this folder."""
    if not os.environ.get("DATABASE_URL"):
        return
    missing = [name for name in SECRETS if not (os.environ.get(name) or os.environ.get(f"{name}_FILE"))]
    if missing:
        raise Fault(f"已设置 DATABASE_URL，还须设置 {'、'.join(missing)}（也可用 {missing[0]}_FILE 指向文件）。")


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _ignore_signals() -> None:
    """Let nothing interrupt the stopping; a third Ctrl-C would leave orphans."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
