"""Doing what only somebody with the database's own rights can: switching a guard off and changing what it guards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from django.db import connection
from django.utils import timezone

from portal.audit.models import AuditEvent
from portal.people.models import Institution


@contextmanager
def unguarded(table: str) -> Iterator[None]:
    """Switch all triggers of a table off, as its owner may."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_append_only")


def tamper(sql: str, *values: object, table: str = "audit_auditevent") -> None:
    """Change a guarded table by hand."""
    with unguarded(table), connection.cursor() as cursor:
        cursor.execute(sql, values)


def event_on(day: date, institution: Institution, number: int = 1, **fields: object) -> AuditEvent:
    """Return an event that happened on `day`, `number` minutes after noon."""
    event = AuditEvent(
        institution=institution, actor_name="系统", action="tasks.start", label=f"第 {number} 件", **fields
    )
    moment = timezone.make_aware(datetime.combine(day, datetime.min.time())) + timedelta(hours=12, minutes=number)
    AuditEvent._meta.get_field("at").auto_now_add = False  # type: ignore[union-attr]
    try:
        event.at = moment
        event.save()
    finally:
        AuditEvent._meta.get_field("at").auto_now_add = True  # type: ignore[union-attr]
    return event
