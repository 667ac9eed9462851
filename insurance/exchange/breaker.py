"""The breaker: a platform that is closed or failing pauses the queue visibly instead of burning attempts (design 4)."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from insurance.exchange.answers import Answer
from insurance.exchange.choices import CallState
from insurance.exchange.models import Connection

MOST_SECONDS = 300


def note(connection: Connection, answer: Answer) -> None:
    """Count a failure of the platform, or forget earlier ones after an answer; marks a sandbox as such."""
    if answer.state in (CallState.ACCEPTED, CallState.REFUSED):
        _well(connection, answer)
    else:
        _ill(connection, answer)


def _well(connection: Connection, answer: Answer) -> None:
    changes: dict[str, object] = {}
    if connection.failures:
        changes |= {"failures": 0, "broken_until": None, "broken_words": ""}
    if answer.http_status == 200 and not answer.file and connection.answers_as_sandbox != answer.sandbox:
        changes["answers_as_sandbox"] = answer.sandbox
    if changes:
        Connection.objects.filter(pk=connection.pk).update(**changes)
        for name, value in changes.items():
            setattr(connection, name, value)


def _ill(connection: Connection, answer: Answer) -> None:
    kept = Connection.objects.filter(pk=connection.pk)
    kept.update(failures=F("failures") + 1)
    connection.failures = kept.values_list("failures", flat=True).get()
    over = connection.failures - settings.BREAKER_FAILURES
    if over >= 0:
        wait = min(settings.BREAKER_SECONDS * 2 ** min(over // settings.BREAKER_FAILURES, 5), MOST_SECONDS)
        connection.broken_until = timezone.now() + dt.timedelta(seconds=wait)
        connection.broken_words = answer.words[:300]
        kept.update(broken_until=connection.broken_until, broken_words=connection.broken_words)


def is_open(connection: Connection) -> bool:
    """Say whether nothing may be sent now: paused by a person, or broken until later."""
    return connection.paused or bool(connection.broken_until and connection.broken_until > timezone.now())
