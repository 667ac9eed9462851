"""平台核对: what differs from the platform, and settling it one by one or many at once."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from insurance.mapping.choices import DifferenceKind, WorkState
from insurance.mapping.delivery.views import running
from insurance.mapping.errors import MappingError
from insurance.mapping.models import Difference
from insurance.mapping.proof import services
from insurance.mapping.proof.board import board_of
from insurance.mapping.proof.filters import DifferenceFilter
from insurance.mapping.proof.queries import ADVICE, TABS, name_of, settled_words
from insurance.mapping.proof.services import Settled
from insurance.mapping.proof.tables import DifferenceTable, difference_acts, lacks_item, settle_reason
from insurance.mapping.proof.tasks import COMPARE
from portal.audit.queries import history
from portal.lists.batch import BatchPage
from portal.lists.intent import Result
from portal.lists.views import Batch, Empty, Link, ListPage, Tab
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, needs

SETTLEABLE = ("open", *DifferenceKind.values, "ignored")
LEVEL = "已处理或已消失的无需再处理。"
SHRUNK = "确认减少"
COLUMNS = (
    ("code", "医疗目录编码"), ("begndate", "开始日期"), ("enddate", "结束日期"), ("valid", "有效"),
)  # fmt: skip


def differences_of(request: ActorRequest) -> QuerySet[Difference]:
    """Return the differences of the institution at hand that the person may see, with both sides."""
    visible: QuerySet[Difference] = Difference.objects.visible_to(request.user)
    return visible.filter(institution=request.actor.institution).select_related(
        "item", "mapping", "platform", "settled_by"
    )


class Proof(ListPage):
    """Our relations beside 1317 and 5163."""

    action = "mapping.view"
    title = "平台核对"
    purpose = "本院对照与平台现有的对照（1317，审核状态 5163）逐条核对；每晚自动核对，也可随时核对。"
    table_class = DifferenceTable
    filter_class = DifferenceFilter
    tabs = tuple(Tab(key, label, rows, f"没有「{label}」的差异。") for key, (label, rows) in TABS.items())
    tools = (Link("对照总览", "mapping:board"), Link("对照上传", "mapping:deliveries"))
    batches = (
        Batch("以平台为准", "mapping:proof_adopt", "mapping.decide", SETTLEABLE, LEVEL),
        Batch("以本院为准", "mapping:proof_send", "mapping.decide", SETTLEABLE, LEVEL),
        Batch("不处理", "mapping:proof_ignore", "mapping.decide", ("open", *DifferenceKind.values), LEVEL),
    )
    empty = Empty("两边一致，或还没有核对过。点右上角「核对」向平台查询。")
    order = ("-found_at", "-pk")
    export_action = "mapping.export"
    template_name = "mapping/proof/list.html"

    def rows(self) -> QuerySet[Any]:
        """Return the differences of the institution at hand."""
        return differences_of(self.request)

    def context(self) -> dict[str, Any]:
        """Add the last run; after one that stopped because the platform's list shrank, the button to go on."""
        found = running(self.request, COMPARE, "mapping.submit")
        task = found["task"]
        return {**found, "shrunk": task is not None and task.state == "failed" and SHRUNK in task.message}


@require_GET
@needs("mapping.view")
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One difference: both sides, field by field."""
    one = get_object_or_404(differences_of(request), pk=pk)
    ours, theirs = one.details.get("ours") or {}, one.details.get("theirs") or {}
    table: Any = _Rights(request.actor)
    context = {
        "row": one,
        "name": name_of(one),
        "sides": [_side(label, ours.get(key), theirs.get(key)) for key, label in COLUMNS],
        "ours": ours,
        "theirs": theirs,
        "advice": ADVICE[DifferenceKind(one.kind)],
        "settled": settled_words(one),
        "acts": list(difference_acts(one, table)),
        "events": history(one.mapping or one.item or one)[:10],
        "lacks": lacks_item(one),
    }
    return render(request, "mapping/proof/difference.html", context)


class _Rights:
    """Stands in for a table where one row's acts are asked for."""

    def __init__(self, actor: Actor) -> None:
        self.may = actor.may


