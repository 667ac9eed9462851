"""The day's numbers: each equals the list behind its link, whatever is being sent meanwhile."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from insurance.exchange import statistics
from insurance.exchange.models import Call, CallDay, Connection
from portal.people.models import Institution, Person
from tests.exchange.conftest import connect

pytestmark = pytest.mark.django_db
STATES = ["accepted"] * 6 + ["refused", "refused", "unknown", "undelivered"]


@pytest.fixture
def calls(institution: Institution, other_institution: Institution) -> list[Call]:
    """Calls of 20 days and two hospitals, in the order of time."""
    chance = random.Random(3)
    connections = [connect(institution, "http://127.0.0.1:9"), connect(other_institution, "http://127.0.0.1:9")]
    now = timezone.now()
    moments = sorted(now - dt.timedelta(seconds=chance.random() * 20 * 86400) for _ in range(400))
    midnight = dt.datetime.combine(
        timezone.localdate() - dt.timedelta(days=3), dt.time(), timezone.get_default_timezone()
    )
    moments = sorted([*moments, midnight, midnight - dt.timedelta(microseconds=1), now - dt.timedelta(seconds=5)])
    made = []
    for place, at in enumerate(moments):
        link: Connection = connections[place % 2]
        made.append(
            Call(
                institution=link.institution, connection=link, infno=chance.choice(["2207", "1101", "3401"]),
                effect="submit", state=chance.choice(STATES), msgid=f"S{place}", opter="o", opter_name="o",
                digest="0" * 64, sent_at=at, answered_at=at + dt.timedelta(milliseconds=chance.randrange(20, 900)),
            )
        )  # fmt: skip
    Call.objects.bulk_create(made)
    for call, at in zip(made, moments, strict=True):
        Call.objects.filter(pk=call.pk).update(prepared_at=at)
    return made


def listed(client: Client, url: str) -> int:
    """How many rows the list at `url` has."""
    answer = client.get(url)
    assert answer.status_code == 200
    return int(answer.context["total"])


def test_each_number_is_that_of_its_list(
    calls: list[Call], institution: Institution, member: Person, client: Client
) -> None:
    client.force_login(member)
    statistics.count_days()
    checked = 0
    for row in statistics.by_day(institution):
        if row.calls:
            assert listed(client, row.url) == row.calls, row
            checked += 1
    assert checked > 30
    for row in statistics.refusals(institution):
        assert listed(client, row.url) == row.calls, row
    for day in statistics.latency(institution):
        if day.calls:
            assert listed(client, day.url) == day.calls, day
        if day.p50_ms is not None and day.p95_ms is not None:
            assert 20 <= day.p50_ms <= day.p95_ms <= 900
            checked += 1
    assert checked > 40
    own = Call.objects.filter(institution=institution, state="refused").count()
    assert 0 < sum(row.calls for row in statistics.refusals(institution)) <= own


def test_a_closed_day_is_counted_for_good_and_today_again(calls: list[Call], institution: Institution) -> None:
    statistics.count_days()
    final = CallDay.objects.filter(institution=institution, final=True).values("day").distinct().count()
    assert final >= statistics.DAYS - 1
    Call.objects.create(
        institution=institution, connection=calls[0].connection, infno="2207", effect="submit", state="accepted",
        msgid="new", opter="o", opter_name="o", digest="0" * 64,
    )  # fmt: skip
    before = sum(row.calls for row in statistics.by_day(institution))
    statistics.count_days(timezone.now() + dt.timedelta(minutes=5))
    after = sum(row.calls for row in statistics.by_day(institution))
    assert after >= before + 1
    statistics.count_days(timezone.now() + dt.timedelta(minutes=5))
    assert sum(row.calls for row in statistics.by_day(institution)) == after, "counting twice is counting once"


def test_the_numbers_cost_two_statements_however_many_calls(calls: list[Call], institution: Institution) -> None:
    statistics.count_days()
    for function in (statistics.by_day, statistics.latency, statistics.refusals):
        with CaptureQueriesContext(database) as counted:
            assert function(institution)
        assert len(counted) <= 2


def test_minutes_are_both_included_and_a_day_alone_is_whole(
    calls: list[Call], member: Person, client: Client, institution: Institution
) -> None:
    client.force_login(member)
    url = "/exchange/calls/"
    own = [call for call in calls if call.institution_id == institution.pk]
    times = {call.pk: timezone.localtime(call.sent_at) for call in own}
    at = times[own[len(own) // 2].pk]
    minute, day = at.strftime("%Y-%m-%dT%H:%M"), at.strftime("%Y-%m-%d")
    same = [time for time in times.values() if time.strftime("%Y-%m-%dT%H:%M") == minute]
    assert listed(client, f"{url}?prepared_at_from={minute}&prepared_at_to={minute}") == len(same)
    same = [time for time in times.values() if time.strftime("%Y-%m-%d") == day]
    whole = listed(client, f"{url}?prepared_at_from={day}&prepared_at_to={day}")
    assert whole == len(same)
    assert whole == listed(client, f"{url}?prepared_at_from={day}T00:00&prepared_at_to={day}T23:59")
    content = client.get(f"{url}?prepared_at_from=2026-11-02&prepared_at_to=2026-11-01").content.decode()
    assert "开始时间晚于结束时间" in content
