"""What may be done next with a call, and why not the rest: each act is shown, disabled with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.ledger import READING
from insurance.exchange.models import Call, CallRow, Submission
from insurance.exchange.pages.submissions import (
    why_not_decide,
    why_not_resend,
    why_not_withdraw,
    without_right,
)
from portal.people.actor import Actor

SUBMIT, DECIDE, DEBUG, UNCOVER = "exchange.submit", "exchange.decide", "exchange.debug", "privacy.uncover"
MOST_ATTEMPTS = 20


@dataclass(frozen=True)
class NextAct:
    """One button: posts `name=value` to `url` (with a panel), or opens `url`; with a `reason` it is disabled."""

    label: str
    url: str = ""
    value: str = ""
    panel: bool = False
    reason: str = ""


def acts_of_call(actor: Actor, call: Call, rows: Sequence[CallRow]) -> list[NextAct]:
    """Return every act there is on a call's page, each with why it cannot be taken now."""
    return [*_of_submission(actor, call, rows), _apply(actor, call), _again(actor, call), _uncover(actor, call)]


def _of_submission(actor: Actor, call: Call, rows: Sequence[CallRow]) -> list[NextAct]:
    whole = ""
    if call.effect in READING:
        whole = "这是查询、下载或签到，不属于任何一条上传"
    elif not rows:
        whole = "这次交易没有带上传"
    elif len(rows) > 1:
        whole = f"这次交易带了 {call.row_count:,} 条上传，请在「所带的上传」里逐条办理"
    one = rows[0].submission if len(rows) == 1 else None
    if one is not None and one.last_call_id != call.pk:
        whole = "之后已有新的一次交易，请在最新的那次里办理"
    acts = (
        ("重新上传", "exchange:resend", SUBMIT, why_not_resend),
        ("撤销", "exchange:withdraw", SUBMIT, why_not_withdraw),
        ("人工核实", "exchange:decide", DECIDE, why_not_decide),
        ("已核对", "exchange:acknowledge", DECIDE, why_not_acknowledge),
    )
    found = []
    for label, name, right, why_not in acts:
        reason = whole or (why_not(one) if one is not None else "") or without_right(actor, right)
        found.append(NextAct(label, reverse(name), str(one.pk) if one else "", True, reason))
    return found


def why_not_acknowledge(submission: Submission) -> str:
    """Return why there is no late answer to compare, "" when there is."""
    return "" if submission.contradicted else "没有与此前认定不符的迟到答复"


def is_stuck(call: Call) -> bool:
    """Say whether an answer came and could not be written into the records yet."""
    return call.applied_at is None and call.state in (CallState.ACCEPTED, CallState.REFUSED)


def _apply(actor: Actor, call: Call) -> NextAct:
    reason = "" if is_stuck(call) else "答复已写入，或没有要写入的答复"
    return NextAct(
        "立即写入", reverse("exchange:apply_now", args=[call.pk]), reason=reason or without_right(actor, DECIDE)
    )


def _again(actor: Actor, call: Call) -> NextAct:
    url = reverse("exchange:debug_repeat", args=[call.pk])
    return NextAct("按此再发", url, reason=without_right(actor, DEBUG))


def _uncover(actor: Actor, call: Call) -> NextAct:
    return NextAct("查看明文", reverse("exchange:call_uncover", args=[call.pk]), reason=without_right(actor, UNCOVER))


def attempts_of(call: Call, rows: Sequence[CallRow]) -> list[Call]:
    """Return the other calls that said the same or carried the same submissions, newest first."""
    carried = CallRow.objects.filter(submission__in=[row.submission_id for row in rows]).values("call")
    same = Q(pk__in=list(carried.values_list("call", flat=True)[: MOST_ATTEMPTS * 10]))
    if call.effect not in READING:
        same |= Q(connection=call.connection_id, digest=call.digest)
    found = Call.objects.filter(same, institution=call.institution_id).exclude(pk=call.pk)
    return list(found.order_by("-pk")[:MOST_ATTEMPTS])


STATE_STEPS = {
    SubmissionState.REFUSED: "改正后「重新上传」，或「撤销」",
    SubmissionState.QUEUED: "先办好挡在前面的那条",
    SubmissionState.UNKNOWN: "在平台查明有没有，再点「人工核实」",
    SubmissionState.SENDING: "联系信息科：答复写入失败，系统会再试",
}


def next_step(submission: Submission) -> str:
    """Return what a person does next about a submission on a work list."""
    if submission.contradicted:
        return "在平台核对，再点「已核对」"
    if submission.state == SubmissionState.UNKNOWN and not submission.needs_person:
        return "等系统核实，请勿重复上传"
    return STATE_STEPS.get(SubmissionState(submission.state), "")
