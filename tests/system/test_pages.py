"""The pages of 系统: who may open them, and what they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.audit.days import yesterday
from portal.audit.models import AuditEvent
from portal.lists.intent import issue
from portal.people.models import Institution, Person
from portal.system import alarms, status
from portal.system.alarms import raise_alarm
from portal.system.models import AlarmEvent, AlarmRoute
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from tests.audit.tampering import event_on
from tests.system.listening import Gateway, gateway

pytestmark = pytest.mark.django_db
VIEWED = ["system:alarms", "system:health"]
MANAGED = ["system:routes", "system:route_new"]


@pytest.fixture
def admin(person: Callable[..., Person], institution: Institution) -> Person:
    return person("sysadmin", institution, "system_admin")


@pytest.fixture
def enter(client: Client) -> Callable[[Person], Client]:
    def go(someone: Person) -> Client:
        client.force_login(someone)
        return client

    return go


@pytest.fixture
def server(settings: Any) -> Iterator[Gateway]:
    settings.ALARM_LOCAL_TARGETS = True
    with gateway() as running:
        yield running


@pytest.mark.parametrize("name", [*VIEWED, *MANAGED])
def test_the_system_administrator_opens_it(name: str, admin: Person, enter: Callable[[Person], Client]) -> None:
    assert enter(admin).get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", [*VIEWED, *MANAGED, "system:protection"])
def test_without_the_right_it_stays_shut(
    name: str, stranger: Person, member: Person, enter: Callable[[Person], Client]
) -> None:
    assert enter(stranger).get(reverse(name)).status_code == 403
    assert enter(member).get(reverse(name)).status_code == 403


@pytest.mark.parametrize(("role", "status"), [("security_admin", 200), ("audit_admin", 200), ("system_admin", 403)])
def test_protection_is_the_security_officers(
    role: str, status: int, person: Callable[..., Person], institution: Institution, enter: Callable[[Person], Client]
) -> None:
    assert enter(person("officer", institution, role)).get(reverse("system:protection")).status_code == status


def test_another_institution_sees_and_changes_nothing(
    person: Callable[..., Person], institution: Institution, other_institution: Institution,
    enter: Callable[[Person], Client],
) -> None:  # fmt: skip
    event = raise_alarm(institution, "test.fault", "平台没有响应")
    shared = raise_alarm(None, "test.shared", "磁盘将满")
    way = AlarmRoute.objects.create(institution=institution, name="值班群", kind="json", address="https://x.example/")
    there = enter(person("elsewhere", other_institution, "system_admin"))
    assert there.get(event.get_absolute_url()).status_code == 404
    assert there.get(shared.get_absolute_url()).status_code == 200
    assert "平台没有响应" not in there.get(reverse("system:alarms")).content.decode()
    assert there.get(way.get_absolute_url()).status_code == 404
    assert there.post(reverse("system:route_switch", args=[way.pk]), {"active": "0"}).status_code == 404
    assert there.post(reverse("system:route_test", args=[way.pk])).status_code == 404
    assert "值班群" not in there.get(reverse("system:routes")).content.decode()


def test_who_only_looks_cannot_manage(
    person: Callable[..., Person], institution: Institution, enter: Callable[[Person], Client]
) -> None:
    event = raise_alarm(institution, "test.fault", "平台没有响应")
    looking = enter(person("itman", institution, "it"))
    assert looking.get(event.get_absolute_url()).status_code == 200
    assert looking.post(event.get_absolute_url(), {"reason": "已处理"}).status_code == 403
    event.refresh_from_db()
    assert event.cleared_at is None


class TestRoutes:
    def form(self, admin: Person, **changes: Any) -> dict[str, Any]:
        key = issue(admin, "system.route").key
        given = {
            "name": "值班群",
            "kind": "wecom",
            "address": "https://qyapi.example/send?key=sesame",
            "level": "warning",
        }
        return {"intent": key, **given, "duties": ["exchange"], **changes}

    def test_a_new_one_is_made_once_and_its_key_is_never_shown(
        self, admin: Person, enter: Callable[[Person], Client]
    ) -> None:
        client, form = enter(admin), self.form(admin)
        assert client.post(reverse("system:route_new"), form).status_code == 302
        client.post(reverse("system:route_new"), form)
        way = AlarmRoute.objects.get()
        assert (way.address, way.duties) == ("https://qyapi.example/send?key=sesame", ["exchange"])
        for url in (way.get_absolute_url(), reverse("system:routes")):
            content = client.get(url).content.decode()
            assert "https://qyapi.example/…" in content
            assert "sesame" not in content
        assert "sesame" not in str(list(AuditEvent.objects.values()))

    @pytest.mark.parametrize(
        ("kind", "address"), [("wecom", "ftp://x"), ("json", "udp://x:514"), ("syslog", "https://x/"), ("json", "")]
    )
    def test_a_wrong_address_is_said(
        self, admin: Person, enter: Callable[[Person], Client], kind: str, address: str
    ) -> None:
        shown = enter(admin).post(reverse("system:route_new"), self.form(admin, kind=kind, address=address))
        assert shown.status_code == 200
        assert not AlarmRoute.objects.exists()
        assert "地址" in shown.content.decode()

    def test_on_and_off(self, admin: Person, institution: Institution, enter: Callable[[Person], Client]) -> None:
        way = AlarmRoute.objects.create(institution=institution, name="群", kind="json", address="https://x.example/")
        client = enter(admin)
        for active in ("0", "0", "1"):
            client.post(reverse("system:route_switch", args=[way.pk]), {"active": active})
        way.refresh_from_db()
        assert way.active
        assert AuditEvent.objects.filter(action="system.route_switch").count() == 2

    @pytest.mark.django_db(transaction=True)
    def test_a_test_is_sent_by_a_worker_and_its_outcome_is_kept(
        self, admin: Person, institution: Institution, enter: Callable[[Person], Client], server: Gateway
    ) -> None:
        way = AlarmRoute.objects.create(institution=institution, name="群", kind="json", address=f"{server.url}/sms")
        client = enter(admin)
        client.post(reverse("system:route_test", args=[way.pk]), {"intent": issue(admin, "system.route_test").key})
        task = Task.objects.get(kind="system.alarm_test")
        assert server.got == []
        run_task(task.pk)
        task.refresh_from_db()
        assert (task.state, task.result) == ("done", {"结果": "对方已接受（HTTP 200）"})
        assert server.got[0]["type"] == "test"
        assert "对方已接受" in client.get(way.get_absolute_url()).content.decode()
        assert AuditEvent.objects.filter(action="tasks.start", origin__gt="").exists()

    @pytest.mark.django_db(transaction=True)
    def test_a_test_that_fails_says_why(
        self, admin: Person, institution: Institution, enter: Callable[[Person], Client], server: Gateway
    ) -> None:
        server.status = 500
        way = AlarmRoute.objects.create(institution=institution, name="群", kind="json", address=server.url)
        enter(admin).post(
            reverse("system:route_test", args=[way.pk]), {"intent": issue(admin, "system.route_test").key}
        )
        task = Task.objects.get()
        run_task(task.pk)
        task.refresh_from_db()
        assert (task.state, task.message) == ("failed", "测试消息没有送出：对方答复 HTTP 500。")


class TestAlarms:
    def test_closing_needs_a_reason(
        self, admin: Person, institution: Institution, enter: Callable[[Person], Client]
    ) -> None:
        event = raise_alarm(institution, "test.fault", "平台没有响应")
        client = enter(admin)
        assert client.post(event.get_absolute_url(), {"reason": ""}).status_code == 200
        assert AlarmEvent.objects.get().cleared_at is None
        client.post(event.get_absolute_url(), {"reason": "已重启"})
        assert AlarmEvent.objects.get().cleared_at is not None
        assert AuditEvent.objects.get(action="system.alarm_clear").reason == "已重启"

    @pytest.mark.parametrize("number", [1, 15])
    def test_query_count_does_not_grow(
        self, admin: Person, institution: Institution, enter: Callable[[Person], Client], number: int
    ) -> None:
        for n in range(number):
            raise_alarm(institution, f"test.fault{n}", "平台没有响应")
        client = enter(admin)
        client.get(reverse("system:alarms"))
        with CaptureQueriesContext(connection) as seen:
            client.get(reverse("system:alarms"))
        assert len(seen) < 20, [query["sql"][:100] for query in seen]


def test_health_says_what_it_cannot_know(admin: Person, enter: Callable[[Person], Client], redis_url: str) -> None:
    content = enter(admin).get(reverse("system:health")).content.decode()
    for words in ("调度进程", "PostgreSQL", "平台不知道", "即时上传队列", "最早的待上传", "审计记录"):
        assert words in content


def test_health_names_what_lies_in_the_database(admin: Person, enter: Callable[[Person], Client]) -> None:
    content = enter(admin).get(reverse("system:health")).content.decode()
    assert "连续归档" in content
    assert "WAL" not in content
    seen = status.table_words()
    assert seen["exchange_call"] == "交易记录"
    assert status._words_of("exchange_callbody_202611", "exchange_callbody", seen) == "报文（2026 年 11 月）"
    assert status._words_of("exchange_callbody_other", "exchange_callbody", seen) == "报文（其余月份）"
    assert not re.search(r"<td[^>]*>[a-z]+_[a-z_]+</td>", content)


def test_health_lives_without_redis(admin: Person, enter: Callable[[Person], Client], settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    content = enter(admin).get(reverse("system:health")).content.decode()
    assert "Redis 没有响应" in content


def test_what_the_desk_shows_is_watched_but_not_twice() -> None:
    codes = [source.kind.code for source in alarms.watched()]
    assert len(codes) == len(set(codes))
    assert {"processes", "disk", "audit.stream", "exchange.stopped", "exchange.unknown"} <= set(codes)
    assert "desk.exchange.stopped" not in codes


def test_a_guard_switched_off_and_a_day_not_sealed_are_told(institution: Institution) -> None:
    event_on(yesterday() - timedelta(days=2), institution)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_seal DISABLE TRIGGER audit_append_only")
    alarms.watch()
    words = dict(AlarmEvent.objects.filter(institution=None).values_list("code", "words"))
    assert "触发器被停用" in words["audit.guards"]
    assert "还没有封存" in words["audit.overdue"]
