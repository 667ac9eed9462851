"""The pieces of script/server and script/test, on real processes and real servers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError

from ground import kept, places, postgres, processes, styles, valkey, wheels
from ground.processes import Child, Program


@pytest.fixture(autouse=True)
def own_run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUN_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Start a Python program as a Child; whatever is left of it is killed at the end."""
    children: list[Child] = []

    def run(code: str, name: str = "program", patience: float = 10.0) -> Child:
        children.append(Child(Program(name, [sys.executable, "-c", code], patience=patience), tmp_path / "log"))
        return children[-1]

    yield run
    for child in children:
        child.end()


def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


GRANDCHILD = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import os, time; os.setpgrp(); time.sleep(600)'])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_stop_asks_first(start: Callable[..., Child]) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('in order')))\n"
        "print('ready'); time.sleep(600)"
    )
    child = start(code)
    until(lambda: "ready" in child.last_words())
    processes.stop([child])
    assert child.process.returncode == 0
    assert "in order" in child.last_words()


def test_stop_kills_what_does_not_listen(start: Callable[..., Child]) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(600)"
    child = start(code, patience=0.4)
    until(lambda: "ready" in child.last_words())
    processes.stop([child])
    assert child.process.returncode == -signal.SIGKILL


def test_a_dead_child_takes_its_grandchildren_along_and_comes_back(
    start: Callable[..., Child], capsys: pytest.CaptureFixture[str]
) -> None:
    """RQ's work horse leads a process group of its own: a killed worker must not leave it at work beside the next."""
    child = start(GRANDCHILD)
    until(child.last_words)
    grandchild, first = int(child.last_words()), child.process.pid
    child.process.kill()
    until(lambda: child.tend() or not alive(grandchild))
    assert str(child.log) in capsys.readouterr().out
    until(lambda: child.tend() or child.process.pid != first)
    assert child.deaths == 1


def test_leftovers_of_a_killed_predecessor_are_ended(start: Callable[..., Child]) -> None:
    child = start("import time; time.sleep(600)", "worker")
    assert processes.end_leftovers() == ["worker"]
    child.process.wait(5)
    assert processes.end_leftovers() == []


def test_a_pid_that_was_given_to_another_is_left_alone(start: Callable[..., Child], tmp_path: Path) -> None:
    child = start("import time; time.sleep(600)", "worker")
    note = tmp_path / "processes" / "worker.json"
    note.write_text(json.dumps({"pid": child.process.pid, "started": "1"}), encoding="utf-8")
    assert processes.end_leftovers() == []
    assert child.process.poll() is None


def test_lock_names_its_holder(tmp_path: Path) -> None:
    with places.lock(tmp_path / "a.lock", wait=False):
        with pytest.raises(places.Busy) as busy, places.lock(tmp_path / "a.lock", wait=False):
            pass
        assert busy.value.holder == str(os.getpid())
    with places.lock(tmp_path / "a.lock", wait=False):
        pass


def test_ports_in_use_are_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert places.free_port(port) != port
        assert places.first_free_port(port) > port or places.first_free_port(port) < port
    assert places.free_port(port) == port


def test_kept_is_private_and_stays(tmp_path: Path) -> None:
    made = kept.load_or_make(tmp_path)
    kept.save(made, tmp_path)
    assert (tmp_path / kept.NAME).stat().st_mode & 0o777 == 0o600
    assert kept.load_or_make(tmp_path) == made
    assert kept.make().field_keys != made.field_keys


def test_broken_or_lost_keys_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / kept.NAME).write_text("{}", encoding="utf-8")
    with pytest.raises(places.Fault, match="密钥"):
        kept.load_or_make(tmp_path)
    (tmp_path / kept.NAME).unlink()
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    with pytest.raises(places.Fault, match="不见了"):
        kept.load_or_make(tmp_path)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[tuple[kept.Kept, list[Child]]]:
    """The embedded servers, started as script/test starts them."""
    made = kept.make()
    folder = tmp_path / "postgres"
    account = postgres.prepare(folder, made.postgres_password)
    children = [postgres.start(folder, account, made.postgres_port, tmp_path / "log", throw_away=True)]
    children.append(valkey.start(tmp_path / "valkey", made.redis_port, made.redis_password, tmp_path / "log"))
    postgres.make_database(made.database_url, children[0])
    valkey.wait(made.redis_port, children[1])
    yield made, children
    for child in children:
        child.end()