def _side(label: str, ours: Any, theirs: Any) -> dict[str, Any]:
    return {"label": label, "ours": _shown(ours), "theirs": _shown(theirs), "differs": ours != theirs}


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    return "长期" if value == "2099-12-31" else str(value or "")


class Settle(BatchPage):
    """What the three ways share."""

    action = "mapping.decide"
    list_page = Proof
    list_url = "mapping:proof"
    needs_item: ClassVar[bool] = True

    def refusal(self, row: Any) -> str:
        """Return why a difference cannot be settled."""
        return settle_reason(row) or (lacks_item(row) if self.needs_item else "")

    def sums(self, rows: list[Any]) -> list[tuple[str, str]]:
        """Return how many of each kind."""
        counts = {kind.value: 0 for kind in DifferenceKind}
        for row in rows:
            counts[row.kind] += 1
        return [(str(kind.label), f"{counts[kind.value]} 条") for kind in DifferenceKind if counts[kind.value]]

    def told(self, settled: Settled, words: str) -> Result:
        """Return what was done, and the first reason why the rest was not."""
        if settled.skipped:
            row, reason = settled.skipped[0]
            words += f"{len(settled.skipped)} 条没有处理：{row.fixmedins_hilist_id} {name_of(row)}，{reason}。"
        return Result(words, level="warning" if settled.skipped else "success")


class Adopt(Settle):
    """以平台为准."""

    verb = "以平台为准"
    effect = (
        "本院对照改为平台的内容：「平台多出」「编码不同」的采用平台的对照，「日期不同」「平台已失效」的改结束日期，"
        "「平台缺少」的在本院撤销。都提交审核，须另一人通过才生效；不会向平台发送任何内容。"
    )

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Propose theirs."""
        settled = services.adopt_platform(actor, differences=rows)
        return self.told(settled, f"已以平台为准处理 {len(settled.done)} 条，在「待审核」等另一人通过。")


class Send(Settle):
    """以本院为准."""

    verb = "以本院为准"
    danger = True
    effect = (
        "把平台改成与本院一致：「平台缺少」「平台已失效」的重新上传（3301），已由两人审核过，立即发出；"
        "「平台多出」「编码不同」的先在平台终止或撤销（3360、3302），须另一人审核通过后发出。"
    )

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Queue or propose what makes the platform hold ours."""
        settled = services.send_ours(actor, differences=rows)
        words = f"已以本院为准处理 {len(settled.done)} 条：{settled.queued} 条正在上传"
        return self.told(settled, f"{words}，{settled.waiting} 条在「待审核」等另一人通过。")


class ReasonForm(forms.Form):
    """Why; required."""

    reason = forms.CharField(label="原因", max_length=200, error_messages={"required": "请填写原因。"})


class Ignore(Settle):
    """不处理."""

    verb = "不处理"
    effect = "这些差异先放在一边，不改本院、也不改平台。任何一边再有变化时会重新出现。"
    form_class = ReasonForm
    needs_item = False

    def refusal(self, row: Any) -> str:
        """Return why a difference cannot be set aside."""
        return "已标为不处理" if row.state == WorkState.IGNORED else settle_reason(row)

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Set aside."""
        reason = form.cleaned_data["reason"] if form else ""
        try:
            settled = services.ignore(actor, differences=rows, reason=reason)
        except MappingError as error:
            return Result(str(error), level="error")
        return self.told(settled, f"已标为不处理 {len(settled.done)} 条。")


@require_GET
@needs("mapping.view")
def board(request: ActorRequest) -> HttpResponseBase:
    """How far each kind is mapped, each number with exactly its rows."""
    found = board_of(request.actor.institution)
    context = {"board": found, **running(request, COMPARE, "mapping.submit")}
    return render(request, "mapping/proof/board.html", context)
