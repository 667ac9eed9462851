"""Clocks that are put right: a list misses no row, a count does not break, and dropping a month waits for nobody."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection as database
from django.db import connections, transaction
from django.utils import timezone

from insurance.exchange import retention, statistics
from insurance.exchange.filters import SLACK, after_moment, before_moment
from insurance.exchange.models import Call, CallDay, Connection
from portal.people.models import Institution
from tests.exchange.test_retention import connection, kept  # noqa: F401

HOUR = dt.timedelta(hours=1)


def calls_at(link: Connection, moments: list[dt.datetime]) -> list[Call]:
    made = [
        Call(
            institution=link.institution, connection=link, infno="1101", effect="query", state="accepted",
            msgid=f"C{place}", opter="o", opter_name="o", digest="0" * 64, sent_at=at, answered_at=at,
        )
        for place, at in enumerate(moments)
    ]  # fmt: skip
    Call.objects.bulk_create(made)
    for call, at in zip(made, moments, strict=True):
        call.prepared_at = at
    Call.objects.bulk_update(made, ["prepared_at"])
    return made


@pytest.mark.django_db
@pytest.mark.parametrize("hours", [2, 8, 11])
def test_no_row_is_missed_when_a_clock_was_put_back(
    connection: Connection,  # noqa: F811
    institution: Institution,
    hours: int,
) -> None:
    """Two days of a call every ten minutes; in the middle the clock goes back, so the same hours come twice."""
    start = timezone.now() - dt.timedelta(days=3)
    ticks = [start + dt.timedelta(minutes=10 * number) for number in range(144)]
    made = calls_at(connection, [*ticks, *(at - hours * HOUR + dt.timedelta(days=1) for at in ticks)])
    every = Call.objects.filter(institution=institution)
    for asked in (start + 3 * HOUR, start + 20 * HOUR, start + 23 * HOUR, start + 30 * HOUR):
        after = set(after_moment(Call.objects.all(), asked, every).values_list("pk", flat=True))
        assert after == {call.pk for call in made if call.prepared_at >= asked}
        before = set(before_moment(Call.objects.all(), asked, every).values_list("pk", flat=True))
        assert before == {call.pk for call in made if call.prepared_at < asked}
    assert hours * HOUR < SLACK
    statistics.count_days()
    counted = sum(row.calls for row in CallDay.objects.filter(institution=institution, infno="", state=""))
    assert counted == len(made)


@pytest.mark.django_db
def test_an_answer_before_its_question_does_not_stop_the_counting(
    connection: Connection,  # noqa: F811
    institution: Institution,
) -> None:
    (call,) = calls_at(connection, [timezone.now() - dt.timedelta(days=1)])
    Call.objects.filter(pk=call.pk).update(answered_at=call.prepared_at - HOUR)
    statistics.count_days()
    assert CallDay.objects.get(institution=institution, infno="1101").p50_ms == 0


@contextmanager
def somebody_reads() -> Iterator[None]:
    """Hold the ledger as a long report or a dump does, on a connection of its own."""
    held, enough = threading.Event(), threading.Event()

    def read() -> None:
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM exchange_call")
            held.set()
            enough.wait(30)
        connections.close_all()

    thread = threading.Thread(target=read)
    thread.start()
    assert held.wait(10)
    yield
    enough.set()
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_month_is_dropped_only_while_nobody_uses_the_ledger(
    connection: Connection,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "DROP_TRIES", 2)
    with database.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE exchange_callbody_202001 PARTITION OF exchange_callbody"
            " FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')"
        )
    kept(connection, "1101", (timezone.localdate() - dt.date(2020, 1, 10)).days)
    with somebody_reads():
        assert retention.drop_months() == [], "it neither waits nor fails; the next night does it"
    assert retention.drop_months() == ["exchange_callbody_202001"]
