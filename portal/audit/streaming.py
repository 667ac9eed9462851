"""The audit as a syslog stream (AUDIT_SYSLOG): each committed event once, in order; twice rather than never.

How far it got stands in the database, moved on only after a batch was taken. Numbers are given out before a transaction
commits, so a smaller one may appear later: only rows older than every open transaction are read, and numbers that are
missing in between are looked for again for GAPS_KEPT of them.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.audit.models import AuditEvent, AuditStream
from portal.audit.syslog import Line, open_channel
from portal.audit.words import words_of
from portal.privacy.masks import mask_name, mask_text

log = logging.getLogger(__name__)

BATCH = 500
MOST_BATCHES = 20
GAPS_KEPT = 1_000
SECONDS = 5.0
FACILITY = 13  # log audit
NOTICE = 5
# Older than every open transaction, so that no smaller number can appear any more. `age` survives the counter's wrap.
SETTLED = "age(audit_auditevent.xmin) > age(pg_snapshot_xmin(pg_current_snapshot())::xid)"


def stream() -> int:
    """Send what the collector does not have yet; return how many events were taken. Does nothing without a collector.

    An unreachable collector costs nothing but the time until it is back.
    """
    target = settings.AUDIT_SYSLOG
    if not target:
        return 0
    AuditStream.objects.get_or_create(target=target)
    sent = 0
    for _ in range(MOST_BATCHES):
        number = _one_batch(target)
        sent += number
        if number < BATCH:
            break
    return sent


def waiting(target: str) -> int:
    """Return how many events the collector does not have yet."""
    state = AuditStream.objects.filter(target=target).first()
    return AuditEvent.objects.filter(pk__gt=state.last_id if state else 0).count()


@transaction.atomic
def _one_batch(target: str) -> int:
    """Send one batch and move on in the same transaction; another dispatcher that is at it is left alone."""
    state = AuditStream.objects.select_for_update(skip_locked=True).filter(target=target).first()
    if state is None:
        return 0
    late = list(_settled().filter(pk__in=state.gaps).order_by("pk"))
    fresh = list(_settled().filter(pk__gt=state.last_id).order_by("pk")[:BATCH])
    if not late and not fresh:
        return 0
    try:
        deliver(target, [line_of(event) for event in (*late, *fresh)])
    except OSError as error:
        _failed(state, error)
        return 0
    _moved_on(state, late, fresh)
    return len(fresh)


def _settled() -> QuerySet[AuditEvent]:
    found: QuerySet[AuditEvent] = AuditEvent.objects.select_related("institution").extra(where=[SETTLED])
    return found


def deliver(target: str, lines: Sequence[Line]) -> None:
    """Hand lines to a collector at `udp://host:port` or `tcp://host:port`. Raises OSError."""
    scheme, _, place = target.partition("://")
    host, _, port = place.rpartition(":")
    kind = socket.SOCK_STREAM if scheme == "tcp" else socket.SOCK_DGRAM
    address = socket.getaddrinfo(host.strip("[]"), int(port), type=kind)[0][4]
    with open_channel(scheme, (str(address[0]), int(port)), SECONDS) as channel:
        channel.send(lines)


def line_of(event: AuditEvent) -> Line:
    """Return an event as it leaves the portal: numbers instead of names, the rest masked."""
    data = {
        "id": str(event.pk),
        "action": event.action,
        "person": str(event.person_id or ""),
        "institution": event.institution.fixmedins_code if event.institution else "",
        "subjects": ",".join(str(subject) for subject in event.subjects[:20]),
        "ip": str(event.ip or ""),
        "origin": event.origin,
    }
    who = mask_name(event.actor_name) if event.person_id else event.actor_name
    reason = f"，原因：{mask_text(event.reason)}" if event.reason else ""
    words = f"{who} {words_of(event.action)}：{mask_text(event.label)}{reason}"
    return Line(FACILITY * 8 + NOTICE, event.at, "audit", words, data)


def _moved_on(state: AuditStream, late: list[AuditEvent], fresh: list[AuditEvent]) -> None:
    seen = {event.pk for event in (*late, *fresh)}
    last = fresh[-1].pk if fresh else state.last_id
    # the very first batch starts wherever the table does: nothing is missing before it
    start = state.last_id + 1 if state.last_id else (fresh[0].pk if fresh else last)
    span = range(max(start, last - 10 * GAPS_KEPT), last)
    gaps = [number for number in (*state.gaps, *span) if number not in seen]
    state.gaps, state.last_id = gaps[-GAPS_KEPT:], last
    state.sent, state.sent_at = state.sent + len(seen), timezone.now()
    state.failures, state.words = 0, ""
    state.save()


def _failed(state: AuditStream, error: OSError) -> None:
    log.warning("audit collector not reached: %s", type(error).__name__)
    state.failures, state.failed_at = state.failures + 1, timezone.now()
    state.words = "找不到主机" if isinstance(error, socket.gaierror) else f"连接失败（{type(error).__name__}）"
    state.save()
