"""安全保护: states are computed from what is there, never written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from portal.audit import seals
from portal.audit.seals import close_all, note_pruned
from portal.audit.services import record
from portal.audit.verifying import keep, verify
from portal.people.actor import Actor
from portal.people.models import Institution, Person, SecondFactor
from portal.system import protection
from portal.system.protection import GROUPS, Finding, Met, items
from tests.audit.tampering import event_on, tamper

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _guards() -> None:
    """As a new database has them; conftest lets TRUNCATE go for tests."""
    with connection.cursor() as cursor:
        for table in ("auditevent", "seal", "sealleaves", "pruned", "sealcheck"):
            cursor.execute(f"ALTER TABLE audit_{table} ENABLE ALWAYS TRIGGER audit_no_truncate")


@pytest.fixture
def actor(person: Callable[..., Person], institution: Institution) -> Actor:
    return Actor.of(person("security", institution, "security_admin"), institution)


def found(actor: Actor, name: str) -> Finding:
    return next(item.found for item in items(actor) if item.asked.name == name)


def test_every_item_answers(actor: Actor) -> None:
    shown = items(actor)
    assert [item.asked.group for item in shown] == sorted((i.asked.group for i in shown), key=GROUPS.index)
    assert {item.asked.group for item in shown} == set(GROUPS)
    assert not [item.asked.name for item in shown if item.found.evidence == ["检查没有完成"]]
    assert all(item.asked.how for item in shown)
    assert all(item.found.todo for item in shown if item.found.state in (Met.NO, Met.OUTSIDE)), "say what to do"
    assert all(item.asked.url for item in shown if item.asked.url_name), "every named page exists"


def test_second_factor_counts_persons(actor: Actor, settings: Any) -> None:
    settings.FACTOR = "optional"
    assert found(actor, "双因素鉴别").state is Met.NO
    settings.FACTOR = "required"
    assert found(actor, "双因素鉴别").state is Met.PARTLY
    SecondFactor.objects.create(person=actor.person, confirmed_at=timezone.now())
    assert found(actor, "双因素鉴别").state is Met.YES


def test_officers(actor: Actor, person: Callable[..., Person], institution: Institution) -> None:
    assert found(actor, "三员分立").state is Met.PARTLY
    person("sys", institution, "system_admin")
    person("aud", institution, "audit_admin")
    assert found(actor, "三员分立").state is Met.YES
    person("both", institution, "system_admin", "audit_admin")
    assert found(actor, "三员分立").state is Met.NO


def test_passwords(actor: Actor, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    assert found(actor, "口令策略").state is Met.YES
    settings.PASSWORD_AGE_DAYS = 0
    assert found(actor, "口令策略").state is Met.PARTLY
    settings.PASSWORD_AGE_DAYS = 90
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    assert "Argon2" in found(actor, "口令策略").todo


@pytest.mark.parametrize(
    ("idle", "lock", "state"), [(30, 10, Met.YES), (30, 0, Met.PARTLY), (0, 10, Met.NO), (600, 5, Met.NO)]
)
def test_timeouts(actor: Actor, settings: Any, idle: int, lock: int, state: Met) -> None:
    settings.SESSION_IDLE_MINUTES, settings.IDLE_LOCK_MINUTES = idle, lock
    assert found(actor, "超时退出").state is state


def test_a_silent_account_is_counted(actor: Actor, person: Callable[..., Person], institution: Institution) -> None:
    assert found(actor, "最小权限").state is Met.YES
    someone = person("silent", institution, "cashier")
    Person.objects.filter(pk=someone.pk).update(last_login=timezone.now() - timedelta(days=400))
    assert found(actor, "最小权限").state is Met.PARTLY


def test_a_guard_switched_off_is_seen(actor: Actor) -> None:
    assert found(actor, "审计记录不可更改").state is Met.YES
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER audit_append_only")
    seen = found(actor, "审计记录不可更改")
    assert seen.state is Met.NO
    assert "audit_auditevent.audit_append_only" in seen.todo


def test_taking_young_audit_away_is_seen(actor: Actor, institution: Institution) -> None:
    event = event_on(seals.yesterday(), institution)
    close_all()
    assert found(actor, "审计保存不少于 180 天").state is Met.YES
    note_pruned("audit", [event.pk], "试图清理")
    assert found(actor, "审计保存不少于 180 天").state is Met.NO


def test_audit_older_than_180_days_may_be_archived(actor: Actor, institution: Institution) -> None:
    old = event_on(seals.yesterday() - timedelta(days=200), institution)
    close_all(seals.yesterday() - timedelta(days=199))
    note_pruned("audit", [old.pk], "归档后清理")
    assert found(actor, "审计保存不少于 180 天").state is Met.YES


def test_seals(actor: Actor, institution: Institution) -> None:
    assert found(actor, "每日封存与核验").state is Met.PARTLY
    event = event_on(seals.yesterday(), institution)
    close_all()
    assert "没有核验" in found(actor, "每日封存与核验").todo
    keep(verify(), "测试")
    assert found(actor, "每日封存与核验").state is Met.YES
    assert found(actor, "数据完整性").state is Met.YES
    tamper("DELETE FROM audit_auditevent WHERE id = %s", event.pk)
    keep(verify(), "测试")
    assert found(actor, "每日封存与核验").state is Met.NO


def test_streaming(actor: Actor, settings: Any) -> None:
    assert found(actor, "审计外送").state is Met.PARTLY
    settings.AUDIT_SYSLOG = "tcp://collector.invalid:514"
    assert found(actor, "审计外送").state is Met.PARTLY


@pytest.mark.parametrize(
    ("keys", "state", "algorithm"),
    [
        ("a:aes:material-material-material", Met.NO, "SHA256"),
        ("s:sm4:material-material-material,a:aes:other-material-material", Met.PARTLY, "SM3"),
        ("s:sm4:material-material-material", Met.YES, "SM3"),
    ],
)
def test_algorithms(actor: Actor, settings: Any, keys: str, state: Met, algorithm: str) -> None:
    settings.FIELD_KEYS = keys
    seen = found(actor, "密码算法（存储）")
    assert seen.state is state
    assert algorithm in seen.evidence[1]


def test_clear_text_in_an_encrypted_column_is_seen(actor: Actor, institution: Institution) -> None:
    assert found(actor, "数据保密性（存储）").state is Met.YES
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO system_alarmroute (institution_id, name, kind, address, level, duties, active, made_at) "
            "VALUES (%s, 'x', 'json', 'https://clear.example/', 'info', '[]', true, now())",
            [institution.pk],
        )
    assert found(actor, "数据保密性（存储）").state is Met.NO


@pytest.mark.parametrize(
    ("https", "url", "state"),
    [(True, "https://x", Met.YES), (False, "https://x", Met.PARTLY), (False, "http://x", Met.NO)],
)
def test_transport(actor: Actor, settings: Any, https: bool, url: str, state: Met) -> None:
    settings.HTTPS, settings.PLATFORM_URL = https, url
    assert found(actor, "数据保密性（传输）").state is state


def test_uncovering_without_a_reason_is_seen(actor: Actor) -> None:
    record(actor, "privacy.uncover", label="x", reason="核对身份")
    assert found(actor, "个人信息保护").state is Met.YES
    record(actor, "privacy.uncover", label="x")
    assert found(actor, "个人信息保护").state is Met.NO


def test_a_look_that_breaks_is_not_met(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(actor: Actor) -> Finding:
        raise LookupError

    items(actor)
    asked = protection._asked["三员分立"]
    monkeypatch.setitem(
        protection._asked, "三员分立", protection.Requirement(asked.group, asked.name, "x", "", "", broken)
    )
    assert found(actor, "三员分立").state is Met.NO
