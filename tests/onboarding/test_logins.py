"""Demo logins: only beside a sandbox, only in an empty database, made once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from insurance.directory.models import Department
from insurance.exchange.models import Connection
from insurance.onboarding import logins, services
from insurance.onboarding.logins import LOGINS, passwords
from insurance.onboarding.models import DemoHospital
from insurance.onboarding.services import make_logins
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from portal.people.models import Institution, Membership, Person
from portal.people.roles import ROLES
from portal.people.services import change_password, lock_person
from tests.directory.conftest import values
from tests.onboarding.conftest import Stranger, demo
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


def nothing_was_made() -> bool:
    return not (
        Person.objects.exists()
        or DemoHospital.objects.exists()
        or Institution.objects.exists()
        or Connection.objects.exists()
    )


def lines_of(words: str) -> dict[str, tuple[str, str]]:
    """The table as role → (login name, password)."""
    rows = [line.split() for line in words.splitlines()[2:]]
    return {row[0]: (row[1], row[2]) for row in rows}


@pytest.mark.parametrize("environment", ["测试", "正式"])
def test_outside_of_the_sandbox_nothing_is_sent_and_nothing_is_made(
    installation: Any, stranger_platform: Callable[..., Stranger], environment: str
) -> None:
    platform = stranger_platform(200, b'{"sandbox": true}', x_sandbox="1")
    installation.ENVIRONMENT, installation.PLATFORM_URL = environment, platform.url
    for option in ("--logins", "--start", "--size=full"):
        code, words = demo(option)
        assert code == 1
        assert words.strip()
        assert nothing_was_made()
    assert environment in demo("--logins")[1]
    assert platform.seen == []


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, b"{}", {}),
        (200, b'{"sandbox": true}', {}),
        (200, b'{"sandbox": "true"}', {"x_sandbox": "1"}),
        (200, b"<html>", {"x_sandbox": "1"}),
        (403, b'{"sandbox": true}', {"x_sandbox": "1"}),
        (302, b"", {"x_sandbox": "1", "location": "/_sandbox/other"}),
    ],
)
def test_what_does_not_answer_as_a_sandbox_is_asked_once_and_left_alone(
    installation: Any, stranger_platform: Callable[..., Stranger], status: int, body: bytes, headers: dict[str, str]
) -> None:
    platform = stranger_platform(status, body, **headers)
    installation.PLATFORM_URL = platform.url
    code, words = demo("--logins")
    assert (code, nothing_was_made()) == (1, True)
    assert "不是沙箱" in words
    assert platform.seen == ["GET /_sandbox/"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PLATFORM_URL", "http://192.0.2.1/ebus/sandbox/hsa/hgs"),
        ("PLATFORM_URL", "https://hsa.example.invalid/ebus/gd/hsa/hgs"),
        ("PLATFORM_URL", "http://127.0.0.1.example.invalid/ebus/gd/hsa/hgs"),
        ("PLATFORM_URL", ""),
        ("PLATFORM_RESOLVE", "192.0.2.1:80"),
        ("PLATFORM_PROXY", "http://192.0.2.1:3128"),
    ],
)
def test_what_is_not_on_this_machine_is_not_even_asked(
    installation: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    sent: list[object] = []
    monkeypatch.setattr("socket.create_connection", lambda *words, **more: sent.append(words))
    setattr(installation, name, value)
    code, words = demo("--logins")
    assert (code, nothing_was_made(), sent) == (1, True, [])
    assert "本机" in words


def test_a_closed_sandbox_makes_no_logins_but_does_not_hide_those_there_are(
    installation: Any, sandbox: RunningSandbox
) -> None:
    sandbox.stop()
    code, words = demo("--logins")
    assert (code, nothing_was_made()) == (1, True)
    assert "没有应答" in words
    sandbox.start()
    code, made = demo("--logins")
    assert code == 0
    sandbox.stop()
    assert demo("--logins") == (0, made)
    sandbox.start()


def test_a_database_in_use_gets_no_logins(
    installation: Any, institution: Institution, person: Callable[..., Person]
) -> None:
    department = Department.objects.create(
        institution=institution, **{**values(), "dept_estbdat": values()["begntime"]}
    )
    code, words = demo("--logins")
    assert (code, Person.objects.count()) == (1, 0)
    assert "不是空库" in words
    department.delete()
    person("zhang")
    code, words = demo("--logins")
    assert (code, Person.objects.count(), DemoHospital.objects.count()) == (1, 1, 0)
    assert "已有人员" in words
    assert "先运行" in demo("--start")[1]


def test_one_login_a_role_that_works_and_is_the_same_at_the_next_start(
    installation: Any, client: Client, tmp_path: Path
) -> None:
    code, words = demo("--logins")
    assert code == 0
    shown = lines_of(words)
    assert list(shown) == [role.label for role in ROLES.values()]
    for label, (username, password) in shown.items():
        person = Person.objects.get(username=username)
        assert client.login(username=username, password=password)
        assert not person.must_change_password
        member = Membership.objects.get(person=person)
        assert member.get_role_display() == label
        assert member.opter
        assert member.opter_name == person.name
        assert re.fullmatch(r"[a-z]+-[a-z]+-[a-z]+-[2-9]{2}", password)
    assert len({password for _, password in shown.values()}) == len(ROLES)
    kept = tmp_path / "demo-logins.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    events = AuditEvent.objects.count()
    assert demo("--logins") == (0, words)
    assert (Person.objects.count(), AuditEvent.objects.count()) == (len(ROLES), events)


def test_the_table_says_what_no_longer_holds(installation: Any, tmp_path: Path) -> None:
    made = make_logins()
    actor = Actor.system(made.institution)
    mine, locked = Person.objects.get(username="yibao"), Person.objects.get(username="shoufei")
    change_password(Actor.of(mine, made.institution), person=mine, password="another-word-of-mine-77")
    lock_person(actor, person=locked)
    shown = lines_of(demo("--logins")[1])
    assert shown["医保办"][1] == "（密码已被修改）"
    assert shown["收费"][1] == "（已停用）"
    (tmp_path / "demo-logins.json").unlink()
    assert "密码文件已丢失" in demo("--logins")[1]


def test_a_demo_of_an_earlier_version_gets_the_logins_of_later_roles(
    installation: Any,
    monkeypatch: pytest.MonkeyPatch,
    client: Client,
    sandbox: RunningSandbox,
    person: Callable[..., Person],
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(services, "LOGINS", LOGINS[:8])
        earlier.setattr(logins, "LOGINS", LOGINS[:8])
        make_logins()
    before = passwords()
    assert len(before) == 8
    person("anquan2", own_institution(), "security_admin")
    sandbox.stop()
    assert "（未创建）" in demo("--logins")[1]
    sandbox.start()
    shown = lines_of(demo("--logins")[1])
    assert {name: passwords()[name] for name in before} == before
    assert client.login(username="xitong", password=shown["系统管理员"][1])
    assert shown["安全管理员"][1] == "（未创建）"  # the hospital has its own
    assert Person.objects.count() == len(LOGINS)
    events = AuditEvent.objects.count()
    demo("--logins")
    assert AuditEvent.objects.count() == events


def own_institution() -> Institution:
    return DemoHospital.objects.get().institution


def test_a_connection_that_leads_elsewhere_now_shows_no_logins(
    installation: Any, stranger_platform: Callable[..., Stranger]
) -> None:
    make_logins()
    platform = stranger_platform()
    Connection.objects.update(base_url=platform.url, follows_environment=False)
    for option in ("--logins", "--start"):
        code, words = demo(option)
        assert code == 1
        assert "不是沙箱" in words
    assert set(platform.seen) == {"GET /_sandbox/"}
    Connection.objects.update(environment="正式")
    platform.seen.clear()
    assert demo("--logins")[0] == 1
    assert platform.seen == []


@pytest.mark.django_db(transaction=True)
def test_two_commands_at_once_make_one_set_of_logins(installation: Any) -> None:
    failed: list[BaseException] = []

    def make() -> None:
        try:
            make_logins()
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert (Person.objects.count(), DemoHospital.objects.count()) == (len(ROLES), 1)
