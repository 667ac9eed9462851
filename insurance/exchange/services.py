"""Everything that changes what is to be said to the platform: queue, withdraw, send again, settle by hand, pause."""

from __future__ import annotations

import json
import logging
import math
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from insurance.exchange import ledger
from insurance.exchange.applying import advance, apply_call
from insurance.exchange.bell import ring_for
from insurance.exchange.choices import CallState, DeliveryClass, SubmissionState
from insurance.exchange.contents import DIRECT, is_direct
from insurance.exchange.debugging.rules import must_be_free
from insurance.exchange.errors import PlatformError
from insurance.exchange.handlers import Finding, Settled
from insurance.exchange.models import ABSENT_WORDS, Call, Connection, Submission
from insurance.exchange.queries import HOLDS
from insurance.exchange.queueing import hold_kinds, hold_queue, hold_thread, submit, submit_many, submit_message
from insurance.exchange.recovery import adopt
from portal.audit.acts import one_act
from portal.audit.services import record
from portal.people.actor import Actor

__all__ = [
    "acknowledge", "apply_now", "decide", "hold_queue", "pause", "release_threads", "resend", "resume",
    "seconds_to_wait", "split", "submit", "submit_many", "submit_message", "withdraw",
]  # fmt: skip

log = logging.getLogger(__name__)


@transaction.atomic
def withdraw(actor: Actor, *, submission: Submission, reason: str = "") -> None:
    """Take back what has not left yet, or give up what was refused. Raises PlatformError when it is too late."""
    actor.must("exchange.submit")
    waiting = (SubmissionState.QUEUED, SubmissionState.REFUSED)
    if not ledger.move(submission.pk, waiting, state=SubmissionState.WITHDRAWN, superseded=True):
        submission.refresh_from_db()
        raise PlatformError(f"{submission.label}：已是「{submission.get_state_display()}」，不能撤销")
    record(actor, "exchange.withdraw", [submission], label=submission.label, reason=reason)
    advance(submission)


@transaction.atomic
def resend(actor: Actor, *, submission: Submission, reason: str = "") -> Submission:
    """Send a refused submission again as a new one, alone if it fell with its batch.

    Raises PlatformError when it was not refused or was already replaced, AlreadyOpen when one is on its way,
    NotFromHere for a message without a record where two persons are needed for it.
    """
    actor.must("exchange.submit")
    hold_thread(submission.connection_id, submission.thread)
    locked = Submission.objects.select_for_update(of=("self",)).select_related("connection").get(pk=submission.pk)
    if locked.state != SubmissionState.REFUSED or locked.superseded:
        raise PlatformError(f"{locked.label}：只有「上传失败」且未被代替的可以重新上传")
    if is_direct(locked):
        must_be_free(locked.connection)
        again = submit_message(
            actor,
            infno=locked.purpose.removeprefix(DIRECT),
            message=json.loads(locked.payload),
            insuplc_admdvs=locked.insuplc_admdvs,
        )
    elif locked.subject is None:
        raise PlatformError(f"{locked.label}：记录已不存在，不能重新上传")
    else:
        again = submit(
            actor,
            purpose=locked.purpose,
            subject=locked.subject,
            label=locked.label,
            insuplc_admdvs=locked.insuplc_admdvs,
        )
    if locked.whole:
        _look_first(again, locked)
    record(actor, "exchange.resend", [locked, again], label=locked.label, reason=reason)
    return again


def _look_first(again: Submission, fallen: Submission) -> None:
    """Let the index's steps look at the platform before a row of a refused batch goes alone: it may be there."""
    Submission.objects.filter(pk=again.pk).update(
        alone=True,
        state=SubmissionState.UNKNOWN,
        last_call=fallen.last_call_id,
        words="整批被拒，先在平台核实，再单独上传",
        looks=0,
        step=0,
    )


def split(call_id: int) -> int:
    """Send the rows of a batch that was refused as a whole one by one (setting BATCH_SPLIT); returns how many."""
    found = Submission.objects.filter(last_call=call_id, state=SubmissionState.REFUSED, whole=True, superseded=False)
    fallen = list(found.select_related("institution").order_by("pk"))
    if not fallen:
        return 0
    again = 0
    with one_act("整批被拒后逐条重发") as act:
        hold_kinds(fallen[0].connection_id, {submission.thread for submission in fallen})
        for submission in fallen:
            try:
                with act.attempt():
                    system = Actor.system(submission.institution, "整批拆分")
                    resend(system, submission=submission, reason="整批被拒后逐条重发")
                again += 1
            except PlatformError as error:
                # A person was quicker, or the record is gone; the other rows go on.
                log.info("submission %s not sent alone: %s", submission.pk, type(error).__name__)
    return again


