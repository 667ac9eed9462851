"""What the exchange hands to audit and privacy: histories with the steps of delivery, words, seals, plain messages."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.urls import reverse

from insurance.exchange.contents import is_direct
from insurance.exchange.models import Call, Submission
from insurance.exchange.pages.calls import ACTS, READ, Entry, steps_of, story_of
from insurance.exchange.queries import calls_of, submissions_of
from insurance.exchange.sealing import register_sealing
from portal.audit.histories import HistoryEntry, register_history, register_subject
from portal.audit.uncovering import Uncoverable, register_uncoverable
from portal.audit.words import register_words
from portal.people.models import Person

VIEW = "exchange.view"
MOST_SUBMISSIONS = 20
MOST_CALLS = 20
PARTS = {"request": "请求报文", "answer": "答复报文", "late": "迟到的答复"}
WORDS = ACTS | {
    READ: "查看报文",
    "exchange.apply": "立即写入答复",
    "exchange.retention": "修改保存期限",
    "exchange.prune": "归档并清理受保护报文",
    "exchange.archive_read": "查看归档报文原文",
    "exchange.debug_draft": "保存接口调试草稿",
    "exchange.debug_send": "接口调试发送",
    "exchange.debug_file": "接口调试下载文件",
}


def steps_of_submission(submission: Submission) -> list[HistoryEntry]:
    """Return delivery's steps of a submission's calls; people's decisions come from the audit itself."""
    found = []
    for call in calls_of(submission)[:MOST_CALLS]:
        found += [_entry(step, call) for step in steps_of(call)]
    if is_direct(submission):
        return found  # its queuing is a decision of its own and stands in the audit
    asked = submission.requested_by.name if submission.requested_by else "系统"
    return [HistoryEntry(submission.created_at, asked, "提交上传", url=_url(submission)), *found]


def steps_of_call(call: Call) -> list[HistoryEntry]:
    """Return delivery's steps of one call."""
    return [_entry(step, call) for step in steps_of(call)]


def steps_of_subject(thing: models.Model) -> list[HistoryEntry]:
    """Return what was said to the platform about a record: its submissions with decisions and steps, merged."""
    found = []
    for submission in submissions_of(thing).select_related("requested_by")[:MOST_SUBMISSIONS]:
        calls = list(calls_of(submission)[:MOST_CALLS])
        for entry in story_of(submission, calls):
            reason = entry.reason
            found.append(HistoryEntry(entry.at, entry.who, f"上传：{entry.what}", reason, _url(submission)))
    return found


def _entry(step: Entry, call: Call) -> HistoryEntry:
    return HistoryEntry(
        step.at, step.who, f"{call.infno} {step.what}", step.reason, reverse("exchange:call", args=[call.pk])
    )


def _url(submission: Submission) -> str:
    return reverse("exchange:submission", args=[submission.pk])


def register_uploads_of(*labels: str) -> None:
    """Merge delivery's steps into the history of kinds of records that are uploaded (`app.model`, lower case).

    The room itself calls `portal.audit.histories.register_subject` to open its records' history pages.
    """
    for label in labels:
        register_history(label, steps_of_subject)


def _rows_of(person: Person) -> models.QuerySet[Call]:
    found: models.QuerySet[Call] = Call.objects.visible_to(person)
    return found


def _masked(call: Any, part: str) -> str:
    return "（已脱敏，在交易记录中查看）"


def _clear(call: Any, part: str) -> str:
    return f"{PARTS[part]}：在交易记录页中显示一次"


def register_recording() -> None:
    """Hand everything over."""
    register_words(WORDS)
    register_subject(
        "exchange.submission", VIEW, lambda one: reverse("exchange:submission", args=[one.pk]), lambda one: one.label
    )
    register_subject(
        "exchange.call", VIEW, lambda call: reverse("exchange:call", args=[call.pk]), lambda call: str(call)
    )
    register_history("exchange.submission", steps_of_submission)
    register_history("exchange.call", steps_of_call)
    register_uncoverable(
        Uncoverable("exchange.call", action=VIEW, fields=PARTS, visible=_rows_of, masked=_masked, clear=_clear)
    )
    register_sealing()
