"""上传与结果待查: the work list, one submission, and what a person may do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from insurance.exchange import services
from insurance.exchange.errors import PlatformError
from insurance.exchange.filters import SubmissionFilter
from insurance.exchange.forms import DecideForm, ReasonForm
from insurance.exchange.handlers import Finding
from insurance.exchange.models import Submission
from insurance.exchange.pages import submissions as pages
from insurance.exchange.pages.calls import name_calls, story_of
from insurance.exchange.pages.contents import said
from insurance.exchange.pages.links import link_in, stopped_words
from insurance.exchange.queries import calls_of
from insurance.exchange.tables import SubmissionTable, acts_of_submission
from portal.desk.context import in_drawer
from portal.lists.one_by_one import OneByOne
from portal.lists.selection import Selection, SelectionRefused
from portal.lists.views import Batch, Empty, ListPage
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, needs

VIEW, SUBMIT = "exchange.view", "exchange.submit"


class SubmissionList(ListPage):
    """What is to be said to the platform: what needs a person first, what is on its way, what was."""

    action = VIEW
    title = "上传记录"
    purpose = "各科室业务提交到医保平台的每一条上传，及其结果。结果待查的请勿重复上传。"
    table_class = SubmissionTable
    filter_class = SubmissionFilter
    template_name = "exchange/submissions.html"
    export_action = "exchange.export"
    tabs = pages.TABS
    batches: ClassVar[Sequence[Batch]] = (
        Batch("重新上传", "exchange:resend", SUBMIT, ("refused", "all"), "只有「上传失败」的可以重新上传。"),
        Batch("撤销", "exchange:withdraw", SUBMIT, ("refused", "queued", "all"), "只能撤销待上传和上传失败的。"),
    )
    empty = Empty("还没有提交过上传。在「科室」等页面提交后，这里会看到每一条的进展。")

    def rows(self) -> QuerySet[Any]:
        """Return the institution's submissions."""
        return pages.submissions_for(self.request.actor)

    def decorate(self, records: list[Any]) -> None:
        """Set the words of a page's rows."""
        connection, book = link_in(self.request)
        pages.attach(records, connection, book)

    def context(self) -> dict[str, Any]:
        """Say on top when nothing is sent now."""
        connection, _ = link_in(self.request)
        return {"stopped": stopped_words(connection) if connection else "本机构尚未建立平台连接，请联系信息科。"}


@require_GET
@needs(VIEW)
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One submission: what is said, where it stands, its calls, its history, the next step."""
    submission = get_object_or_404(pages.submissions_for(request.actor).defer(None), pk=pk)
    connection, book = link_in(request)
    pages.attach([submission], connection, book)
    pages.fetch_subjects([submission])
    calls = list(calls_of(submission)[:20])
    name_calls(calls, book)
    context = {
        "submission": submission,
        "message": said(request.actor, submission, book),
        "advice": pages.advice_for(submission) if submission.state == "refused" else "",
        "calls": calls,
        "story": story_of(submission, calls),
        "acts": acts_of_submission(submission, _Rights(request.actor)),
        "next": _here(request),
    }
    return render(request, "exchange/submission.html", context)


class _Rights:
    """What the row actions ask a table for, without a table."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def refusal(self, action: str) -> str:
        """Return which right is missing."""
        return pages.without_right(self.actor, action)


def _here(request: ActorRequest) -> str:
    """Return where a person is: the list under the drawer, else this page."""
    if in_drawer(request):
        return request.htmx.current_url_abs_path or reverse("exchange:submissions")
    return request.get_full_path()


class SubmissionBatch(OneByOne):
    """What the buttons over submissions share: the subjects fetched, each row done on its own."""

    list_page = SubmissionList
    list_url = "exchange:submissions"
    unit = "条"
    refused = (PlatformError,)

    def prepare(self, rows: list[Any]) -> None:
        """Fetch the records spoken of."""
        pages.fetch_subjects(rows)


class Resend(SubmissionBatch):
    """重新上传: each refused one as a new submission of the same record."""

    action = SUBMIT
    verb = "重新上传"
    effect = "把所选「上传失败」的记录按现在的内容重新上传到医保平台。整批被拒的会逐条单独发送。"
    form_class = ReasonForm

    def refusal(self, row: Submission) -> str:
        """Return why one cannot be sent again."""
        return pages.why_not_resend(row) or pages.why_gone(row)

    def one(self, actor: Actor, row: Submission, form: forms.Form | None) -> None:
        """Queue it again."""
        services.resend(actor, submission=row, reason=_reason(form))


class Withdraw(SubmissionBatch):
    """撤销: take back what has not left, give up what was refused."""

    action = SUBMIT
    verb = "撤销"
    danger = True
    effect = "所选记录不再上传。已经发出的不受影响；平台上已有的内容不会因此改变。"
    form_class = ReasonForm

    def refusal(self, row: Submission) -> str:
        """Return why one cannot be taken back."""
        return pages.why_not_withdraw(row)

    def one(self, actor: Actor, row: Submission, form: forms.Form | None) -> None:
        """Take it back."""
        services.withdraw(actor, submission=row, reason=_reason(form))


class Decide(SubmissionBatch):
    """人工核实: a person's word on an unknown outcome, one at a time, with the evidence."""

    action = "exchange.decide"
    verb = "人工核实"
    danger = True
    effect = (
        "先在平台（医保局网站、电话或查询交易）查明有没有这一条，再填写。选「平台有」记为上传成功，不再发送；"
        "选「平台无」可以再发一次——如果平台其实有，就会重复。"
    )
    form_class = DecideForm

    def rows_of(self, selection: Selection) -> list[Any]:
        """Return the one submission meant. Raises SelectionRefused when they are more: each has its own evidence."""
        rows = super().rows_of(selection)
        if len(rows) > 1:
            raise SelectionRefused(f"人工核实须逐条进行，当前选了 {len(rows):,} 条。请打开每一条分别核实。")
        return rows

    def refusal(self, row: Submission) -> str:
        """Return why one needs no decision."""
        return pages.why_not_decide(row)

    def sums(self, rows: list[Any]) -> list[tuple[str, str]]:
        """Tell what is known so far."""
        connection, book = link_in(self.request)
        pages.attach(rows, connection, book)
        return [("用途", row.title) for row in rows] + [("目前", row.more) for row in rows]

    def one(self, actor: Actor, row: Submission, form: forms.Form | None) -> None:
        """Settle it."""
        assert form is not None
        finding = Finding(form.cleaned_data["finding"])
        services.decide(actor, submission=row, finding=finding, reason=form.cleaned_data["reason"])


def _reason(form: forms.Form | None) -> str:
    return str(form.cleaned_data["reason"]) if form is not None else ""
