"""The database itself refuses to change the audit and its seals, whoever asks: also the tables' owner."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from portal.audit import seals
from portal.audit.models import AuditEvent
from portal.audit.services import record
from portal.audit.verifying import Report, keep
from tests.audit.tampering import event_on
from tests.people.factories import make_actor, make_institution

pytestmark = pytest.mark.django_db
TABLES = ["audit_auditevent", "audit_seal", "audit_sealleaves", "audit_pruned", "audit_sealcheck"]


@pytest.fixture(autouse=True)
def _rows() -> None:
    """One row in each guarded table."""
    event_on(seals.yesterday(), make_institution())
    seals.close_all()
    seals.note_pruned("audit", [999], "测试清理")
    keep(Report(), "测试")


def refused(sql: str) -> str:
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return str(caught.value)


def test_the_connection_is_the_owners() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE relname = 'audit_auditevent'"
        )
        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("silenced", [False, True])
def test_update_and_delete_are_refused(table: str, silenced: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone()[0] > 0
        if silenced:  # what a restore tool does, and what silences ordinary triggers
            cursor.execute("SET LOCAL session_replication_role = replica")
    assert "append-only" in refused(f"UPDATE {table} SET id = id")
    assert "append-only" in refused(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", TABLES)
def test_truncate_is_refused(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_no_truncate")  # conftest let it go for tests
    assert "append-only" in refused(f"TRUNCATE {table} CASCADE")


def test_a_new_database_has_every_guard_always_on() -> None:
    """The migration switches them on; what conftest switches off is TRUNCATE alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgenabled::text FROM pg_trigger WHERE tgrelid = ANY(%s::regclass[]) AND NOT tgisinternal",
            [TABLES],
        )
        found = cursor.fetchall()
    assert sorted(name for name, _ in found) == ["audit_append_only"] * 5 + ["audit_no_truncate"] * 5
    assert {enabled for name, enabled in found if name == "audit_append_only"} == {"A"}


def test_writing_still_works() -> None:
    assert AuditEvent.objects.filter(pk=record(make_actor(), "tasks.start").pk).exists()
