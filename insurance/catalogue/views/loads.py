"""更新记录: how each catalogue stands, every download with its problems, and the buttons that refresh."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from insurance.catalogue.choices import LoadState
from insurance.catalogue.filters import LoadFilter
from insurance.catalogue.kinds import kind_of, refreshed
from insurance.catalogue.models import Load
from insurance.catalogue.overview import ALL, askable, lines_of, next_night, running_task
from insurance.catalogue.showing import short_label
from insurance.catalogue.tables import LoadTable
from insurance.catalogue.tasks import REFRESH
from portal.lists.parts import Empty, Link, Tab
from portal.lists.views import ListPage
from portal.people.guard import ActorRequest, needs
from portal.tasks.services import start

VIEW, MANAGE, EXPORT = "catalogue.view", "catalogue.manage", "catalogue.export"
NO_RIGHT = "您没有此操作的权限，请联系安全管理员授权。"


@require_GET
@needs(VIEW)
def overview(request: ActorRequest) -> HttpResponseBase:
    """Every catalogue in one line: what is held, how the last refresh went, what to do."""
    lines = lines_of(request.actor.institution, timezone.now())
    context = {
        "lines": lines,
        "trouble": [line for line in lines if line.trouble],
        "all_task": running_task(request.actor.institution, ALL),
        "may_manage": request.actor.may(MANAGE),
        "no_right": NO_RIGHT,
        "night": next_night(request.actor.institution),
        "total": sum(line.rows for line in lines),
    }
    return render(request, "catalogue/loads.html", context)


@require_POST
@needs(MANAGE)
def refresh(request: ActorRequest) -> HttpResponseBase:
    """Start the refresh of one catalogue, or of all; what runs already is not started again."""
    infno = request.POST.get("infno", "")
    known = {ALL, *(kind.infno for kind in refreshed())}
    if infno not in known:
        messages.error(request, "没有这个目录，无法更新。请从列表中的按钮更新。")
        return redirect("catalogue:loads")
    _begin(request, infno, {"infno": infno, "full": True} if request.POST.get("full") else {"infno": infno})
    return redirect("catalogue:loads")


def _begin(request: ActorRequest, infno: str, params: dict[str, Any]) -> None:
    place = request.actor.institution
    open_one = running_task(place, infno) or running_task(place, ALL)
    if open_one is not None:
        messages.info(request, f"「{open_one.label}」还没有结束，没有重复开始。进度见本页。")
        return
    name = "全部目录" if infno == ALL else str(kind_of(infno))
    task = start(request.actor, kind=REFRESH, params=params, label=f"更新{name}")
    messages.info(request, f"「{task.label}」已在后台运行，进度见本页。")


class LoadList(ListPage):
    """Every download there was, newest first."""

    action = VIEW
    title = "目录更新历史"
    purpose = "每一次目录下载：下到哪个版本，新增、变更、停用多少行，发现什么问题。"
    table_class = LoadTable
    filter_class = LoadFilter
    tabs = (
        Tab("all", "全部"),
        *(Tab(state.value, state.label, Q(state=state), f"没有{state.label}的记录。") for state in LoadState),
    )
    tools = (Link("各目录现状", "catalogue:loads"),)
    empty = Empty("还没有下载过目录。", Link("去更新目录", "catalogue:loads", VIEW))
    order = ("-pk",)
    export_action = EXPORT

    def rows(self) -> QuerySet[Any]:
        """Return every download: catalogues are national, whoever had them fetched."""
        return Load.objects.select_related("requested_by", "institution")

    def decorate(self, records: list[Any]) -> None:
        """Name the catalogue and who asked."""
        for load in records:
            load.kind = str(kind_of(load.infno))
            load.who = who_asked(load, self.request)


def who_asked(load: Load, request: ActorRequest) -> str:
    """Return who had a catalogue fetched; of another institution no names."""
    if load.institution_id != request.actor.institution.pk:
        return "其他机构"
    return str(load.requested_by) if load.requested_by else "系统（定时）"


@require_GET
@needs(VIEW)
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One download: what was asked and came, each problem with its places. Unknown → 404."""
    load = get_object_or_404(Load.objects.select_related("requested_by", "institution", "task"), pk=pk)
    own = load.institution_id == request.actor.institution.pk
    context = {
        "load": load,
        "kind": kind_of(load.infno),
        "short": short_label(load.infno),
        "who": who_asked(load, request),
        "task": load.task if own else None,
        "askable": askable(load),
        "may_manage": request.actor.may(MANAGE),
        "no_right": NO_RIGHT,
    }
    return render(request, "catalogue/load.html", context)


@require_POST
@needs(MANAGE)
def accept(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Take what a download was turned down for after a person has seen it: refresh once more and say so."""
    load = get_object_or_404(Load, pk=pk, institution=request.actor.institution)
    if not askable(load):
        messages.error(request, "这次下载不能这样采用：它不是只等人确认的，或已有更新的下载。请重新更新。")
        return redirect("catalogue:load", pk=load.pk)
    params = {"infno": load.infno, "insu_admdvs": load.insu_admdvs, "accept": load.pk}
    _begin(request, load.infno, params)
    return redirect("catalogue:loads")
