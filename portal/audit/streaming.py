"""The audit as a syslog stream (AUDIT_SYSLOG): each committed event once, in order; twice rather than never.

How far it got stands in the database, moved on only after a batch was taken. Numbers are given out before a transaction
commits, so a smaller one may appear later: rows wait a moment until those beside them are there, and numbers that are
still missing in between are remembered as ranges and looked for again for GAPS_KEPT; then they were rolled back.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.audit.models import AuditEvent, AuditStream
from portal.audit.syslog import Line, open_channel
from portal.audit.words import words_of
from portal.privacy.masks import mask_name, mask_text

log = logging.getLogger(__name__)

BATCH = 500
MOST_BATCHES = 20
GAPS_KEPT = timedelta(hours=24)
SETTLE = timedelta(seconds=1)
SECONDS = 5.0
FACILITY = 13  # log audit
NOTICE = 5

# first number, last number, seconds since 1970 when it was found missing
Gap = tuple[int, int, int]


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
    settled = AuditEvent.objects.select_related("institution").filter(at__lte=timezone.now() - SETTLE)
    late = list(settled.filter(_within(state.gaps)).order_by("pk")[:BATCH]) if state.gaps else []
    fresh = list(settled.filter(pk__gt=state.last_id).order_by("pk")[:BATCH])
    if not late and not fresh:
        return 0
    try:
        deliver(target, [line_of(event) for event in (*late, *fresh)])
    except OSError as error:
        _failed(state, error)
        return 0
    _moved_on(state, late, fresh)
    return len(fresh)


def _within(gaps: list[Gap]) -> Q:
    found = Q()
    for first, last, _ in gaps:
        found |= Q(pk__gte=first, pk__lte=last)
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
    now = int(timezone.now().timestamp())
    found = [gap for old in state.gaps for gap in _without(tuple(old), [event.pk for event in late])]
    if fresh:
        # the very first batch starts wherever the table does: nothing is missing before it
        start = state.last_id + 1 if state.last_id else fresh[0].pk
        found += _without((start, fresh[-1].pk, now), [event.pk for event in fresh])
        state.last_id = fresh[-1].pk
    state.gaps = [gap for gap in found if gap[2] > now - GAPS_KEPT.total_seconds()]
    state.sent, state.sent_at = state.sent + len(late) + len(fresh), timezone.now()
    state.failures, state.words = 0, ""
    state.save()


def _without(gap: Gap, keys: list[int]) -> list[Gap]:
    """Return what is left of a range when some numbers of it (ascending) were seen."""
    first, last, since = gap
    left: list[Gap] = []
    for key in keys:
        if first <= key <= last:
            if key > first:
                left.append((first, key - 1, since))
            first = key + 1
    return [*left, (first, last, since)] if first <= last else left


def _failed(state: AuditStream, error: OSError) -> None:
    log.warning("audit collector not reached: %s", type(error).__name__)
    state.failures, state.failed_at = state.failures + 1, timezone.now()
    state.words = "找不到主机" if isinstance(error, socket.gaierror) else f"连接失败（{type(error).__name__}）"
    state.save()
