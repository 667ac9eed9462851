"""系统 · 告警: what is and was wrong, and whom it is told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.lists.columns import (
    Act,
    ActionsColumn,
    ChoiceColumn,
    NumberColumn,
    StateColumn,
    TextColumn,
    TimeColumn,
)
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter
from portal.lists.intent import FIELD, Result, UnknownIntent, once
from portal.lists.tables import ListTable
from portal.lists.views import Empty, Link, ListPage, Tab
from portal.people.guard import ActorRequest, needs
from portal.system import alarm_services as services
from portal.system.alarms import DUTIES, alarm_words
from portal.system.choices import AlarmLevel, RouteKind
from portal.system.models import AlarmEvent, AlarmRoute

VIEW, MANAGE = "system.view", "system.manage"


def alarms_of(request: ActorRequest) -> QuerySet[AlarmEvent]:
    """Return the alarms of the institution at hand and of the portal itself."""
    found: QuerySet[AlarmEvent] = AlarmEvent.objects.filter(
        Q(institution=request.actor.institution) | Q(institution=None)
    )
    return found


def routes_of(request: ActorRequest) -> QuerySet[AlarmRoute]:
    """Return the routes of the institution at hand."""
    found: QuerySet[AlarmRoute] = AlarmRoute.objects.visible_to(request.user).filter(
        institution=request.actor.institution
    )
    return found


class CodeWords(TextColumn):
    """An alarm's code in words."""

    def words(self, value: Any, record: Any) -> str:
        """Return the name of the alarm."""
        return alarm_words(str(value))


class AlarmTable(ListTable):
    """One alarm a row."""

    raised_at = TimeColumn(verbose_name="开始", opens=True)
    level = StateColumn(AlarmLevel, verbose_name="级别", extra="state_words")
    code = CodeWords(verbose_name="告警", width="w-l")
    words = TextColumn(verbose_name="内容", width="w-xl")
    count = NumberColumn(verbose_name="次数")
    last_at = TimeColumn(verbose_name="最近一次")
    notified_at = TimeColumn(verbose_name="已通知")
    cleared_at = TimeColumn(verbose_name="恢复")


class AlarmFilter(ListFilter):
    """By words, level and day."""

    words: Any = SearchFilter(fields=["words"], label="内容")
    level: Any = ChoiceFilter(label="级别", states=AlarmLevel)
    raised_at: Any = DayRangeFilter(label="开始日期", times=True)

    class Meta:
        """What it filters."""

        model = AlarmEvent
        fields: list[str] = []


class AlarmList(ListPage):
    """Alarms, those that stand first."""

    action = VIEW
    title, purpose = "告警", "需要人处理的异常：何时开始、发生多少次、通知了谁、是否恢复。"
    table_class, filter_class = AlarmTable, AlarmFilter
    tabs = (Tab("open", "持续中", Q(cleared_at=None), empty="现在没有告警。"), Tab("all", "全部"))
    main = Link("告警去向", "system:routes", action=MANAGE)
    order = ("-raised_at",)
    empty = Empty("没有告警。")

    def rows(self) -> QuerySet[Any]:
        """Return what concerns the institution at hand."""
        return alarms_of(self.request)


class CloseForm(forms.Form):
    """Why an alarm is closed."""

    reason = forms.CharField(label="关闭原因", max_length=200, widget=forms.TextInput())


