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
from insurance.exchange.returning import take_back_left_over
from insurance.specification.books import Book
from insurance.specification.model import Route
from portal.privacy.traces import frames_of

log = logging.getLogger(__name__)

BACKOFF = (2, 10, 60, 300)


# `state || ''` keeps PostgreSQL from the partial indexes on states: it believes them almost empty and would read the
# whole queue for each row that the primary key finds at once.
# One statement locks the call, settles its submissions and rows, marks it applied and lets the next of each thread go;
# a second caller waits for the lock and then finds nothing left to do. What holds a thread is queries.HOLDS.
SETTLE = """
WITH head AS (
  SELECT id, state = 'accepted' AS accepted, words, inf_refmsgid FROM exchange_call
  WHERE id = %(call)s AND applied_at IS NULL AND state || '' IN ('accepted', 'refused') FOR UPDATE),
rows AS (
  UPDATE exchange_callrow AS row SET accepted = head.accepted, words = head.words
  FROM head WHERE row.call_id = head.id RETURNING row.submission_id),
moved AS (
  UPDATE exchange_submission AS submission
  SET state = CASE WHEN head.accepted THEN 'accepted' ELSE 'refused' END, words = head.words,
      refmsgid = head.inf_refmsgid, whole = NOT head.accepted AND (SELECT count(*) FROM rows) > 1,
      needs_person = FALSE, not_before = NULL, state_at = clock_timestamp()
  FROM head, rows
  WHERE submission.id = rows.submission_id AND submission.state || '' IN ('sending', 'unknown')
  RETURNING submission.id, submission.connection_id, submission.thread),
next AS (
  UPDATE exchange_submission AS later SET ready = TRUE
  FROM moved, head
  WHERE head.accepted AND later.connection_id = moved.connection_id AND later.thread = moved.thread
    AND later.state || '' = 'queued' AND NOT later.ready AND NOT EXISTS (
      SELECT 1 FROM exchange_submission AS earlier
      WHERE earlier.connection_id = later.connection_id AND earlier.thread = later.thread
        AND earlier.position < later.position AND earlier.id NOT IN (SELECT id FROM moved)
        AND (earlier.state || '' IN ('queued', 'sending', 'unknown')
             OR (earlier.state = 'refused' AND NOT earlier.superseded)))),
done AS (
  UPDATE exchange_call AS call SET applied_at = clock_timestamp() FROM head WHERE call.id = head.id),
event AS (
  INSERT INTO exchange_callevent (call_id, at, kind, detail)
  SELECT id, clock_timestamp(), 'applied', '{}'::jsonb FROM head)
SELECT (SELECT count(*) FROM head), ARRAY(SELECT id FROM moved)
"""


def apply_call(
    call_id: int, answer: Answer | None = None, book: Book | None = None, carried: Sequence[Submission] | None = None
) -> bool:
    """Apply an answered call once: handlers, rows, submissions and `applied_at` in one transaction.

    `answer` and `carried` (its submissions) save reading them again. Says whether this call applied it; an error
    leaves the call answered and unapplied with a back-off.
    """
    try:
        if carried is not None and all(is_direct(item) for item in carried):
            # No room has anything to add, and one statement is a transaction of its own.
            return _settle(call_id)[0]
        with transaction.atomic():
            found, moved = _settle(call_id)
            if found:
                _tell_rooms(call_id, answer, book, carried, moved)
            return found
    except Exception as error:
        log.error("applying call %s: %s", call_id, frames_of(error))
        _postpone(call_id, error)
        return False


def _settle(call_id: int) -> tuple[bool, set[int]]:
    found, moved = ledger.run(SETTLE, {"call": call_id}) or (0, [])
    return bool(found), set(moved)


def _tell_rooms(
    call_id: int, answer: Answer | None, book: Book | None, carried: Sequence[Submission] | None, moved: set[int]
) -> None:
    if carried is None:
        rows = CallRow.objects.select_related("submission__connection").filter(call=call_id).order_by("place")
        carried = [row.submission for row in rows]
    told = [item for item in carried if item.pk in moved and not is_direct(item)]
    if not told:
        return
    if answer is None or book is None:
        call = Call.objects.select_related("connection__institution").get(pk=call_id)
        book = book_of(call.connection)
        answer = stored_answer(call, book)
    attach_subjects(item for item in told if "subject" not in item.__dict__)
    accepted = answer.state is CallState.ACCEPTED
    for item in told:
        item.state = SubmissionState.ACCEPTED if accepted else SubmissionState.REFUSED
        _tell_room(item, outcome_of(item, len(carried), answer, book))


def outcome_of(submission: Submission, carried: int, answer: Answer, book: Book) -> Outcome:
    """Return what an answer to a call that carried `carried` submissions means for one of them."""
    accepted = answer.state is CallState.ACCEPTED
    row = _own_row(submission, carried, answer, book)
    return Outcome(accepted, answer.words, row, answer.refmsgid, answer.call_id, whole=not accepted and carried > 1)


def _tell_room(submission: Submission, outcome: Outcome) -> None:
    if is_direct(submission):
        return
    if submission.subject is None:
        # The record was deleted meanwhile: the ledger keeps what happened, and there is nothing left to change.
        log.warning("submission %s: its record is gone", submission.pk)
        return
    handler_of(submission.purpose).apply(submission, outcome)


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


def late_answer(call: Call, book: Book) -> Answer | None:
    """Read the answer that came after its call had been given up, or None."""
    body = body_of(call.pk, "late")
    if body is None:
        return None
    return replace(classify(200, body), transaction=book.transaction(call.infno), call_id=call.pk)


def _own_row(submission: Submission, carried: int, answer: Answer, book: Book) -> dict[str, Any]:
    """Return the answer's row that belongs to one submission: by the route's match key, else the only one."""
    if answer.transaction is None or answer.output_raw is None:
        return {}
    route: Route = book.route(submission.purpose)
    answered = [item for node in answer.transaction.output.children for item in answer.output.rows(node)]
    if route.match and submission.subject is not None:
        wanted = [str(getattr(submission.subject, name, "")) for name in route.match]
        answered = [item for item in answered if [str(item.get(name, "")) for name in route.match] == wanted]
    if not answered and carried == 1:
        return dict(answer.output.values)
    return dict(answered[0]) if answered else {}


def finish(submission: Submission, outcome: Outcome, before: Sequence[SubmissionState]) -> bool:
    """Settle one submission by an outcome, let its room apply it, and let its thread go on. Inside a transaction.

    Says whether it was still in one of `before` and its last call the one that `submission` was read with; if not,
    somebody else has settled it and nothing is done.
    """
    state = SubmissionState.ACCEPTED if outcome.accepted else SubmissionState.REFUSED
    done = ledger.move(
        submission.pk,
        before,
        carried_by=submission.last_call_id,
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
    _tell_room(submission, outcome)
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
        .select_related("connection")
        .order_by("id")[:limit]
    )
    return sum(_apply_left_over(call) for call in list(waiting))


def _apply_left_over(call: Call) -> bool:
    try:
        if take_back_left_over(call):
            return False
    except Exception as error:
        log.error("taking call %s back: %s", call.pk, frames_of(error))
        _postpone(call.pk, error)
        return False
    return apply_call(call.pk)
