"""The 工作台, the health answer, and pages for what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from portal.desk import health as health_of
from portal.desk import registry
from portal.desk.charts import Row, draw, rows_of
from portal.desk.registry import Chart, Notice, Panel, Series
from portal.desk.working import today
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, is_htmx, needs
from portal.privacy.traces import frames_of
from portal.system.status import readiness

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Card:
    """One panel as shown; `html` is None when its room failed to answer."""

    label: str
    html: str | None
    wide: bool


@require_GET
@needs("desk.view")
def home(request: ActorRequest) -> HttpResponseBase:
    """The day's page: what needs a person, then what each room has to show."""
    context = {
        "alarms": _alarms(request.actor),
        "today": today(request.actor),
        "cards": _cards(request),
        "pictures": _pictures(request.actor),
    }
    return render(request, "desk/home.html", context)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer a monitor: 200 while pages can be served, 503 without the database."""
    found = health_of.report()
    return JsonResponse(health_of.as_json(found), status=200 if found.database else 503)


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer a load balancer: 200 when this process may get requests, else 503 and what is missing."""
    missing = readiness()
    return JsonResponse({"ready": not missing, "missing": missing}, status=503 if missing else 200)


def _alarms(actor: Actor) -> list[Notice]:
    found = (alarm.notice(actor) for alarm in registry.alarms() if actor.may(alarm.action))
    return [notice for notice in found if notice]


def _cards(request: ActorRequest) -> list[Card]:
    shown = (_card(request, panel) for panel in registry.panels() if request.actor.may(panel.action))
    return [card for card in shown if card]


def _card(request: ActorRequest, panel: Panel) -> Card | None:
    """Make one card. A room that fails must not take the other rooms' numbers from the person."""
    try:
        data = panel.data(request.actor)
        if data is None:
            return None
        return Card(panel.label, render_to_string(panel.template, {**data}, request), panel.wide)
    except Exception as error:
        log.error("panel %s: %s", panel.label, frames_of(error))
        return Card(panel.label, None, panel.wide)


@dataclass(frozen=True)
class ShownChart:
    """One chart as shown: drawing, legend and the numbers behind it; `svg` is None when its room failed to answer."""

    label: str
    svg: str | None
    series: Sequence[Series] = ()
    rows: Sequence[Row] = ()


def _pictures(actor: Actor) -> list[ShownChart]:
    shown = (_picture(actor, chart) for chart in registry.charts() if actor.may(chart.action))
    return [chart for chart in shown if chart]


def _picture(actor: Actor, chart: Chart) -> ShownChart | None:
    try:
        picture = chart.picture(actor)
        if picture is None:
            return None
        return ShownChart(chart.label, draw(picture), picture.series, rows_of(picture))
    except Exception as error:
        log.error("chart %s: %s", chart.label, frames_of(error))
        return ShownChart(chart.label, None)


@dataclass(frozen=True)
class Trouble:
    """What went wrong, and what the person can do."""

    status: int
    title: str
    words: str
    steps: tuple[str, ...]


BAD = Trouble(
    400, "请求无法识别", "浏览器发来的内容不完整或格式不对，没有执行任何操作。",
    ("返回上一页，刷新后重试。", "如果是从收藏夹或旧链接进入，请改从左侧菜单进入。", "反复出现请联系信息科。"),
)  # fmt: skip
FORBIDDEN = Trouble(
    403, "没有权限", "您没有打开此页或执行此操作的权限，刚才的操作没有执行。",
    ("确认右上角的姓名和机构是否正确，必要时切换机构或重新登录。", "需要此权限请联系安全管理员授权。"),
)  # fmt: skip
MISSING = Trouble(
    404, "没有这个页面", "地址有误，或者记录已被删除、不属于当前机构。",
    ("检查右上角的机构是否正确，同事发来的链接可能属于另一机构。", "从左侧菜单进入列表，用编码或名称查询。"),
)  # fmt: skip
BROKEN = Trouble(
    500, "系统出错，刚才的操作没有完成", "错误已记录，不会因此重复上传或丢失数据。",
    ("先到列表核对这条记录的状态，再决定是否重试。", "如仍出错，请把下面的时间告诉信息科。"),
)  # fmt: skip


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400."""
    return _trouble(request, BAD)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403 where Django itself refused; rooms' refusals are `portal.people.guard.refuse`."""
    return _trouble(request, FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404."""
    return _trouble(request, MISSING)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer 500. Reads no database and no session: they may be what is broken."""
    context = {"trouble": BROKEN, "frame": _frame(request, known=False), "messages": ()}
    return render(request, "errors/page.html", context, status=500)


def _trouble(request: HttpRequest, trouble: Trouble) -> HttpResponse:
    known = getattr(request, "actor", None) is not None
    context = {"trouble": trouble, "frame": _frame(request, known)}
    return render(request, "errors/page.html", context, status=trouble.status)


def _frame(request: HttpRequest, known: bool) -> str:
    """Return what the error stands in: a piece of a page was asked for, a page with its menu, or a bare one."""
    if is_htmx(request):
        return "lists/drawer.html"
    return "base.html" if known else "bare.html"
