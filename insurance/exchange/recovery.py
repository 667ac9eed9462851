"""What is done about an unknown outcome: the index's steps, in order, before anything is sent again (design 3)."""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from insurance.exchange import breaker, ledger
from insurance.exchange.applying import finish, late_answer, outcome_of
from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.contents import infno_of, judges, sent_rows
from insurance.exchange.errors import Refused, Undelivered, Unknown
from insurance.exchange.handlers import Finding, Outcome, Settled
from insurance.exchange.lines import Line
from insurance.exchange.models import ABSENT_WORDS, Call, CallBody, Submission
from insurance.exchange.queries import to_look_for
from insurance.specification.books import Book
from insurance.specification.model import Step
from portal.people.actor import Actor
from portal.privacy.traces import frames_of

log = logging.getLogger(__name__)

UNKNOWN = (SubmissionState.UNKNOWN,)
# What a late answer still decides: nobody knows, or it was found absent and has not gone again.
GIVEN_UP = (SubmissionState.UNKNOWN, SubmissionState.QUEUED)
CONTRADICTED = {
    True: "迟到的答复说平台已受理，与此前认定不符：请在平台核对是否重复",
    False: "迟到的答复说平台已拒绝，与此前认定不符：请在平台核对是否存在",
}
# How often one step may fail to decide before a person is asked, and how often a message may be sent again unseen.
MOST_LOOKS = 6
MOST_RESENDS = 5
DOUBTED = "重新上传被拒，正在核实先前那次是否已经到达"


def recover(line: Line, delivery: str, limit: int = 200) -> int:
    """Take the next step for every submission of the queue that is due for one; returns how many were looked at."""
    waiting = list(to_look_for(line.connection, delivery).select_related("last_call")[:limit])
    return look(line, waiting)


def look(line: Line, waiting: Sequence[Submission]) -> int:
    """Take the next step for each of `waiting`; one look at the platform serves all that ask the same."""
    by_step: dict[tuple[str, Step], list[Submission]] = defaultdict(list)
    for submission in waiting:
        try:
            if _take_late_answer(submission, line.book):
                continue
            step = step_of(submission, line.book)
            if step.kind == "verify":
                by_step[(submission.purpose, step)].append(submission)
            else:
                _without_looking(submission, step)
        except Exception as error:
            _stumble([submission], error)
    for (_, step), group in by_step.items():
        _verify(line, step, group)
    return len(waiting)


def _stumble(group: Sequence[Submission], error: Exception) -> None:
    """Count a look that broke, so that one submission neither stops the others nor is looked for without end."""
    log.error("looking for %s: %s", [item.pk for item in group], frames_of(error))
    for submission in group:
        _undecided(submission)


def step_of(submission: Submission, book: Book) -> Step:
    """Return the step of unknown_outcome at which a submission stands; past the last one a person decides."""
    steps = book.transaction(infno_of(submission, book)).unknown_outcome
    return steps[submission.step] if submission.step < len(steps) else Step("person", "")


def _take_late_answer(submission: Submission, book: Book) -> bool:
    """Settle by an answer that came after its call was given up: it is the platform's own word."""
    call = submission.last_call
    if call is None or not CallBody.objects.filter(call=call, part="late").exists():
        return False
    # One that follows a fallen batch names the batch's call and was not in it.
    return submission.pk in settle_late(call, book)


def settle_late(call: Call, book: Book) -> set[int]:
    """Use a late answer for what it can still decide of its call; returns what it settled.

    What was settled otherwise, or sent again meanwhile, is marked for a person.
    """
    answer = late_answer(call, book)
    if answer is None or answer.state not in (CallState.ACCEPTED, CallState.REFUSED):
        return set()
    settled = set()
    with transaction.atomic():
        rows = list(call.rows.select_related("submission__connection"))
        for submission in [row.submission for row in rows]:
            outcome = outcome_of(submission, len(rows), answer, book)
            if submission.last_call_id == call.pk and finish(submission, outcome, GIVEN_UP):
                _note(submission, "已核实：收到迟到的答复")
                settled.add(submission.pk)
            else:
                _note_contradiction(submission, call, outcome)
    return settled


