"""待审核: what waits for the second person, new relations and endings, made for the keyboard as well."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponseBase, QueryDict
from django.urls import reverse

from insurance.mapping.choices import EndingKind
from insurance.mapping.errors import MappingError
from insurance.mapping.review import services
from insurance.mapping.review.filters import ApprovalFilter, EndingFilter
from insurance.mapping.review.forms import ReturnForm
from insurance.mapping.review.queries import APPROVALS, ENDINGS, attach_reasons, endings_to_approve, to_approve
from insurance.mapping.review.tables import ApprovalTable, EndingTable
from portal.lists.batch import BatchPage
from portal.lists.intent import Result
from portal.lists.one_by_one import OneByOne
from portal.lists.selection import Selection, SelectionRefused
from portal.lists.views import ActionView, Batch, Empty, Link, ListPage, Tab
from portal.people.actor import Actor, NotAllowed
from portal.people.guard import ActorRequest, go

EMPTY = {"todo": "没有等您审核的对照。", "mine": "您没有等别人审核的对照。"}
MOST = 1000
OPEN = ("todo", "certain", "unsure", "replacing", "all")


class Approvals(ListPage):
    """Proposals that wait."""

    action = "mapping.view"
    title = "待审核"
    purpose = "对码人以外的另一人审核，通过后自动上传（3301）；条数多时先看系统抽取的。A 通过 R 退回 X 全选 ? 按键"
    table_class = ApprovalTable
    filter_class = ApprovalFilter
    tabs = tuple(Tab(key, label, rows, EMPTY.get(key, "")) for key, (label, rows) in APPROVALS.items())
    tools = (Link("已对照", "mapping:mappings"),)
    batches = (
        Batch("通过", "mapping:approvals_approve", "mapping.approve", OPEN),
        Batch("退回", "mapping:approvals_return", "mapping.approve", OPEN),
        Batch("撤回", "mapping:approvals_cancel", "mapping.view", ("mine",)),
    )
    empty = Empty("没有待审核的对照。", Link("去对码工作台", "mapping:review"))
    order = ("-item__revenue", "pk")
    export_action = "mapping.export"
    template_name = "mapping/review/approvals.html"

    def rows(self) -> QuerySet[Any]:
        """Return the proposals of the institution at hand."""
        return to_approve(self.request.actor)

    def decorate(self, records: list[Any]) -> None:
        """Say for each whether this person may be its second."""
        attach_reasons(self.request.actor, records)

    def context(self) -> dict[str, Any]:
        """Add how many endings wait beside them."""
        return {"others": endings_to_approve(self.request.actor).count(), "which": "mappings"}


class EndingApprovals(ListPage):
    """Endings and removals that wait."""

    action = "mapping.view"
    title = "待审核：终止与撤销"
    purpose = "终止（3360）使对照到某日为止；撤销（3302）从平台删除登记有误的对照。由提出人以外的另一人审核后上传。"
    table_class = EndingTable
    filter_class = EndingFilter
    tabs = tuple(Tab(key, label, rows, EMPTY.get(key, "")) for key, (label, rows) in ENDINGS.items())
    batches = (
        Batch("通过", "mapping:endings_approve", "mapping.approve", ("todo", "all")),
        Batch("退回", "mapping:endings_return", "mapping.approve", ("todo", "all")),
        Batch("撤回", "mapping:endings_cancel", "mapping.view", ("mine",)),
    )
    empty = Empty("没有待审核的终止或撤销。", Link("查看已对照", "mapping:mappings"))
    order = ("pk",)
    template_name = "mapping/review/approvals.html"

    def rows(self) -> QuerySet[Any]:
        """Return the endings of the institution at hand."""
        return endings_to_approve(self.request.actor)

    def decorate(self, records: list[Any]) -> None:
        """Say for each whether this person may be its second."""
        attach_reasons(self.request.actor, records)

    def context(self) -> dict[str, Any]:
        """Add how many relations wait beside them."""
        return {"others": to_approve(self.request.actor).count(), "which": "endings"}


class Approve(ActionView):
    """Draw a round of what was chosen, and go to it: there it is looked through and approved."""

    action = "mapping.approve"

    def post(self, request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Make the round; nothing is approved yet."""
        selection = Selection.of(request.POST)
        page = Approvals()
        page.setup(request)
        try:
            rows = selection.rows(page.matching(QueryDict(selection.query)), page.visible())
            if len(rows) > MOST:
                raise SelectionRefused(f"一次最多审核 {MOST:,} 条，当前 {len(rows):,} 条。请用查询条件分几次审核。")
            made = services.draw_round(request.actor, mappings=rows)
        except (SelectionRefused, MappingError, NotAllowed) as error:
            messages.error(request, f"没有通过：{error}")
            base = reverse("mapping:approvals")
            return go(request, f"{base}?{selection.query}" if selection.query else base)
        return go(request, made.get_absolute_url())