@require_http_methods(["GET", "HEAD", "POST"])
@needs(VIEW)
def alarm(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Show one alarm with its messages; close it."""
    found = get_object_or_404(alarms_of(request), pk=pk)
    form = CloseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.close_alarm(request.actor, alarm=found, reason=form.cleaned_data["reason"])
            messages.success(request, "告警已关闭。仍然存在的异常会再次告警。")
            return redirect("system:alarms")
        except services.AlarmRefused as error:
            form.add_error(None, str(error))
    context = {
        "alarm": found,
        "title": alarm_words(found.code),
        "deliveries": found.deliveries.filter(route__institution=request.actor.institution).select_related("route")[
            :50
        ],
        "form": form,
        "may": request.actor.may(MANAGE),
    }
    return render(request, "system/alarm.html", context)


def _acts(route: AlarmRoute, table: Any) -> list[Act]:
    return [Act("查看", route.get_absolute_url(), drawer=True)]


class RouteTable(ListTable):
    """One route a row."""

    name = TextColumn(verbose_name="名称", opens=True, width="w-l")
    kind = ChoiceColumn(verbose_name="方式")
    shown_address = TextColumn(verbose_name="地址", orderable=False, width="w-l")
    level = StateColumn(AlarmLevel, verbose_name="最低级别")
    duty_words = TextColumn(verbose_name="职责", orderable=False, width="w-l")
    active_words = TextColumn(verbose_name="状态", accessor="active_words", orderable=False)
    act = ActionsColumn(_acts)


class RouteFilter(ListFilter):
    """By name and kind."""

    name: Any = SearchFilter(fields=["name"], label="名称")
    kind: Any = ChoiceFilter(label="方式", states=RouteKind)

    class Meta:
        """What it filters."""

        model = AlarmRoute
        fields: list[str] = []


class RouteList(ListPage):
    """Whom alarms are told."""

    action = MANAGE
    title, purpose = "告警去向", "告警发往哪里：按级别和职责选择，由后台发送，失败会重试。"
    table_class, filter_class = RouteTable, RouteFilter
    main = Link("新建去向", "system:route_new", action=MANAGE)
    order = ("name",)
    empty = Empty("还没有告警去向，告警只显示在系统里。", Link("新建去向", "system:route_new", action=MANAGE))

    def rows(self) -> QuerySet[Any]:
        """Return the routes of the institution at hand."""
        return routes_of(self.request)

    def decorate(self, records: list[Any]) -> None:
        """Put duties and state in words."""
        for route in records:
            route.duty_words = duty_words(route)
            route.active_words = "启用" if route.active else "停用"


def duty_words(route: AlarmRoute) -> str:
    """Return whose alarms a route takes."""
    return "、".join(DUTIES[duty] for duty in route.duties if duty in DUTIES) or "全部"


class RouteForm(forms.Form):
    """A new route."""

    name = forms.CharField(label="名称", max_length=50, help_text="例如：信息科值班群")
    kind = forms.ChoiceField(label="方式", choices=RouteKind.choices)
    address = forms.CharField(
        label="地址",
        max_length=500,
        help_text="企业微信机器人或短信网关填 https:// 开头的完整地址；日志服务器填 udp://主机:514 或 tcp://主机:514。保存后加密，页面上只显示主机。",
    )
    level = forms.ChoiceField(label="最低级别", choices=AlarmLevel.choices, initial=AlarmLevel.WARNING)
    duties = forms.MultipleChoiceField(
        label="职责", choices=list(DUTIES.items()), required=False, widget=forms.CheckboxSelectMultiple(),
        help_text="不选就是全部。",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """The address fits its kind."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("kind") and given.get("address"):
            try:
                services.check_address(given["kind"], given["address"])
            except services.AlarmRefused as error:
                self.add_error("address", str(error))
        return given


@require_http_methods(["GET", "HEAD", "POST"])
@needs(MANAGE)
def route_new(request: ActorRequest) -> HttpResponseBase:
    """Make a route, once."""
    form = RouteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data

        def work(intent: object) -> Result:
            made = services.add_route(request.actor, **given)
            return Result(f"已新建「{made.name}」。请点「测试」确认能收到。", made.get_absolute_url())

        try:
            result = once(request.user, request.POST.get(FIELD, ""), "system.route", work)
            messages.success(request, result.message)
            return redirect(result.url)
        except (UnknownIntent, services.AlarmRefused) as error:
            form.add_error(None, str(error))
    return render(request, "system/route_new.html", {"form": form})


@require_safe
@needs(MANAGE)
def route(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Show one route and its last messages."""
    found = get_object_or_404(routes_of(request).select_related("made_by"), pk=pk)
    deliveries = found.deliveries.select_related("event").order_by("-id")[:20]
    context = {"route": found, "duties": duty_words(found), "deliveries": deliveries}
    return render(request, "system/route.html", context)


@require_POST
@needs(MANAGE)
def route_switch(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Switch a route on or off."""
    found = get_object_or_404(routes_of(request), pk=pk)
    services.switch_route(request.actor, route=found, active=request.POST.get("active") == "1")
    return redirect("system:route", pk=pk)


@require_POST
@needs(MANAGE)
def route_test(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Send a test message, by a worker."""
    found = get_object_or_404(routes_of(request), pk=pk)
    try:
        result = once(
            request.user,
            request.POST.get(FIELD, ""),
            "system.route_test",
            lambda intent: Result(
                "测试消息已交给后台发送，几秒后刷新本页看结果。",
                str(services.test_route(request.actor, route=found).pk),
            ),
        )
        messages.success(request, result.message)
    except UnknownIntent as error:
        messages.error(request, str(error))
    return redirect(reverse("system:route", args=[pk]))
