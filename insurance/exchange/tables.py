"""Tables of the exchange's lists."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.models import Call, Submission
from insurance.exchange.pages.calls import state_words
from insurance.exchange.pages.submissions import why_not_decide, why_not_resend, why_not_withdraw, without_right
from portal.lists.columns import (
    Act,
    ActionsColumn,
    CodeColumn,
    NumberColumn,
    SelectColumn,
    StateColumn,
    TextColumn,
    TimeColumn,
)
from portal.lists.tables import ListTable

# The words beside the state are what people come for.
WIDE = {"td": {"class": "cell-state state-wide"}}
SUBMIT, DECIDE = "exchange.submit", "exchange.decide"


def acts_of_submission(submission: Submission, table: Any) -> list[Act]:
    """Return what may be done with a submission, and why the rest may not."""
    submit, decide = table.refusal(SUBMIT), table.refusal(DECIDE)
    return [
        Act("重新上传", reverse("exchange:resend"), batch=True, reason=why_not_resend(submission) or submit),
        Act("撤销", reverse("exchange:withdraw"), batch=True, reason=why_not_withdraw(submission) or submit),
        Act("人工核实", reverse("exchange:decide"), batch=True, reason=why_not_decide(submission) or decide),
    ]


def acts_of_work(submission: Submission, table: Any) -> list[Act]:
    """Return what may be done with a row of a work list: the acts of every submission, and 已核对 where it is asked."""
    if not submission.contradicted:
        return acts_of_submission(submission, table)
    compared = Act("已核对", reverse("exchange:acknowledge"), batch=True, reason=table.refusal(DECIDE))
    return [compared, *acts_of_submission(submission, table)]


class SubmissionTable(ListTable):
    """What is to be said to the platform, and where it stands."""

    select = SelectColumn()
    label = TextColumn(verbose_name="对象", opens=True, width="w-l")
    title = TextColumn(verbose_name="用途（交易）", orderable=False, width="w-m")
    state = StateColumn(SubmissionState, verbose_name="状态", extra="more", attrs=WIDE)
    state_at = TimeColumn(verbose_name="状态时间")
    created_at = TimeColumn(verbose_name="提交时间", order_by=("id",))
    requested_by = TextColumn(verbose_name="提交人", accessor="requested_by__name", orderable=False, width="w-s")
    act = ActionsColumn(acts_of_submission)

    def row_url(self, record: Any) -> str:
        """Return the submission's own page."""
        return reverse("exchange:submission", args=[record.pk])

    def refusal(self, action: str) -> str:
        """Return which right the person lacks, asked once a page."""
        return "" if self.may(action) or self.actor is None else without_right(self.actor, action)


class WorkTable(SubmissionTable):
    """A work list: how long it has waited, until when, and the next step."""

    title = TextColumn(verbose_name="用途（交易）", orderable=False, width="w-s")
    state = StateColumn(SubmissionState, verbose_name="状态", extra="more")
    age = TextColumn(verbose_name="已等", orderable=False, width="w-s")
    deadline = TextColumn(verbose_name="期限", orderable=False, width="w-m")
    next = TextColumn(verbose_name="下一步", orderable=False, width="w-m")
    # django-tables2 takes a parent's column out like this; how long it has waited tells more than when it began.
    created_at = None  # type: ignore[assignment]
    state_at = None  # type: ignore[assignment]
    requested_by = None  # type: ignore[assignment]
    act = ActionsColumn(acts_of_work)

    class Meta:
        """The acts stay last."""

        sequence = ("select", "label", "title", "state", "age", "deadline", "next", "...", "act")


class CallTable(ListTable):
    """The ledger: every message said to the platform, newest first."""

    prepared_at = TimeColumn(verbose_name="时间", opens=True)
    infno = CodeColumn(verbose_name="交易")
    title = TextColumn(verbose_name="交易名称", orderable=False)
    state = StateColumn(CallState, verbose_name="状态", extra=state_words, attrs=WIDE)
    row_count = NumberColumn(verbose_name="行数", orderable=False)
    seconds = NumberColumn(verbose_name="耗时(秒)", orderable=False)
    inf_refmsgid = CodeColumn(verbose_name="接收方报文ID", orderable=False)
    opter_name = TextColumn(verbose_name="经办人", orderable=False, width="w-s")
    actor_name = TextColumn(verbose_name="发起", orderable=False, width="w-s")

    def row_url(self, record: Call) -> str:
        """Return the call's own page."""
        return reverse("exchange:call", args=[record.pk])
