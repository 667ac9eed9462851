"""夜间更新: the last nights with their steps, and one run by a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from insurance.mapping.choices import NightState, StepState
from insurance.mapping.models import NightRun
from insurance.mapping.switching.filters import NightFilter
from insurance.mapping.switching.night import ready_by, words_of
from insurance.mapping.switching.tables import NightTable
from portal.lists.views import Empty, ListPage, Tab
from portal.people.guard import ActorRequest, needs
from portal.tasks.models import Schedule, Task
from portal.tasks.services import start

KIND = "mapping.night"


def nights_of(request: ActorRequest) -> QuerySet[NightRun]:
    """Return the nights of the institution at hand."""
    visible: QuerySet[NightRun] = NightRun.objects.visible_to(request.user)
    return visible.filter(institution=request.actor.institution)


def at_work(request: ActorRequest) -> Task | None:
    """Return the task that carries out a night now, None when none does."""
    rows = Task.objects.filter(institution=request.actor.institution, kind=KIND, ended_at=None)
    found: Task | None = rows.order_by("-pk").first()
    return found


class NightList(ListPage):
    """The last nights, the newest first."""

    action = "mapping.view"
    title = "夜间更新"
    purpose = "每天 01:00 依次：更新医保目录 → 核对影响 → 上传当日到期的对照 → 与平台核对（1317）→ 推荐编码。"
    table_class = NightTable
    filter_class = NightFilter
    tabs = (
        Tab("all", "全部"),
        Tab("red", "未完成", ~Q(state=NightState.GREEN), "没有未完成的夜间更新。"),
        Tab("green", "全部完成", Q(state=NightState.GREEN), "还没有全部完成的夜间更新。"),
    )
    empty = Empty("还没有运行过。每天 01:00 自动运行，也可以点右上角「现在运行」。")
    order = ("-day",)
    template_name = "mapping/switching/nights.html"

    def rows(self) -> QuerySet[Any]:
        """Return the nights of the institution at hand."""
        return nights_of(self.request)

    def context(self) -> dict[str, Any]:
        """Add tonight's steps and when it runs next."""
        night = nights_of(self.request).order_by("-day").first()
        plan = Schedule.objects.filter(institution=self.request.actor.institution, kind=KIND).first()
        return {
            "night": night,
            "night_words": words_of(night) if night else "",
            "night_steps": shown_steps(night) if night else [],
            "task": at_work(self.request),
            "plan": plan,
            "may_run": self.request.actor.may("mapping.decide"),
            "ready_by": ready_by(timezone.localdate()),
        }


def shown_steps(night: NightRun) -> list[dict[str, Any]]:
    """Return the steps of a night as a page shows them."""
    return [
        {
            "number": number,
            "label": one["label"],
            "state": StepState(one["state"]),
            "words": one.get("words", ""),
            "remedy": one.get("remedy", ""),
            "tries": one.get("tries", 0),
            "started": _moment(one.get("started")),
            "ended": _moment(one.get("ended")),
        }
        for number, one in enumerate(night.steps, start=1)
    ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@require_GET
@needs("mapping.view")
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One night with its steps."""
    night = get_object_or_404(nights_of(request), pk=pk)
    context = {"night": night, "night_words": words_of(night), "night_steps": shown_steps(night)}
    return render(request, "mapping/switching/night.html", context)


@require_POST
@needs("mapping.decide")
def run(request: ActorRequest) -> HttpResponseBase:
    """Run the night's order now; what is done of today's is not done again, and twice pressed is one task."""
    task = start(request.actor, kind=KIND)
    messages.info(request, f"「{task.label}」已在后台运行，进度见本页。")
    return redirect("mapping:nights")
