"""The audit as a sealed source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.utils import timezone

from portal.audit.days import bounds
from portal.audit.models import AuditEvent
from portal.audit.seals import SealedSource, register_source

# What the seal covers. Another column needs another source code: old days were sealed without it.
COLUMNS = (
    "id", "institution_id", "person_id", "actor_name", "action", "label", "subjects", "detail", "reason", "ip", "at",
    "origin",
)  # fmt: skip
CHUNK = 5_000


def canonical(values: Any) -> bytes:
    """Return a row's columns as bytes that are the same each time it is read."""
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str).encode()


def rows_of(day: date) -> Iterator[tuple[int, bytes]]:
    """Return a day's events for the seal, streamed."""
    start, end = bounds(day)
    rows = AuditEvent.objects.filter(at__gte=start, at__lt=end).order_by("pk").values_list(*COLUMNS)
    for row in rows.iterator(chunk_size=CHUNK):
        yield row[0], canonical(row)


def first_day() -> date | None:
    """Return the day of the oldest event."""
    oldest = AuditEvent.objects.order_by("at").values_list("at", flat=True).first()
    return timezone.localdate(oldest) if oldest else None


def register_audit() -> None:
    """Seal the audit."""
    register_source(SealedSource("audit", "审计记录", rows_of, first_day))