def _note_contradiction(submission: Submission, call: Call, outcome: Outcome) -> None:
    """Say at the submission that a late answer does not fit what was settled; only a person can tell what holds."""
    submission.refresh_from_db(fields=["state", "last_call", "settled"])
    by_this = submission.state == SubmissionState.ACCEPTED and submission.last_call_id == call.pk
    # A yes fits only where this call's yes was believed; a no does not fit where it was.
    if by_this == outcome.accepted:
        return
    words = CONTRADICTED[outcome.accepted]
    if submission.settled != words:
        Submission.objects.filter(pk=submission.pk).update(settled=words, contradicted=True)
        ledger.add_event(call.pk, "contradiction", submission=submission.pk, state=submission.state)


def _without_looking(submission: Submission, step: Step) -> None:
    if step.kind in ("resend", "retry") and submission.attempts < MOST_RESENDS:
        queue_again(submission, "")
    else:
        # 2601 (reverse) is never automatic: last step, one at a time, with evidence and two persons.
        _change(submission, needs_person=True)


def queue_again(submission: Submission, settled: str) -> bool:
    """Put an unknown submission back into the queue; the same content goes again under a new msgid."""
    wait = min(2**submission.attempts, 60) if not settled else 0
    return _change(
        submission,
        state=SubmissionState.QUEUED,
        attempts=submission.attempts + 1,
        not_before=timezone.now() + dt.timedelta(seconds=wait),
        settled=settled,
        looks=0,
        step=0,
        needs_person=False,
    )


def _change(submission: Submission, **changes: Any) -> bool:
    """Change what is still unknown of the same call; a look may take long, and a person may have been quicker."""
    return ledger.move(submission.pk, UNKNOWN, carried_by=submission.last_call_id, **changes)


def _verify(line: Line, step: Step, group: Sequence[Submission]) -> None:
    try:
        found = _judge(line, step, group)
    except (Undelivered, Unknown) as error:
        # A platform that does not answer puts the look off; it says nothing about the submission.
        log.info("look by %s failed: %s", step.infno, type(error).__name__)
        _wait(group, settings.VERIFY_EVERY)
        return
    except Exception as error:
        if isinstance(error, Refused) and breaker.is_shut_out(line.connection):
            # Nothing at all is let in: that says as little as no answer.
            _wait(group, settings.VERIFY_EVERY)
        else:
            _stumble(group, error)
        return
    for submission in group:
        try:
            _conclude(line, submission, found.get(submission.pk, Settled(Finding.UNDECIDED)))
        except Exception as error:
            _stumble([submission], error)


def _judge(line: Line, step: Step, group: Sequence[Submission]) -> dict[int, Settled]:
    actor = Actor.system(line.connection.institution, "查证")
    ask = partial(line.ask, actor)
    sent = _sent(group, line.book)
    found: dict[int, Settled] = {}
    for handler in judges(group[0], line.book):
        flat, owners = _flatten(sent)
        verdicts = handler.settle(ask, step.infno, flat)
        for pk, keys in owners.items():
            if keys and all(key in verdicts for key in keys):
                found[pk] = _together([verdicts[key] for key in keys])
    return found


def _sent(group: Sequence[Submission], book: Book) -> dict[int, list[dict[str, Any]]]:
    """Return what was sent; one whose message cannot be read is left out, and so stays undecided."""
    try:
        return sent_rows(group, book)
    except Exception as error:
        if len(group) == 1:
            log.error("reading what was sent of %s: %s", group[0].pk, frames_of(error))
            return {}
    return {pk: rows for one in group for pk, rows in _sent([one], book).items()}


def _flatten(sent: Mapping[int, list[dict[str, Any]]]) -> tuple[dict[int, dict[str, Any]], dict[int, list[int]]]:
    """Number the rows of messages of several rows, so that a handler judges each of them on its own."""
    flat: dict[int, dict[str, Any]] = {}
    owners: dict[int, list[int]] = {}
    for pk, rows in sent.items():
        owners[pk] = []
        for row in rows:
            key = pk if len(rows) == 1 else -len(flat) - 1
            flat[key] = row
            owners[pk].append(key)
    return flat, owners


