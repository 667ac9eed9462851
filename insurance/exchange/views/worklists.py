"""待处理 and 结果待查: the work lists, and the word that a late answer has been compared."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from insurance.exchange import services
from insurance.exchange.forms import MustReasonForm
from insurance.exchange.models import Submission
from insurance.exchange.pages import submissions as pages
from insurance.exchange.pages import worklists
from insurance.exchange.pages.acts import why_not_acknowledge
from insurance.exchange.pages.links import link_in
from insurance.exchange.tables import WorkTable
from insurance.exchange.views.submissions import SUBMIT, SubmissionBatch, SubmissionList
from portal.lists.views import Batch, Empty
from portal.people.actor import Actor

DECIDE = "exchange.decide"


class WorkList(SubmissionList):
    """What both work lists share: ages, deadlines and the next step beside each row."""

    table_class = WorkTable
    order = ("pk",)

    def decorate(self, records: list[Any]) -> None:
        """Set the words of a page's rows."""
        super().decorate(records)
        worklists.attach_deadlines(records)


class TodoList(WorkList):
    """What does not go on without a person."""

    title = "待处理"
    purpose = "没有人处理就不会往下走的上传：失败的、待人工核实的、前后不符的、写入失败的、被挡住的。先到的在前。"
    tabs = worklists.TODO_TABS
    batches = (
        Batch("重新上传", "exchange:resend_todo", SUBMIT, ("refused", "all"), "只有「上传失败」的可以重新上传。"),
        Batch("撤销", "exchange:withdraw_todo", SUBMIT, ("refused", "held", "all"), "只能撤销待上传和上传失败的。"),
        Batch("已核对", "exchange:acknowledge", DECIDE, ("contradicted", "all"), "只有「答复前后不符」的需要核对。"),
    )
    empty = Empty("没有待处理的上传。出现上传失败或结果待查时，会自动列在这里。")

    def rows(self) -> QuerySet[Any]:
        """Return what needs a person."""
        return worklists.to_do_for(self.request.actor)


class UnknownList(WorkList):
    """What was sent and nobody knows the outcome of."""

    title = "结果待查"
    purpose = "已经发出、没有收到结果的上传。系统正在向平台核实，请勿重复上传；核实不了的转人工。"
    tabs = worklists.UNKNOWN_TABS
    batches = ()
    empty = Empty("没有结果待查的上传：每一条发出去的都有结果。")

    def rows(self) -> QuerySet[Any]:
        """Return what is unknown."""
        return worklists.unknown_for(self.request.actor)


class Acknowledge(SubmissionBatch):
    """已核对: a person compared a late answer, which contradicts what was settled, with the platform."""

    list_page = TodoList
    list_url = "exchange:todo"
    action = DECIDE
    verb = "确认已核对"
    effect = (
        "先在平台核对有没有、有没有重复，并按实际情况办好（撤销重复的、补传缺少的），再在这里注明。状态不会因此改变。"
    )
    form_class = MustReasonForm

    def refusal(self, row: Submission) -> str:
        """Return why there is nothing to compare."""
        return why_not_acknowledge(row)

    def sums(self, rows: list[Any]) -> list[tuple[str, str]]:
        """Tell what the late answer said."""
        connection, book = link_in(self.request)
        pages.attach(rows, connection, book)
        return [(row.label, row.settled) for row in rows[:10]]

    def one(self, actor: Actor, row: Submission, form: forms.Form | None) -> None:
        """Note it."""
        assert form is not None
        services.acknowledge(actor, submission=row, reason=form.cleaned_data["reason"])
