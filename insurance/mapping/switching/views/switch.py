"""One 目录切换: its impact and relations, preparing, choosing, and the bureau's table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from insurance.mapping.choices import LineKind, LineState, SwitchRelation
from insurance.mapping.errors import MappingError
from insurance.mapping.models import CodeSwitch, CodeSwitchRow, SwitchLine
from insurance.mapping.rules import may_map
from insurance.mapping.switching.filters import LineFilter, RowFilter
from insurance.mapping.switching.importing import left_over
from insurance.mapping.switching.services.assessing import assess
from insurance.mapping.switching.services.preparing import choose_code, hindrance_of, prepare_lines
from insurance.mapping.switching.services.rows import drop_rows
from insurance.mapping.switching.showing import acts_of, cards_of, steps_of
from insurance.mapping.switching.tables import LineTable, RowTable, days_left
from insurance.mapping.switching.views.switches import switches_of
from portal.lists.batch import BatchPage
from portal.lists.guarding import ActionView
from portal.lists.intent import FIELD, Result, UnknownIntent, once
from portal.lists.parts import Batch, Button
from portal.lists.selection import Selection
from portal.lists.views import Empty, ListPage, Tab
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, go, needs

CHOOSE = "mapping.switch_choose"
WAITING = Q(state__in=[LineState.WAITING, LineState.RETURNED])
ABLE = WAITING & Q(hindrance="", kind__in=[LineKind.READY, LineKind.DROPPED])
HELD = WAITING & ~Q(kind=LineKind.CHOICE) & (Q(kind__in=[LineKind.BLOCKED, LineKind.UNLISTED]) | ~Q(hindrance=""))


class NamesSwitch(ActionView):
    """A page under one switch: another institution's is not found, whatever is asked of it."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the switch before anything else."""
        if self.switch.pk is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def switch(self) -> CodeSwitch:
        """The switch that the address names. Raises Http404 for another institution's."""
        found: CodeSwitch = get_object_or_404(switches_of(self.request), pk=self.kwargs["pk"])
        return found


class OfSwitch(NamesSwitch, ListPage):
    """What the lists under one switch share."""


class SwitchPage(OfSwitch):
    """The relations that one switch touches."""

    action = "mapping.view"
    title = "目录切换"
    table_class = LineTable
    filter_class = LineFilter
    tabs = (
        Tab("unready", "未准备", WAITING, "没有未准备的项目。"),
        Tab("todo", "可准备", ABLE, "没有可以直接准备的项目。"),
        Tab("choice", "需人选择", WAITING & Q(kind=LineKind.CHOICE), "没有需要选择新编码的项目。"),
        Tab("blocked", "受阻", HELD, "没有受阻的项目。"),
        Tab("proposed", "待审核", Q(state=LineState.PROPOSED), "没有待审核的项目。"),
        Tab("approved", "待切换", Q(state=LineState.APPROVED), "没有等待切换日的项目。"),
        Tab("done", "已切换", Q(state=LineState.DONE), "还没有切换的项目。"),
        Tab("all", "全部"),
    )  # fmt: skip
    batches = (
        Batch("准备", "mapping:switch_prepare", "mapping.edit", ("unready", "todo"), "只有未准备的项目可以准备。"),
    )
    empty = Empty("对照表没有涉及本院的项目，或还没有导入对照表。")
    order = ("-item__revenue",)
    export_action = "mapping.export"
    template_name = "mapping/switching/switch.html"

    def rows(self) -> QuerySet[Any]:
        """Return the lines of the switch that the address names."""
        rows: QuerySet[SwitchLine] = self.switch.lines.all()
        return rows.select_related("item", "mapping", "proposal", "ending", "switch")

    def context(self) -> dict[str, Any]:
        """Add the switch: its impact, where it stands, and what can be done."""
        switch = self.switch
        return {
            "switch": switch,
            "days": days_left(switch),
            "cards": cards_of(switch),
            "steps": steps_of(switch),
            "acts": acts_of(self.request.actor, switch),
            "left_over": len(left_over(switch)) if switch.files.exists() else 0,
        }

    def _batch(self, batch: Batch) -> Button:
        """The buttons stand under the switch's own address."""
        reason = self._why_not(batch.action)
        if not reason and batch.tabs and self.tab.key not in batch.tabs:
            reason = batch.reason
        return Button(batch.label, reverse(batch.url_name, args=[self.switch.pk]), reason)