def _together(verdicts: Sequence[Settled]) -> Settled:
    kinds = {verdict.finding for verdict in verdicts}
    return verdicts[0] if len(kinds) == 1 else Settled(Finding.UNDECIDED, {}, "各行结果不一致")


def _conclude(line: Line, submission: Submission, settled: Settled) -> None:
    if settled.finding is Finding.ADOPTED:
        adopt(submission, settled)
    elif settled.finding is Finding.ABSENT and _surely(submission):
        _next_step(line, submission, settled)
    else:
        _undecided(submission, again=settled.finding is Finding.ABSENT)


def _undecided(submission: Submission, *, again: bool = False) -> None:
    """Count a look that decided nothing; after the last one a person is asked, unless it is to be made `again`."""
    looks = submission.looks + 1
    _change(
        submission,
        looks=looks,
        needs_person=looks >= MOST_LOOKS and not again,
        not_before=timezone.now() + dt.timedelta(seconds=settings.VERIFY_EVERY * (1 if looks < 3 else looks)),
    )


def adopt(submission: Submission, settled: Settled) -> bool:
    """Take over what the platform holds: the same `apply` as an answer would have run."""
    evidence = f"已核实：平台有 (采用平台结果) {settled.evidence}".strip()
    outcome = Outcome(True, "", settled.row, "", submission.last_call_id, adopted=True)
    with transaction.atomic():
        done = finish(submission, outcome, UNKNOWN)
        if done:
            _note(submission, evidence)
    return done


def _note(submission: Submission, words: str) -> None:
    Submission.objects.filter(pk=submission.pk).update(settled=words[:300])
    if submission.last_call_id:
        ledger.add_event(submission.last_call_id, "settled", words=words[:300])


def _surely(submission: Submission) -> bool:
    """Absent needs a minimum age and two looks: the platform may still have been working when we first asked."""
    sent = submission.last_call.sent_at if submission.last_call else None
    old = sent is None or timezone.now() - sent >= dt.timedelta(seconds=settings.VERIFY_MIN_AGE)
    return old and submission.looks + 1 >= settings.VERIFY_LOOKS


def _next_step(line: Line, submission: Submission, settled: Settled) -> None:
    if submission.settled == DOUBTED:
        _change(submission, state=SubmissionState.REFUSED, settled="")
        return
    words = f"{ABSENT_WORDS} (可重新上传) {settled.evidence}".strip()[:300]
    submission.step += 1
    if submission.last_call_id:
        ledger.add_event(submission.last_call_id, "absent", words=words)
    following = step_of(submission, line.book)
    may_go = following.kind == "resend" or (following.kind == "person" and _fell_with_its_batch(submission))
    if may_go and submission.attempts < MOST_RESENDS:
        queue_again(submission, words)
        return
    _change(
        submission,
        step=submission.step,
        looks=0,
        settled=words,
        not_before=timezone.now(),
        needs_person=following.kind != "verify",
    )


def _fell_with_its_batch(submission: Submission) -> bool:
    """Say whether it follows a row whose batch the platform clearly refused: there the look was a precaution only."""
    call = submission.last_call
    return submission.alone and call is not None and call.state == CallState.REFUSED


def doubt_refusal(call_id: int, carried: Sequence[Submission]) -> None:
    """Look once more where what was found absent and sent again is refused: the lost one may have arrived after all.

    The platform's words stay; if it holds what we said, that is adopted, if not, the refusal stands.
    """
    for submission in carried:
        if submission.settled.startswith(ABSENT_WORDS):
            ledger.move(
                submission.pk,
                (SubmissionState.REFUSED,),
                carried_by=call_id,
                state=SubmissionState.UNKNOWN,
                settled=DOUBTED,
                not_before=None,
                looks=0,
                step=0,
            )


def _wait(group: Sequence[Submission], seconds: float) -> None:
    until = timezone.now() + dt.timedelta(seconds=seconds)
    Submission.objects.filter(pk__in=[item.pk for item in group], state=SubmissionState.UNKNOWN).update(
        not_before=until
    )
