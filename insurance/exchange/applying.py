"""The third commit: what an answer means for the records (design 3)."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from insurance.exchange import ledger
from insurance.exchange.answers import Answer, classify
from insurance.exchange.bodies import body_of
from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.connections import book_of
from insurance.exchange.contents import attach_subjects, is_direct
from insurance.exchange.handlers import Outcome, handler_of
from insurance.exchange.models import Call, CallRow, Submission
from insurance.exchange.queries import not_done
from insurance.specification.books import Book
from insurance.specification.model import Route

log = logging.getLogger(__name__)

BACKOFF = (2, 10, 60, 300)


def apply_call(call_id: int, answer: Answer | None = None, book: Book | None = None) -> bool:
    """Apply an answered call once: handlers, rows, submissions and `applied_at` in one transaction.

    `answer` saves reading the stored body again. Says whether this call applied it; an error leaves the call answered
    and unapplied with a back-off.
    """
    try:
        with transaction.atomic():
            call = (
                Call.objects.select_for_update(of=("self",)).select_related("connection__institution").get(pk=call_id)
            )
            if call.applied_at is not None or call.state not in (CallState.ACCEPTED, CallState.REFUSED):
                return False
            if answer is None:
                answer = stored_answer(call, book or book_of(call.connection))
            _apply_rows(call, answer, book)
            call.applied_at = timezone.now()
            call.save(update_fields=["applied_at"])
            ledger.add_event(call.pk, "applied")
            return True
    except Exception as error:
        log.exception("applying call %s failed", call_id)
        _postpone(call_id, error)
        return False


def _postpone(call_id: int, error: Exception) -> None:
    call = Call.objects.get(pk=call_id)
    wait = BACKOFF[min(call.apply_attempts, len(BACKOFF) - 1)]
    Call.objects.filter(pk=call_id).update(
        apply_attempts=F("apply_attempts") + 1,
        apply_not_before=timezone.now() + dt.timedelta(seconds=wait),
        apply_error=type(error).__name__[:500],
    )


def stored_answer(call: Call, book: Book) -> Answer:
    """Read a call's stored answer again."""
    answer = classify(call.http_status or 200, body_of(call.pk, "answer") or b"")
    return replace(answer, transaction=book.transaction(call.infno), call_id=call.pk)


def late_answer(call: Call) -> Answer | None:
    """Read the answer that came after its call had been given up, or None."""
    body = body_of(call.pk, "late")
    return None if body is None else replace(classify(200, body), call_id=call.pk)


def _apply_rows(call: Call, answer: Answer, book: Book | None) -> None:
    rows = list(CallRow.objects.select_related("submission__connection").filter(call=call).order_by("place"))
    attach_subjects(row.submission for row in rows)
    accepted = call.state == CallState.ACCEPTED
    for row in rows:
        outcome = Outcome(
            accepted=accepted,
            words=answer.words,
            row=_own_row(row, rows, answer, book),
            refmsgid=answer.refmsgid,
            call_id=call.pk,
            whole=not accepted and len(rows) > 1,
        )
        if finish(row.submission, outcome, before=(SubmissionState.SENDING, SubmissionState.UNKNOWN)):
            row.accepted, row.words = accepted, answer.words
    CallRow.objects.bulk_update(rows, ["accepted", "words"])


def _own_row(row: CallRow, rows: Sequence[CallRow], answer: Answer, book: Book | None) -> dict[str, Any]:
    """Return the answer's row that belongs to one submission: by the route's match key, else the only one."""
    if is_direct(row.submission) or answer.transaction is None or answer.output_raw is None:
        return {}
    route: Route = (book or book_of(row.submission.connection)).route(row.submission.purpose)
    answered = [item for node in answer.transaction.output.children for item in answer.output.rows(node)]
    if route.match and row.submission.subject is not None:
        wanted = [str(getattr(row.submission.subject, name, "")) for name in route.match]
        answered = [item for item in answered if [str(item.get(name, "")) for name in route.match] == wanted]
    if not answered and len(rows) == 1:
        return dict(answer.output.values)
    return dict(answered[0]) if answered else {}


def finish(submission: Submission, outcome: Outcome, before: Sequence[SubmissionState]) -> bool:
    """Settle one submission by an outcome, let its room apply it, and let its thread go on. Inside a transaction.

    Says whether it was still in one of `before`; if not, somebody else has settled it and nothing is done.
    """
    state = SubmissionState.ACCEPTED if outcome.accepted else SubmissionState.REFUSED
    done = ledger.move(
        submission.pk,
        before,
        state=state,
        words=outcome.words[:1000],
        refmsgid=outcome.refmsgid,
        whole=outcome.whole,
        needs_person=False,
        not_before=None,
    )
    if not done:
        return False
    submission.state = state
    if not is_direct(submission):
        handler_of(submission.purpose).apply(submission, outcome)
    if outcome.accepted:
        advance(submission)
    return True


def advance(submission: Submission) -> None:
    """Let the next of a thread go, if what was before it is done. Inside a transaction."""
    following = not_done(submission.connection_id, submission.thread).first()
    if following is not None and not following.ready and following.state == SubmissionState.QUEUED:
        Submission.objects.filter(pk=following.pk).update(ready=True)


def apply_due(limit: int = 100) -> int:
    """Apply answered calls that were left unapplied (a crash, an error); returns how many were applied now.

    A call answered within the last seconds is left to the thread that is about to apply it.
    """
    now = timezone.now()
    waiting = (
        Call.objects.filter(applied_at=None, state__in=[CallState.ACCEPTED, CallState.REFUSED])
        .filter(Q(apply_not_before=None) | Q(apply_not_before__lte=now))
        .filter(answered_at__lte=now - dt.timedelta(seconds=1))
        .order_by("id")
        .values_list("pk", flat=True)[:limit]
    )
    return sum(apply_call(call_id) for call_id in list(waiting))
