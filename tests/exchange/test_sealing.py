"""The ledger under the daily seal: each step and each body, and what was lawfully pruned is not missed."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection as database
from django.utils import timezone

from insurance.exchange import retention
from insurance.exchange.models import Connection
from insurance.exchange.sealing import bodies_of, events_of
from portal.audit.seals import close_all, source_of
from portal.audit.verifying import verify
from portal.people.models import Institution
from tests.exchange.test_retention import connection, kept  # noqa: F401

pytestmark = pytest.mark.django_db


def test_rows_come_in_key_order_and_only_of_their_day(connection: Connection, institution: Institution) -> None:  # noqa: F811
    for number in range(3):
        kept(connection, "1101", 5, number)
    kept(connection, "1101", 6)
    day = timezone.localdate() - dt.timedelta(days=5)
    for rows in (list(events_of(day)), list(bodies_of(day))):
        assert len(rows) == 6
        assert [key for key, _ in rows] == sorted(key for key, _ in rows)
        assert len({content for _, content in rows}) == 6
    assert list(events_of(day)) == list(events_of(day))


def test_a_changed_body_is_named_and_a_pruned_one_is_not_missed(connection: Connection) -> None:  # noqa: F811
    gone, stays = kept(connection, "1101", 100), kept(connection, "2207", 100)
    assert source_of(retention.BODIES) is not None
    close_all()
    assert verify().faults == []
    retention.prune()
    assert verify().faults == [], "pruning is told to the seal"
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE exchange_callbody DISABLE TRIGGER USER")
        cursor.execute("UPDATE exchange_callbody SET digest = repeat('f', 64) WHERE call_id = %s", [stays.pk])
        cursor.execute("ALTER TABLE exchange_callbody ENABLE TRIGGER USER")
    found = verify().faults
    assert [(fault.kind, fault.source) for fault in found] == [("changed", retention.BODIES)] * 2
    assert gone.pk
