"""目录变更影响: what catalogue versions, prices and the calendar did to our relations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from insurance.mapping.choices import FindingKind, ListType, SwitchState, WorkState
from insurance.mapping.models import CodeSwitchRow, Finding
from insurance.mapping.switching.facts import known
from insurance.mapping.switching.filters import FindingFilter
from insurance.mapping.switching.forms import ReasonForm
from insurance.mapping.switching.services.findings import ignore_findings
from insurance.mapping.switching.tables import FindingTable, finding_acts
from portal.lists.batch import BatchPage
from portal.lists.intent import Result
from portal.lists.views import Batch, Empty, Link, ListPage, Tab
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, needs
from portal.tasks.choices import TaskState
from portal.tasks.models import Task
from portal.tasks.services import start

OPEN = Q(state=WorkState.OPEN)
IMPACT = "mapping.impact"


def findings_of(request: ActorRequest) -> QuerySet[Finding]:
    """Return the findings of the institution at hand that the person may see."""
    visible: QuerySet[Finding] = Finding.objects.visible_to(request.user)
    return visible.filter(institution=request.actor.institution).select_related("mapping__item", "settled_by", "load")


class FindingList(ListPage):
    """What has to be seen to, by kind, the dearest first."""

    action = "mapping.view"
    title = "目录变更影响"
    purpose = "医保目录、限价更新和到期对已有对照的影响；每次目录更新后和每晚自动核对。"
    table_class = FindingTable
    filter_class = FindingFilter
    tabs = (
        Tab("open", "待处理", OPEN, "没有待处理的影响。"),
        *(Tab(kind.value, kind.label, OPEN & Q(kind=kind), f"没有「{kind.label}」。") for kind in FindingKind),
        Tab("ignored", "不处理", Q(state=WorkState.IGNORED), "没有标为不处理的。"),
        Tab("settled", "已了结", Q(state__in=[WorkState.HANDLED, WorkState.GONE]), "还没有了结的。"),
        Tab("all", "全部"),
    )
    batches = (
        Batch(
            "不处理",
            "mapping:finding_ignore",
            "mapping.decide",
            ("open", *FindingKind.values),
            "只有待处理的可以标为不处理。",
        ),
    )
    tools = (Link("目录切换", "mapping:switches"), Link("夜间更新", "mapping:nights"))
    empty = Empty("还没有核对过，或目录变更没有影响到已有对照。")
    order = ("-mapping__item__revenue",)
    export_action = "mapping.export"
    template_name = "mapping/switching/findings.html"

    def rows(self) -> QuerySet[Any]:
        """Return the findings of the institution at hand."""
        return findings_of(self.request)

    def context(self) -> dict[str, Any]:
        """Add the last look."""
        tasks = Task.objects.filter(institution=self.request.actor.institution, kind=IMPACT)
        task = tasks.order_by("-pk").first()
        moving = task is not None and task.state != TaskState.DONE
        latest = Finding.objects.filter(institution=self.request.actor.institution).order_by("-seen_at").first()
        return {"task": task if moving else None, "seen_at": latest.seen_at if latest else None}


class Ignore(BatchPage):
    """不处理 of the chosen."""

    action = "mapping.decide"
    list_page = FindingList
    list_url = "mapping:findings"
    verb = "不处理"
    effect = "所选影响先放在一边，不改变任何对照；内容再有变化时会重新出现。内容变更、等级变更和限价变更以现在的为准。"
    form_class = ReasonForm

    def refusal(self, row: Any) -> str:
        """Return why one cannot be set aside."""
        return "" if row.state == WorkState.OPEN else f"已是「{row.get_state_display()}」"

    def sums(self, rows: list[Any]) -> list[tuple[str, str]]:
        """Return how many of which kind, and the revenue behind them."""
        kinds = [(kind.label, sum(1 for row in rows if row.kind == kind)) for kind in FindingKind]
        revenue = sum(row.mapping.item.revenue for row in rows)
        return [(word, f"{count} 条") for word, count in kinds if count] + [("涉及收入", f"{revenue:,.2f} 元")]

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Set aside."""
        reason = form.cleaned_data["reason"] if form else ""
        done = ignore_findings(actor, findings=rows, reason=reason)
        words = f"已标为不处理 {len(done.done)} 条。"
        if done.skipped:
            words += f"{len(done.skipped)} 条没有处理：{done.skipped[0][1]}。"
        return Result(words, level="warning" if done.skipped else "success")


@require_GET
@needs("mapping.view")
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One finding: what changed, what it touches, and the next steps."""
    found = get_object_or_404(findings_of(request), pk=pk)
    relation = found.mapping
    key = (relation.list_type, relation.med_list_codg)
    code = known(request.actor.institution, {key}, timezone.localdate())[key]
    context = {
        "finding": found,
        "relation": relation,
        "item": relation.item,
        "code": code,
        "list_type": ListType(relation.list_type),
        "successors": successors_of(request, relation.med_list_codg),
        "acts": [act for act in finding_acts(found, request.actor) if act.batch],
        "others": findings_of(request).filter(mapping=relation).exclude(pk=found.pk).order_by("-pk")[:10],
        "open": found.state == WorkState.OPEN,
        "may_map": request.actor.may("mapping.edit"),
    }
    return render(request, "mapping/switching/finding.html", context)


def successors_of(request: ActorRequest, code: str) -> list[CodeSwitchRow]:
    """Return what the bureau's tables say becomes of a code, the nearest day first."""
    rows = CodeSwitchRow.objects.filter(switch__institution=request.actor.institution, old_code=code)
    return list(rows.exclude(switch__state=SwitchState.CANCELLED).select_related("switch").order_by("switch__day")[:20])


@require_POST
@needs("mapping.decide")
def look_again(request: ActorRequest) -> HttpResponseBase:
    """Look for impact now; twice pressed is one task."""
    task = start(request.actor, kind=IMPACT)
    messages.info(request, f"「{task.label}」已在后台运行，进度见本页。")
    return redirect(reverse("mapping:findings"))