class _Barred(BatchPage):
    """What batches of the second person share."""

    unit = "条"

    def prepare(self, rows: list[Any]) -> None:
        """Ask once for each proposer."""
        attach_reasons(self.request.actor, rows)

    def refusal(self, row: Any) -> str:
        """Return why this person cannot be the second."""
        return str(row.barred)


class Return(_Barred):
    """退回 of proposals, with a reason."""

    action = "mapping.approve"
    list_page = Approvals
    list_url = "mapping:approvals"
    verb = "退回"
    effect = "退回给对码人，附上原因。对码人在「对码工作台 · 已退回」里看到，改正后重新提交；平台上没有变化。"
    form_class = ReturnForm

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Hand all of them back."""
        assert form is not None
        try:
            done = services.return_mappings(actor, mappings=rows, reason=form.cleaned_data["words"])
        except MappingError as error:
            raise SelectionRefused(str(error)) from error
        return Result(f"已退回 {len(done):,} 条，对码人会在「已退回」里看到原因。")


class _EndingBatch(_Barred):
    list_page = EndingApprovals
    list_url = "mapping:ending_approvals"


class ApproveEndings(_EndingBatch):
    """通过 of endings: they go to the platform at once."""

    action = "mapping.approve"
    verb = "通过"
    effect = "通过后立即送往平台：终止按目录对照作废（3360），撤销按目录对照撤销（3302），撤销后不能再用它上传费用。"
    danger: ClassVar[bool] = True

    def sums(self, rows: list[Any]) -> list[tuple[str, str]]:
        """Return how many of each kind."""
        kinds = [(str(kind.label), sum(row.kind == kind for row in rows)) for kind in EndingKind]
        return [(label, f"{number} 条") for label, number in kinds if number]

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Let them go."""
        done = services.approve_endings(actor, endings=rows)
        words = f"已通过 {len(done.approved):,} 条，{done.queued:,} 条正在送往平台。"
        rest = [why for _, why in done.left_out] + done.held_back
        return Result((words + "；".join(rest))[:500], level="warning" if rest else "success")


class ReturnEndings(_EndingBatch):
    """退回 of endings, with a reason."""

    action = "mapping.approve"
    verb = "退回"
    effect = "退回给提出人，附上原因。平台上没有变化。"
    form_class = ReturnForm

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Hand all of them back."""
        assert form is not None
        try:
            done = services.return_endings(actor, endings=rows, reason=form.cleaned_data["words"])
        except MappingError as error:
            raise SelectionRefused(str(error)) from error
        return Result(f"已退回 {len(done):,} 条。")


class CancelEndings(OneByOne):
    """撤回 of endings that nobody approved yet."""

    action = "mapping.view"
    list_page = EndingApprovals
    list_url = "mapping:ending_approvals"
    verb = "撤回"
    effect = "撤回还没有审核的终止或撤销申请，对照保持原样。"
    refused = (MappingError, NotAllowed)

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Take one back."""
        services.cancel_ending(actor, ending=row, reason="撤回")
