"""The ledger's rows for the daily seal: each step of a call, and the digest of each of its bodies."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator

from django.db import models
from django.utils import timezone

from insurance.exchange.models import CallBody, CallEvent
from insurance.exchange.retention import BODIES, EVENTS
from insurance.exchange.statistics import day_bounds
from portal.audit.seals import SealedSource, register_source

CHUNK = 5000


def canonical(*values: object) -> bytes:
    """Return values as bytes that are the same whenever the values are; times in UTC."""
    text = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)
    return text.encode()


def _plain(value: object) -> str:
    return value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else str(value)


def events_of(day: dt.date) -> Iterator[tuple[int, bytes]]:
    """Return the steps of a day in key order: call, kind, time and detail, which names the digests of the bodies."""
    for pk, *values in _of(CallEvent.objects.all(), day, "call_id", "kind", "at", "detail"):
        yield pk, canonical(*values)


def bodies_of(day: dt.date) -> Iterator[tuple[int, bytes]]:
    """Return the bodies of a day in key order: call, part, time, digest and size, not the encrypted bytes."""
    start, _ = day_bounds(day)
    months = [
        (start - dt.timedelta(days=1)).date().replace(day=1),
        (start.date() + dt.timedelta(days=1)).replace(day=1),
    ]
    rows = CallBody.objects.filter(month__gte=months[0], month__lte=months[1])
    for pk, *values in _of(rows, day, "call_id", "part", "at", "digest", "size"):
        yield pk, canonical(*values)


def _of(rows: models.QuerySet[models.Model], day: dt.date, *names: str) -> Iterator[tuple[int, object]]:
    start, stop = day_bounds(day)
    found = rows.filter(at__gte=start, at__lt=stop).order_by("pk").values_list("pk", *names)
    yield from found.iterator(chunk_size=CHUNK)


def _first_day(rows: models.QuerySet[models.Model]) -> dt.date | None:
    first = rows.order_by("pk").values_list("at", flat=True).first()
    return timezone.localdate(first) if first else None


def register_sealing() -> None:
    """Let the ledger be sealed."""
    register_source(SealedSource(EVENTS, "交易经过", events_of, first=lambda: _first_day(CallEvent.objects.all())))
    register_source(SealedSource(BODIES, "交易报文", bodies_of, first=lambda: _first_day(CallBody.objects.all())))
