"""Sending one transaction at once and waiting for what becomes of it (`manage.py call`)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone

from insurance.exchange import breaker, ledger
from insurance.exchange.answers import Answer
from insurance.exchange.applying import late_answer, stored_answer
from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.contents import direct_subject
from insurance.exchange.delivery import conclude
from insurance.exchange.errors import AlreadyOpen, Refused, Undelivered, Unknown
from insurance.exchange.leases import pick_up, reap
from insurance.exchange.lines import Line, refuse_invalid
from insurance.exchange.models import Call, Submission
from insurance.exchange.recovery import look
from insurance.exchange.services import submit_message
from insurance.exchange.waves import prepare_wave
from portal.people.actor import Actor


@dataclass(frozen=True)
class Result:
    """What became of a message: the answer's envelope, and how it was settled when its own answer was lost."""

    state: CallState
    envelope: Mapping[str, Any]
    words: str = ""
    file: str = ""
    call_id: int | None = None


def send(
    line: Line, actor: Actor, infno: str, message: Mapping[str, Any], *, insuplc_admdvs: str = "", patience: float
) -> Result:
    """Send one transaction through check, ledger and recovery rules; waits up to `patience` seconds for the last.

    Raises MessageInvalid before anything is written.
    """
    transaction = line.book.transaction(infno)
    refuse_invalid(line.problems(transaction, message, insuplc_admdvs))
    if transaction.effect in ledger.READING:
        return _read(line, actor, infno, message, insuplc_admdvs)
    ready = line.written(transaction, message)
    try:
        submission = submit_message(actor, infno=infno, message=ready, insuplc_admdvs=insuplc_admdvs, held=True)
    except AlreadyOpen:
        # The same message is on its way already, perhaps from a command that was killed: its outcome is ours too.
        subject = direct_subject(line.connection, infno, ready)
        submission = Submission.objects.filter(subject_type="direct", subject_id=subject).latest("pk")
    return drive(line, submission.pk, time.monotonic() + patience)


def _read(line: Line, actor: Actor, infno: str, message: Mapping[str, Any], insuplc_admdvs: str) -> Result:
    try:
        answer = line.ask(actor, infno, message, insuplc_admdvs=insuplc_admdvs)
    except Refused as error:
        return _of_call(line, error.call_id, CallState.REFUSED, error.words)
    except Undelivered as error:
        return Result(CallState.UNDELIVERED, {}, error.words, call_id=error.call_id)
    except Unknown as error:
        return Result(CallState.UNKNOWN, {}, error.words, call_id=error.call_id)
    return Result(CallState.ACCEPTED, answer.raw, answer.words, answer.file, answer.call_id)


def _of_call(line: Line, call_id: int | None, state: CallState, words: str) -> Result:
    call = Call.objects.filter(pk=call_id).first() if call_id else None
    answer = stored_answer(call, line.book) if call else Answer(state)
    return Result(state, answer.raw, words, call_id=call_id)


def drive(line: Line, submission_id: int, until: float) -> Result:
    """Bring one submission to its end: send it when due, look when unknown, wait where another carries it."""
    while True:
        submission = Submission.objects.select_related("last_call", "connection").get(pk=submission_id)
        state = submission.state
        if state in (SubmissionState.ACCEPTED, SubmissionState.REFUSED, SubmissionState.WITHDRAWN):
            return _settled(line, submission)
        if state == SubmissionState.UNKNOWN and (submission.needs_person or time.monotonic() > until):
            words = submission.settled or submission.words
            return Result(CallState.UNKNOWN, {}, words, call_id=submission.last_call_id)
        if state == SubmissionState.QUEUED and not _send_once(line, submission) and _give_up(submission):
            return Result(CallState.UNDELIVERED, {}, submission.words or "连不上平台", call_id=submission.last_call_id)
        if state == SubmissionState.UNKNOWN and _is_due(submission):
            look(line, [submission])
        elif state == SubmissionState.SENDING:
            reap()
            pick_up()
            if time.monotonic() > until:
                return Result(CallState.UNKNOWN, {}, "另一程序正在发送，尚无结果", call_id=submission.last_call_id)
            time.sleep(0.5)
        else:
            time.sleep(0.1)


def _is_due(submission: Submission) -> bool:
    return submission.not_before is None or submission.not_before <= timezone.now()


def _send_once(line: Line, submission: Submission) -> bool:
    """Claim and carry a queued submission; False when nothing could be delivered, True too while another holds it."""
    wave = prepare_wave(line, None, 1, submission.pk)
    for prepared in wave.calls:
        answer = line.send(prepared)
        conclude(line, prepared, answer)
        held_back = answer.shut_out and breaker.is_shut_out(line.connection)
        return answer.state is not CallState.UNDELIVERED and not held_back
    submission.refresh_from_db()
    return wave.taken == 0 or submission.state != SubmissionState.QUEUED


def _give_up(submission: Submission) -> bool:
    """Nothing left this machine and nothing may go later behind a person's back; False when another carries it now."""
    withdrawn = ledger.move(submission.pk, (SubmissionState.QUEUED,), state=SubmissionState.WITHDRAWN)
    submission.refresh_from_db()
    return withdrawn


def _settled(line: Line, submission: Submission) -> Result:
    call = submission.last_call
    if submission.state == SubmissionState.WITHDRAWN or call is None:
        return Result(CallState.UNDELIVERED, {}, submission.words, call_id=submission.last_call_id)
    accepted = submission.state == SubmissionState.ACCEPTED
    state = CallState.ACCEPTED if accepted else CallState.REFUSED
    answer = stored_answer(call, line.book) if call.state != CallState.UNKNOWN else late_answer(call, line.book)
    if answer is not None and answer.raw:
        return Result(state, answer.raw, submission.words, call_id=call.pk)
    if not accepted:
        # A gateway's no without an envelope: its words are all there is, and none is made up.
        return Result(state, {}, submission.words or submission.settled, call_id=call.pk)
    adopted = {"infcode": 0, "inf_refmsgid": submission.refmsgid, "err_msg": "", "output": None}
    return Result(state, adopted | {"settled": submission.settled}, submission.settled, call_id=call.pk)


def default_patience() -> float:
    """Return how long a command waits for an unknown outcome to be settled, in seconds."""
    return settings.VERIFY_MIN_AGE + settings.VERIFY_EVERY * (settings.VERIFY_LOOKS + 2) + settings.DEADLINE_QUERY