def test_embedded_servers_work_and_leave_nothing(ground: tuple[kept.Kept, list[Child]], tmp_path: Path) -> None:
    made, children = ground
    postgres.assert_fit(made.database_url)
    with psycopg.connect(made.database_url) as connection:
        assert connection.execute("SELECT '阿莫西林胶囊' % '阿莫西林片'").fetchone() == (True,)
    with Redis.from_url(made.redis_url) as client:
        assert client.ping()
    helpers = psutil.Process(children[0].process.pid).children(recursive=True)
    assert len(helpers) > 1
    processes.stop(children)
    assert [child.process.returncode for child in children] == [0, 0]
    assert not [helper for helper in helpers if helper.is_running()]


def test_embedded_servers_refuse_strangers(ground: tuple[kept.Kept, list[Child]]) -> None:
    made, _ = ground
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(made.database_url.replace(made.postgres_password, "guessed"))
    with Redis(port=made.redis_port) as client, pytest.raises(RedisError, match="authenticat"):
        client.ping()


def test_database_that_finds_no_chinese_is_refused(ground: tuple[kept.Kept, list[Child]]) -> None:
    made, _ = ground
    with psycopg.connect(made.database_url, autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE blind TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    with pytest.raises(places.Fault, match="LC_CTYPE"):
        postgres.assert_fit(made.database_url.replace("/portal", "/blind"))


def test_cluster_of_another_version_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    postgres.prepare(tmp_path / "postgres", "password")
    (data / "PG_VERSION").write_text("12\n", encoding="ascii")
    with pytest.raises(places.Fault, match="pg_dump"):
        postgres.prepare(tmp_path / "postgres", "password")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a{color:oklch(50% 0 0)}", ["x.css:1: oklch("]),
        ("a{}\nb{color: color-mix(in srgb, red, blue)}", ["x.css:2: color-mix("]),
        ("div:has(> p){}", ["x.css:1: :has("]),
        ("@container (min-width: 1px){}", ["x.css:1: @container"]),
        ("/* :has( and oklch( are\n not for us */ a{color:red}", []),
        (".has(x), [data-has]{}", []),
    ],
)
def test_styles_that_old_browsers_do_not_know(text: str, found: list[str]) -> None:
    assert styles.faults_in(text, "x.css") == found


def test_our_styles_are_looked_at(tmp_path: Path) -> None:
    for name in ("static/css/own.css", "static/vendor/theirs.css", "portal/desk/static/desk.css"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a:has(b){}", encoding="utf-8")
    assert styles.faults(tmp_path) == ["portal/desk/static/desk.css:1: :has(", "static/css/own.css:1: :has("]


def test_newest_wheel_of_an_index_page() -> None:
    page = (
        '<a href="../../f/pip-9.0-py3-none-any.whl#sha256=aa">pip-9.0-py3-none-any.whl</a>'
        '<a data-x="1" href="../../f/pip-26.1.2-py3-none-any.whl#sha256=bb">pip-26.1.2-py3-none-any.whl</a>'
        '<a href="../../f/pip-27.0b1-py3-none-any.whl#sha256=cc">pip-27.0b1-py3-none-any.whl</a>'
        '<a href="../../f/pip-26.1.tar.gz">pip-26.1.tar.gz</a>'
    )
    link, filename = wheels.newest(page, "https://index.invalid/simple/pip/")
    assert filename == "pip-26.1.2-py3-none-any.whl"
    assert link == "https://index.invalid/f/pip-26.1.2-py3-none-any.whl#sha256=bb"
    with pytest.raises(places.Fault):
        wheels.newest("<html></html>", "https://index.invalid/simple/pip/")


def test_script_server_says_what_is_missing_for_a_real_database(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"SECRET_KEY", "FIELD_KEYS"}}
    environment |= {"DATABASE_URL": "postgres://real.invalid/portal", "INDEX_KEY": "given", "RUN_DIR": str(tmp_path)}
    done = subprocess.run(
        [places.ROOT / "script" / "server"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "SECRET_KEY、FIELD_KEYS" in done.stdout
    assert not (tmp_path / kept.NAME).exists()