@transaction.atomic
def decide(actor: Actor, *, submission: Submission, finding: Finding, reason: str) -> None:
    """Settle an unknown outcome by a person's word: the platform has it (ADOPTED) or surely has not (ABSENT).

    Needs a reason. An absent one is queued again, a direct message withdrawn. Raises PlatformError when it is no
    longer unknown or the reason is missing.
    """
    actor.must("exchange.decide")
    if not reason.strip():
        raise PlatformError("请填写依据：在哪里查到、查到什么")
    if finding is Finding.ABSENT and (left := seconds_to_wait(submission)) > 0:
        raise PlatformError(f"报文刚发出，平台可能还在处理。请 {left} 秒后再核实")
    if finding is Finding.ADOPTED:
        done = adopt(submission, Settled(finding, {}, f"人工核实：{reason}"))
    else:
        done = ledger.move(
            submission.pk,
            (SubmissionState.UNKNOWN,),
            carried_by=submission.last_call_id,
            state=SubmissionState.WITHDRAWN if is_direct(submission) else SubmissionState.QUEUED,
            settled=f"{ABSENT_WORDS} (可重新上传) 人工核实：{reason}"[:300],
            needs_person=False,
            not_before=None,
            looks=0,
            step=0,
        )
    if not done:
        raise PlatformError(f"{submission.label}：已不是「结果待查」，请刷新后再看")
    record(actor, "exchange.decide", [submission], label=submission.label, reason=reason, finding=finding.value)
    transaction.on_commit(lambda: ring_for(submission.connection_id, submission.delivery))


@transaction.atomic
def acknowledge(actor: Actor, *, submission: Submission, reason: str) -> None:
    """Note that a person compared a late answer, which contradicts what was settled, with the platform.

    Needs a reason: what was found and done. Raises PlatformError when there is nothing to compare or no reason.
    """
    actor.must("exchange.decide")
    if not reason.strip():
        raise PlatformError("请填写在平台核对的结果")
    if not Submission.objects.filter(pk=submission.pk, contradicted=True).update(contradicted=False):
        raise PlatformError(f"{submission.label}：已有人核对过，请刷新后再看")
    record(actor, "exchange.acknowledge", [submission], label=submission.label, reason=reason)


def apply_now(actor: Actor, *, call: Call) -> None:
    """Write a stored answer into the records now. Raises PlatformError when there is none or it fails again.

    Not in a transaction of the caller: what failed must be noted at the call.
    """
    actor.must("exchange.decide")
    if call.applied_at is not None or call.state not in (CallState.ACCEPTED, CallState.REFUSED):
        raise PlatformError("没有等待写入的答复，可能刚刚已经写入。请刷新后再看")
    done = apply_call(call.pk)
    record(actor, "exchange.apply", [call], label=f"{call.infno} {call.msgid}", done=done)
    if not done:
        raise PlatformError("仍未写入，答复已妥善保存，系统会再试。请联系信息科查看运行日志")


def seconds_to_wait(submission: Submission) -> int:
    """Return how many seconds must pass before an unknown submission may be called absent: the platform may be slow."""
    sent = submission.last_call.sent_at if submission.last_call else None
    if sent is None:
        return 0
    return max(0, math.ceil(settings.VERIFY_MIN_AGE - (timezone.now() - sent).total_seconds()))


@transaction.atomic
def pause(actor: Actor, *, connection: Connection, reason: str) -> None:
    """Stop sending until resumed; what is queued waits."""
    actor.must("exchange.manage")
    Connection.objects.filter(pk=connection.pk).update(paused=True, paused_reason=reason[:200])
    record(actor, "exchange.pause", [connection], reason=reason)


@transaction.atomic
def resume(actor: Actor, *, connection: Connection) -> None:
    """Send again at once: lifts a pause and closes the breaker."""
    actor.must("exchange.manage")
    Connection.objects.filter(pk=connection.pk).update(
        paused=False, paused_reason="", failures=0, broken_until=None, broken_words=""
    )
    record(actor, "exchange.resume", [connection])
    for delivery in DeliveryClass.values:
        transaction.on_commit(partial(ring_for, connection.pk, delivery))


def release_threads() -> int:
    """Let queued submissions go whose predecessors are done; the net under `advance`. Returns how many.

    Only those that may go are looked at: any number may rightly be waiting behind refused ones.
    """
    before = Submission.objects.filter(
        HOLDS, connection=OuterRef("connection"), thread=OuterRef("thread"), position__lt=OuterRef("position")
    )
    free = Submission.objects.filter(~Exists(before), state=SubmissionState.QUEUED, ready=False)
    return int(free.update(ready=True, state_at=timezone.now()))
