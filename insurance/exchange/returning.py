"""What was carried and comes back undone: queued again, or kept as unknown."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from insurance.exchange import breaker, ledger
from insurance.exchange.answers import SHUT_OUT, classify, complains_of_sign_in
from insurance.exchange.bodies import body_of
from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.models import Call, CallRow, Session, Submission

# How often a message goes again after refusals that speak of the sign-in.
MOST_SIGN_INS = 3


def requeue(call_id: int, words: str, *, counted: bool = True) -> None:
    """Queue what was not delivered again, with a count and a growing pause."""
    with transaction.atomic():
        for submission in _carried(call_id):
            pause = min(2**submission.attempts, 60) if counted else 0
            ledger.move(
                submission.pk,
                (SubmissionState.SENDING,),
                carried_by=call_id,
                state=SubmissionState.QUEUED,
                attempts=submission.attempts + (1 if counted else 0),
                words=words[:1000],
                not_before=timezone.now() + dt.timedelta(seconds=pause),
            )


def hold_unknown(call_id: int, words: str) -> None:
    """Keep what may have arrived as unknown; the steps of the index begin at once."""
    with transaction.atomic():
        for submission in _carried(call_id):
            ledger.move(
                submission.pk,
                (SubmissionState.SENDING,),
                carried_by=call_id,
                state=SubmissionState.UNKNOWN,
                words=words[:1000],
                not_before=None,
                looks=0,
                step=0,
                needs_person=False,
            )


def take_back(call_id: int, words: str) -> bool:
    """Queue again what a refusal did not judge (the sign-in was, or the hospital); says whether this caller did it."""
    with transaction.atomic():
        waiting = Call.objects.filter(pk=call_id, state=CallState.REFUSED, applied_at=None)
        if not waiting.update(applied_at=timezone.now()):
            return False
        ledger.add_event(call_id, "returned", words=words[:300])
        requeue(call_id, words)
    return True


def may_sign_in_again(call_id: int) -> bool:
    """Say whether what a call carried may go again after a complaint of its sign-in.

    Words are all there is to tell by, so a record that is refused like this again and again is refused itself.
    """
    carried = CallRow.objects.filter(call=call_id).values("submission")
    refusals = CallRow.objects.filter(submission__in=carried, call__state=CallState.REFUSED)
    return refusals.values("call").distinct().count() <= MOST_SIGN_INS


def take_back_left_over(call: Call) -> bool:
    """Do for a refused call, whose sender died before it could judge the refusal, what that sender would have done.

    Says whether it was one that goes again: refused for its sign-in, or turned away with everything of the hospital.
    """
    if call.state != CallState.REFUSED or not CallRow.objects.filter(call=call).exists():
        return False
    if complains_of_sign_in(call.words) and (sign_no := _sign_no_of(call)):
        Session.objects.filter(connection=call.connection_id, opter=call.opter, sign_no=sign_no, ended_at=None).update(
            ended_at=timezone.now()
        )
        return may_sign_in_again(call.pk) and take_back(call.pk, call.words)
    return _turned_away(call) and breaker.is_shut_out(call.connection) and take_back(call.pk, call.words)


def _sign_no_of(call: Call) -> str:
    """Return the sign-in number that a message carried."""
    envelope = json.loads(body_of(call.pk, "request") or b"{}")
    return str(envelope.get("sign_no") or "")


def _turned_away(call: Call) -> bool:
    if call.http_status not in SHUT_OUT and call.infcode not in {str(status) for status in SHUT_OUT}:
        return False
    return classify(call.http_status or 200, body_of(call.pk, "answer") or b"").shut_out


def _carried(call_id: int) -> Sequence[Submission]:
    return [row.submission for row in CallRow.objects.select_related("submission").filter(call_id=call_id)]
