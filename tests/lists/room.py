"""A small room for the tests of the list page: tasks as its records, so that it needs no table of its own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import include, path, reverse

from portal.lists.batch import BatchPage
from portal.lists.columns import (
    Act,
    ActionsColumn,
    CodeColumn,
    MoneyColumn,
    NameColumn,
    SelectColumn,
    StateColumn,
    TextColumn,
    TimeColumn,
)
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter, YesNoFilter
from portal.lists.forms import DateInput
from portal.lists.intent import FIELD, Result, once
from portal.lists.ledger import LedgerPage
from portal.lists.tables import ListTable
from portal.lists.views import Batch, Empty, Link, ListPage, Tab
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, needs
from portal.tasks.choices import TaskState
from portal.tasks.models import Task


def acts(record: Task, table: RecordTable) -> list[Act]:
    reason = "" if record.state == TaskState.FAILED else "只有失败的记录可以重做"
    return [
        Act("查看", table.row_url(record), drawer=True),
        Act("重做", reverse("room:again"), batch=True, reason=reason),
    ]


class RecordTable(ListTable):
    select = SelectColumn()
    kind = CodeColumn(verbose_name="编码", opens=True)
    label = TextColumn(verbose_name="名称", width="w-m")
    name = NameColumn(verbose_name="发起人", accessor="requested_by__name")
    state = StateColumn(TaskState, verbose_name="状态", extra="message")
    total = MoneyColumn(verbose_name="金额")
    created_at = TimeColumn(verbose_name="创建时间")
    act = ActionsColumn(acts)

    def row_url(self, record: Task) -> str:
        return reverse("room:detail", args=[record.pk])


class RecordFilter(ListFilter):
    words = SearchFilter(fields=["kind", "label"], label="编码、名称")
    state = ChoiceFilter(label="状态", states=TaskState)
    source = ChoiceFilter(label="来源", choices=[("人工", "人工"), ("定时", "定时")])
    created_at = DayRangeFilter(label="创建时间", times=True)
    stopped = YesNoFilter(label="已请求取消", field_name="cancel_asked")

    class Meta:
        model = Task
        fields: list[str] = []


class RecordList(ListPage):
    action = "tasks.view"
    title, purpose = "记录", "测试用的列表。"
    table_class, filter_class = RecordTable, RecordFilter
    tabs = (
        Tab("waiting", "待处理", Q(state=TaskState.FAILED), empty="没有待处理的记录。"),
        Tab("done", "已完成", Q(state=TaskState.DONE)),
        Tab("all", "全部"),
    )
    main = Link("新建记录", "room:new", action="tasks.manage")
    tools = (Link("导出", "room:new", query=True), Link("导入", "room:new", action="room.nobody"))
    batches = (
        Batch("重做", "room:again", action="tasks.view", tabs=("waiting", "all"), reason="已完成的记录不能重做。"),
        Batch("删除", "room:again", action="room.nobody"),
    )
    empty = Empty("还没有记录。", Link("新建记录", "room:new", action="tasks.manage"))
    order = ("kind",)
    export_action = "tasks.manage"

    def rows(self) -> QuerySet[Any]:
        found: QuerySet[Any] = Task.objects.filter(institution=self.request.actor.institution)
        return found.select_related("requested_by")


class Ledger(LedgerPage):
    action = "tasks.view"
    title = "流水"
    table_class, filter_class = RecordTable, RecordFilter
    tabs = (Tab("all", "全部"), Tab("done", "已完成", Q(state=TaskState.DONE)))
    time_field = "created_at"

    def rows(self) -> QuerySet[Any]:
        found: QuerySet[Any] = Task.objects.filter(institution=self.request.actor.institution)
        return found.select_related("requested_by")


class ReasonForm(forms.Form):
    reason = forms.CharField(label="原因", max_length=20, help_text="写进审计记录")


class Again(BatchPage):
    action = "tasks.view"
    list_page, list_url = RecordList, "room:list"
    verb = "重做"
    effect = "把所选记录重新排队。"
    form_class = ReasonForm

    def refusal(self, row: Task) -> str:
        return "" if row.state == TaskState.FAILED else "只有失败的记录可以重做"

    def sums(self, rows: list[Task]) -> list[tuple[str, str]]:
        return [("金额合计", f"{sum(row.total for row in rows):,.2f}")]

    def carry_out(self, actor: Actor, rows: list[Task], form: forms.Form | None) -> Result:
        for row in rows:
            row.state, row.attempt = TaskState.QUEUED, row.attempt + 1
            row.save(update_fields=["state", "attempt"])
        return Result(f"已重做 {len(rows)} 条。", reverse("room:list") + "?tab=all")


class EveryField(forms.Form):
    """One field of each kind that the rooms use."""

    text = forms.CharField(label="名称", max_length=3)
    whole = forms.IntegerField(label="数量", min_value=1, max_value=9)
    amount = forms.DecimalField(label="金额", max_digits=5, decimal_places=2)
    day = forms.DateField(label="日期", widget=DateInput)
    moment = forms.DateTimeField(label="时间")
    hour = forms.TimeField(label="时刻")
    choice = forms.ChoiceField(label="类别", choices=[("", "请选择"), ("1", "甲")])
    several = forms.MultipleChoiceField(
        label="多选", choices=[("1", "甲"), ("2", "乙")], widget=forms.CheckboxSelectMultiple
    )
    agree = forms.BooleanField(label="同意")
    mail = forms.EmailField(label="邮箱")
    address = forms.GenericIPAddressField(label="地址")
    link = forms.URLField(label="网址", assume_scheme="https")
    pattern = forms.RegexField(label="编码", regex=r"^[A-Z]+$")
    paper = forms.FileField(label="文件")
    data = forms.JSONField(label="数据")
    uuid = forms.UUIDField(label="编号")
    record = forms.ModelChoiceField(label="记录", queryset=Task.objects.none())
    records = forms.ModelMultipleChoiceField(label="多条记录", queryset=Task.objects.none())


@needs("tasks.view")
def detail(request: ActorRequest, pk: int) -> HttpResponse:
    task = get_object_or_404(Task, pk=pk, institution=request.actor.institution)
    return render(request, "room/detail.html", {"task": task})


@needs("tasks.manage")
def new(request: ActorRequest) -> HttpResponse:
    form = EveryField(request.POST or None)
    if request.method == "POST" and request.POST.get("text") == "once":
        result = once(request.user, request.POST[FIELD], "room.new", lambda intent: _made(request))
        return redirect(result.url)
    return render(request, "room/form.html", {"form": form})


@needs("tasks.view")
def crash(request: ActorRequest) -> HttpResponse:
    raise RuntimeError("as a bug would")


def _made(request: ActorRequest) -> Result:
    made = Task.objects.create(institution=request.actor.institution, kind="room.made", label="新记录")
    return Result("已新建。", reverse("room:detail", args=[made.pk]))


room = (
    [
        path("", RecordList.as_view(), name="list"),
        path("ledger/", Ledger.as_view(), name="ledger"),
        path("again/", Again.as_view(), name="again"),
        path("new/", new, name="new"),
        path("crash/", crash, name="crash"),
        path("<int:pk>/", detail, name="detail"),
    ],
    "room",
)
handler400 = "portal.desk.views.bad_request"
handler403 = "portal.desk.views.forbidden"
handler404 = "portal.desk.views.not_found"
handler500 = "portal.desk.views.broken"
urlpatterns = [path("room/", include(room)), path("", include("config.urls"))]
