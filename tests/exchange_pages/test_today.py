"""The exchange on the 工作台: every number has exactly its rows behind it, and what presses comes first."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.models import Call, Connection, Submission
from insurance.exchange.pages.today import lines_to_see_to
from insurance.exchange.shell import unapplied_alarm
from insurance.exchange.statistics import count_days
from insurance.exchange.watching import latency_chart, outcomes_chart, refusals_chart
from portal.desk.registry import Picture
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.exchange_pages.conftest import queue, say

pytestmark = pytest.mark.django_db
UNKNOWN, REFUSED, QUEUED = SubmissionState.UNKNOWN, SubmissionState.REFUSED, SubmissionState.QUEUED


def listed(client: Client, url: str) -> int:
    """How many rows the list behind a number says it has."""
    page = client.get(url, follow=True).content.decode()
    found = re.search(r'name="count" value="(\d+)"', page)
    assert found is not None, url
    return int(found.group(1))


@pytest.fixture
def office(client: Client, member: Person) -> Client:
    client.force_login(member)
    return client


@pytest.fixture
def actor(member: Person, institution: Institution) -> Actor:
    return Actor.of(member, institution)


def test_each_line_counts_the_rows_of_its_list(office: Client, actor: Actor, connection: Connection) -> None:
    hours = timezone.now() - dt.timedelta(hours=3)
    queue(actor, state=UNKNOWN, needs_person=True, state_at=hours)
    for _ in range(2):
        queue(actor, state=UNKNOWN)
    for _ in range(3):
        queue(actor, state=REFUSED)
    queue(actor, state=REFUSED, superseded=True)
    queue(actor, state=QUEUED, ready=False)
    queue(actor, state=SubmissionState.ACCEPTED, contradicted=True)
    lines = {line.label: line for line in lines_to_see_to(actor)}
    assert {label: line.number for label, line in lines.items()} == {
        "待人工核实（结果待查）": 1, "上传失败（全部业务）": 3, "答复前后不符": 1, "答复写入失败": 0,
        "排在未完成之后": 1, "系统正在核实（结果待查）": 2,
    }  # fmt: skip
    for line in lines.values():
        assert listed(office, line.url) == line.number, line.label
    late = lines["待人工核实（结果待查）"]
    assert late.since == hours
    assert late.due is not None
    assert late.due < timezone.now()
    page = office.get("/").content.decode()
    assert "已超期" in page
    assert page.index("待人工核实（结果待查）") < page.index("排在未完成之后")


def _points(picture: Picture | None) -> list[tuple[float, str]]:
    assert picture is not None
    return [
        (value, url)
        for one in picture.series
        for value, url in zip(one.values, one.urls, strict=True)
        if value and "state=" in url
    ]


def test_each_bar_counts_the_rows_of_its_list(office: Client, actor: Actor, connection: Connection) -> None:
    for state, number in ((CallState.ACCEPTED, 3), (CallState.REFUSED, 2), (CallState.UNKNOWN, 1)):
        for _ in range(number):
            say(queue(actor, state=SubmissionState.ACCEPTED), state, b"{}")
    now = timezone.now()
    Call.objects.update(prepared_at=now - dt.timedelta(days=1))
    count_days(now + dt.timedelta(minutes=5))
    points = _points(outcomes_chart(actor)) + _points(refusals_chart(actor))
    assert sorted(value for value, _ in points) == [1, 2, 2, 3]
    for value, url in points:
        assert listed(office, url) == value
    assert latency_chart(actor) is not None
    assert "<svg" in office.get("/").content.decode()


def test_platform_card_says_how_it_stands(office: Client, actor: Actor, connection: Connection) -> None:
    assert "还没有" in office.get("/").content.decode()
    call = say(queue(actor, state=SubmissionState.ACCEPTED), CallState.ACCEPTED, b"{}")
    page = office.get("/").content.decode()
    assert f"/exchange/calls/{call.pk}/" in page
    assert '<span class="tag tag-green">正常</span>' in page
    Connection.objects.update(paused=True, paused_reason="演示暂停")
    assert "已暂停上传：演示暂停" in office.get("/").content.decode()


def test_desk_asks_the_same_whatever_stands_in_the_ledger(office: Client, actor: Actor, connection: Connection) -> None:
    office.get("/")
    with CaptureQueriesContext(database) as before:
        office.get("/")
    for _ in range(12):
        say(queue(actor, state=REFUSED), CallState.REFUSED, b"{}")
    with CaptureQueriesContext(database) as after:
        office.get("/")
    assert len(after) <= len(before) + 1


def test_another_hospital_sees_its_own(
    client: Client, outsider: Person, actor: Actor, connection: Connection, other_connection: Connection
) -> None:
    queue(actor, state=REFUSED)
    client.force_login(outsider)
    there = Actor.of(outsider, other_connection.institution)
    assert all(line.number == 0 for line in lines_to_see_to(there))
    assert Submission.objects.count() == 1


def test_alarm_of_stuck_answers_leads_to_exactly_these(office: Client, actor: Actor, connection: Connection) -> None:
    for _ in range(2):
        say(queue(actor, state=SubmissionState.SENDING), CallState.ACCEPTED, b"{}", applied_at=None, apply_attempts=3)
    notice = unapplied_alarm(actor)
    assert notice is not None
    assert "有 2 次交易" in notice.text
    assert listed(office, notice.url) == 2