class Prepare(NamesSwitch, BatchPage):
    """准备 of the chosen lines."""

    action = "mapping.edit"
    list_page = SwitchPage
    list_url = "mapping:switches"
    verb = "准备"
    unit = "项"
    effect = (
        "为所选项目提出新对照：自切换日起用新编码，旧对照用到前一天；没有新编码的，提出终止。"
        "由另一人审核通过后，切换日当天才上传到平台（3301、3360）。"
    )

    def back(self, selection: Selection) -> str:
        """Return the switch's page as it was."""
        base = reverse("mapping:switch", args=[self.kwargs["pk"]])
        return f"{base}?{selection.query}" if selection.query else base

    def refusal(self, row: Any) -> str:
        """Return why a line cannot be prepared."""
        return hindrance_of(self.request.actor, row)

    def sums(self, rows: list[Any]) -> Sequence[tuple[str, str]]:
        """Return how many of which sort, and the revenue behind them."""
        dropped = sum(1 for row in rows if row.kind == LineKind.DROPPED)
        over = sum(1 for row in rows if row.over)
        parts = [
            ("换用新编码", f"{len(rows) - dropped} 项"), ("终止（没有新编码）", f"{dropped} 项" if dropped else ""),
            ("其中单价超过新限价", f"{over} 项" if over else ""),
            ("涉及收入", f"{sum(row.item.revenue for row in rows):,.2f} 元"),
        ]  # fmt: skip
        return [part for part in parts if part[1]]

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Propose."""
        if not rows:
            return Result("没有准备任何一项。", level="warning")
        done = prepare_lines(actor, switch=rows[0].switch, lines=rows)
        words = f"已准备 {len(done.done)} 项，等待另一人审核。"
        if done.skipped:
            line, why = done.skipped[0]
            words += f"{len(done.skipped)} 项没有准备：{line.item}，{why.rstrip('。')}。"
        return Result(words[:500], level="warning" if done.skipped else "success")


def lines_of(request: ActorRequest) -> QuerySet[SwitchLine]:
    """Return the lines of all switches of the institution at hand."""
    visible: QuerySet[SwitchLine] = SwitchLine.objects.visible_to(request.user)
    return visible.filter(institution=request.actor.institution).select_related(
        "switch", "item", "mapping", "proposal__proposed_by", "proposal__approved_by", "ending"
    )


@require_GET
@needs("mapping.view")
def line(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One relation's change: item, old code, new code or the codes to choose from."""
    return _line(request, get_object_or_404(lines_of(request), pk=pk))


def _line(request: ActorRequest, found: SwitchLine, wrong: str = "") -> HttpResponseBase:
    choosable = found.kind == LineKind.CHOICE and found.state in (LineState.WAITING, LineState.RETURNED)
    context = {
        "line": found,
        "choosable": choosable,
        "may_choose": request.actor.may("mapping.edit") and may_map(request.actor, found.item.list_type),
        "wrong": wrong,
        "purpose": CHOOSE,
    }
    return render(request, "mapping/switching/line.html", context, status=422 if wrong else 200)


@require_POST
@needs("mapping.edit")
def choose(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Take one of the successors."""
    found = get_object_or_404(lines_of(request), pk=pk)
    code = request.POST.get("code", "")

    def work(_: Any) -> Result:
        choose_code(request.actor, line=found, code=code)
        words = f"已为 {found.item} 选择 {code}，等待另一人审核。"
        return Result(words, f"{found.switch.get_absolute_url()}?tab=choice")

    try:
        if not code:
            raise MappingError("还没有选择新编码。请选一个再提交。")
        result = once(request.user, request.POST.get(FIELD, ""), CHOOSE, work)
    except (MappingError, UnknownIntent) as error:
        return _line(request, found, str(error))
    messages.success(request, result.message)
    return go(request, result.url)


@require_POST
@needs("mapping.view")
def reassess(request: ActorRequest, pk: int) -> HttpResponseBase:
    """重新核对: work the impact out anew; harmless."""
    switch = assess(get_object_or_404(switches_of(request), pk=pk))
    messages.success(request, f"已重新核对「{switch.name}」的影响。")
    return redirect(switch.get_absolute_url())


class RowList(OfSwitch):
    """The bureau's table of one switch."""

    action = "mapping.view"
    title = "新旧编码对照表"
    table_class = RowTable
    filter_class = RowFilter
    tabs = (
        Tab("all", "全部"),
        *(
            Tab(f"r{number}", one.label, Q(relation=one), f"没有「{one.label}」。")
            for number, one in enumerate(SwitchRelation)
        ),
    )
    empty = Empty("还没有导入对照表。")
    order = ("old_code", "new_code")
    export_action = "mapping.export"
    template_name = "mapping/switching/rows.html"

    def rows(self) -> QuerySet[Any]:
        """Return the table's lines."""
        rows: QuerySet[CodeSwitchRow] = self.switch.rows.all()
        return rows

    def context(self) -> dict[str, Any]:
        """Add the switch, and what the last file no longer has."""
        gone = left_over(self.switch) if self.switch.files.exists() else []
        return {"switch": self.switch, "left_over": gone[:20], "left_over_count": len(gone)}


@require_POST
@needs("mapping.import")
def drop(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Take the old codes out that the last file no longer has."""
    switch = get_object_or_404(switches_of(request), pk=pk)
    try:
        count = drop_rows(request.actor, switch=switch, old_codes=left_over(switch))
        assess(switch)
        messages.success(request, f"已从对照表删除 {count} 行，并重新核对影响。")
    except MappingError as error:
        messages.error(request, str(error))
    return redirect("mapping:switch_rows", switch.pk)
