"""The breaker: a platform that is closed or failing pauses the queue visibly instead of burning attempts (design 4)."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from insurance.exchange.answers import SHUT_OUT, Answer
from insurance.exchange.choices import CallState
from insurance.exchange.models import Call, Connection

MOST_SECONDS = 300
# So many messages in a row turned away by the gateway mean the hospital, not the message: of several transactions …
SHUT_OUT_CALLS = 3
SHUT_OUT_KINDS = 2
# … or of one, where nothing else is said meanwhile.
SHUT_OUT_SAME = 5
# For so long what got through after it shows that a transaction is turned away alone.
ALONE_FOR = dt.timedelta(minutes=10)
SHUT_OUT_WORDS = "平台网关拒绝本院的请求（账户、密钥、专线或授权可能有变），请联系信息科和医保局"


def note(connection: Connection, answer: Answer) -> None:
    """Count a failure of the platform, or forget earlier ones after an answer; marks a sandbox as such."""
    if answer.shut_out:
        _turned_away(connection, answer)
    elif answer.state in (CallState.ACCEPTED, CallState.REFUSED):
        _well(connection, answer)
    else:
        _ill(connection, answer)


def _well(connection: Connection, answer: Answer) -> None:
    changes: dict[str, object] = {}
    if connection.failures or connection.shut_out:
        changes |= {"failures": 0, "broken_until": None, "broken_words": "", "shut_out": 0, "shut_out_infnos": []}
    if answer.http_status == 200 and not answer.file and connection.answers_as_sandbox != answer.sandbox:
        changes["answers_as_sandbox"] = answer.sandbox
    if changes:
        Connection.objects.filter(pk=connection.pk).update(**changes)
        for name, value in changes.items():
            setattr(connection, name, value)


def _turned_away(connection: Connection, answer: Answer) -> None:
    """Count what the gateway turned away in a row; when it means the hospital, nothing more is sent for a while."""
    infno = answer.transaction.infno if answer.transaction else ""
    with transaction.atomic():
        row = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
        row.shut_out += 1
        row.shut_out_infnos = sorted({*row.shut_out_infnos, infno})[:SHUT_OUT_SAME]
        if is_shut_out(row) and row.shut_out_infnos == [infno] and _alone(row, infno):
            row.shut_out, row.shut_out_infnos = 0, []
        if is_shut_out(row):
            row.failures = max(row.failures, settings.BREAKER_FAILURES) + 1
            row.broken_until = timezone.now() + _pause(row.failures - settings.BREAKER_FAILURES)
            row.broken_words = f"{SHUT_OUT_WORDS}。网关说：{answer.words}"[:300]
        kept = ("shut_out", "shut_out_infnos", "failures", "broken_until", "broken_words")
        row.save(update_fields=kept)
    for name in kept:
        setattr(connection, name, getattr(row, name))


def is_shut_out(connection: Connection) -> bool:
    """Say whether the gateway turns away everything of this hospital, so that a refusal says nothing of its message."""
    several = len(connection.shut_out_infnos) >= SHUT_OUT_KINDS
    return connection.shut_out >= (SHUT_OUT_CALLS if several else SHUT_OUT_SAME)


def _alone(connection: Connection, infno: str) -> bool:
    """Say whether others were let in after this transaction had been turned away, and it was not: only it is barred.

    The ledger tells; it is asked only where a whole row of one transaction was turned away.
    """
    recent = Call.objects.filter(institution=connection.institution_id, prepared_at__gte=timezone.now() - ALONE_FOR)
    by_gateway = Q(http_status__in=SHUT_OUT) | Q(infcode__in=[str(status) for status in SHUT_OUT])
    own = recent.filter(infno=infno)
    barred = own.filter(by_gateway, state=CallState.REFUSED).order_by("answered_at")
    first = barred.values_list("answered_at", flat=True).first()
    if first is None or own.filter(state=CallState.ACCEPTED, answered_at__gt=first).exists():
        return False
    heard = recent.filter(state__in=[CallState.ACCEPTED, CallState.REFUSED], answered_at__gt=first, http_status=200)
    return heard.exclude(infno=infno).exclude(by_gateway).exists()


def _pause(over: int) -> dt.timedelta:
    wait = min(settings.BREAKER_SECONDS * 2 ** min(over // settings.BREAKER_FAILURES, 5), MOST_SECONDS)
    return dt.timedelta(seconds=wait)


def _ill(connection: Connection, answer: Answer) -> None:
    kept = Connection.objects.filter(pk=connection.pk)
    kept.update(failures=F("failures") + 1)
    connection.failures = kept.values_list("failures", flat=True).get()
    over = connection.failures - settings.BREAKER_FAILURES
    if over >= 0:
        connection.broken_until = timezone.now() + _pause(over)
        connection.broken_words = answer.words[:300]
        kept.update(broken_until=connection.broken_until, broken_words=connection.broken_words)


def is_open(connection: Connection) -> bool:
    """Say whether nothing may be sent now: paused by a person, or broken until later."""
    return connection.paused or bool(connection.broken_until and connection.broken_until > timezone.now())
