"""A call in words: its steps, what it carried, and the ledger's rows for a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models

from insurance.exchange.choices import CallState
from insurance.exchange.models import Call, CallEvent, CallRow, Submission
from insurance.exchange.pages.submissions import purpose_words
from insurance.specification.books import Book
from portal.audit.models import AuditEvent
from portal.audit.queries import history
from portal.people.actor import Actor

MOST_CARRIED = 50
# Newest first, of one record; more is read in the ledger and the audit themselves.
MOST_ENTRIES = 100
READ = "exchange.read"

EVENTS = {
    "prepared": "报文已写好，准备发出",
    "sent": "开始发出（从这时起平台可能已收到）",
    "accepted": "平台答复：成功",
    "refused": "平台答复：拒绝",
    "unknown": "没有得到结果",
    "undelivered": "未发出，平台没有收到",
    "returned": "没有受理，重新排队",
    "late": "收到迟到的答复",
    "contradiction": "迟到的答复与此前认定不符",
    "applied": "结果已写入业务记录",
    "settled": "结果已查明",
    "absent": "查证：平台没有",
    "file-refused": "下载的文件不合格",
}
ACTS = {
    "exchange.submit": "提交上传",
    "exchange.resend": "重新上传",
    "exchange.withdraw": "撤销",
    "exchange.decide": "人工核实",
    "exchange.acknowledge": "核对迟到的答复",
    "exchange.pause": "暂停上传",
    "exchange.resume": "恢复上传",
    "exchange.change": "修改连接",
}
FINDINGS = {"adopted": "平台有，采用平台结果", "absent": "平台无，可重新上传"}


@dataclass(frozen=True)
class Entry:
    """One line of a record's history: when, who or what, and what happened."""

    at: dt.datetime
    who: str
    what: str
    reason: str = ""
    msgid: str = ""


def calls_for(actor: Actor) -> models.QuerySet[Call]:
    """Return the ledger of the institution at hand as far as the actor may see it."""
    visible = Call.objects.visible_to(actor.person) if actor.person else Call.objects.all()
    found: models.QuerySet[Call] = visible.filter(institution=actor.institution)
    return found


def name_calls(calls: Sequence[Call], book: Book) -> None:
    """Set `title` (number and name of the transaction) and `seconds` on a page's calls; no query."""
    for call in calls:
        shown: Any = call
        shown.title = book.index[call.infno].cells["name"] if call.infno in book.index else ""
        ended = call.answered_at
        shown.seconds = f"{(ended - call.sent_at).total_seconds():.2f}" if ended and call.sent_at else ""


def state_words(call: Call) -> str:
    """Return the line beside a call's state: the platform's words, or that its answer could not be applied."""
    if call.applied_at is None and call.apply_attempts:
        return f"答复已收到，写入业务记录失败 {call.apply_attempts} 次，系统会再试；请联系信息科"
    if call.state == CallState.REFUSED:
        return f"平台返回：{call.words or '未说明原因'}"
    return call.words


def carried(call: Call, book: Book) -> list[CallRow]:
    """Return the first submissions a call carried, each row's submission with its `title`."""
    rows = list(
        CallRow.objects.filter(call=call)
        .select_related("submission")
        .defer("submission__payload")
        .order_by("place")[:MOST_CARRIED]
    )
    for row in rows:
        shown: Any = row.submission
        shown.title = purpose_words(row.submission.purpose, book)
    return rows


def steps_of(call: Call) -> list[Entry]:
    """Return what happened to a call, oldest first."""
    return [_step(event) for event in call.events.order_by("id")[:MOST_ENTRIES]]


def _step(event: CallEvent, msgid: str = "") -> Entry:
    detail = event.detail if isinstance(event.detail, dict) else {}
    said = str(detail.get("words") or "")
    if detail.get("lease") == "expired":
        said = "发送程序中断，租约到期"
    if detail.get("http") not in (None, 200):
        said = f"{said} HTTP {detail['http']}".strip()
    return Entry(event.at, "系统", EVENTS.get(event.kind, event.kind), said, msgid)


def story_of(submission: Submission, calls: Sequence[Call]) -> list[Entry]:
    """Return a submission's history, newest first: people's decisions and the steps of its calls, merged."""
    asked = submission.requested_by.name if submission.requested_by else "系统"
    entries = [Entry(submission.created_at, asked, "提交上传")]
    decisions = history(submission).exclude(action__in=[READ, "exchange.submit"])[:MOST_ENTRIES]
    entries += [_decision(event) for event in decisions]
    msgids = {call.pk: call.msgid for call in calls}
    steps = CallEvent.objects.filter(call__in=list(msgids)).order_by("-id")[:MOST_ENTRIES]
    entries += [_step(event, msgids[event.call_id]) for event in steps]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _decision(event: AuditEvent) -> Entry:
    what = ACTS.get(event.action) or event.label or event.action
    finding = FINDINGS.get(str(event.detail.get("finding", "")), "") if isinstance(event.detail, dict) else ""
    return Entry(event.at, event.actor_name, f"{what}：{finding}" if finding else what, event.reason)
