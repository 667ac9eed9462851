"""定时任务: what starts by itself, when it runs next, how the last run ended; run now."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from portal.people.guard import ActorRequest, go, needs
from portal.tasks import queries, services
from portal.tasks.models import Schedule, Task

MOST_SECONDS = 31 * 86400


class ScheduleForm(forms.Form):
    """When a schedule runs."""

    active = forms.BooleanField(label="启用", required=False)
    daily_at = forms.TimeField(
        label="每天", required=False, widget=forms.TimeInput({"type": "time", "class": "form-control"}, format="%H:%M")
    )
    every_seconds = forms.IntegerField(
        label="间隔秒数",
        required=False,
        min_value=60,
        max_value=MOST_SECONDS,
        widget=forms.NumberInput({"class": "form-control"}),
    )


@dataclass(frozen=True)
class Planned:
    """One schedule as shown: its form and the newest task of its kind."""

    plan: Schedule
    form: ScheduleForm
    last: Task | None
    may: bool


def _form(plan: Schedule) -> ScheduleForm:
    return ScheduleForm(initial={n: getattr(plan, n) for n in ScheduleForm.base_fields}, prefix=str(plan.pk))


@require_GET
@needs("tasks.manage")
def schedules(request: ActorRequest) -> HttpResponseBase:
    """What starts by itself, and when."""
    plans = queries.schedules_of(request.actor)
    last = queries.last_tasks(request.actor, {plan.kind for plan in plans})
    rows = [
        Planned(plan, _form(plan), last.get(plan.kind), services.may_manage(request.actor, plan.kind)) for plan in plans
    ]
    context = {"rows": rows, "health": queries.health()}
    return render(request, "tasks/schedules.html", context)


@require_POST
@needs("tasks.manage")
def schedule(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Change one schedule."""
    plan = next((plan for plan in queries.schedules_of(request.actor) if plan.pk == pk), None)
    form = ScheduleForm(request.POST, prefix=str(pk))
    if plan is None or not form.is_valid():
        words = "；".join(f"{form.fields[n].label}：{e[0]}" for n, e in form.errors.items()) or "没有这个定时。"
        messages.error(request, f"没有保存。{words}")
        return redirect("tasks:schedules")
    try:
        services.change_schedule(request.actor, schedule=plan, **form.cleaned_data)
        messages.success(request, f"已保存「{plan.label}」的定时。")
    except services.TaskRefused as error:
        messages.error(request, f"没有保存「{plan.label}」。{error}")
    return redirect("tasks:schedules")


@require_POST
@needs("tasks.manage")
def run_now(request: ActorRequest, pk: int) -> HttpResponse:
    """Start a schedule's task now and show it; one that runs already is shown instead."""
    plan = next((plan for plan in queries.schedules_of(request.actor) if plan.pk == pk), None)
    if plan is None:
        messages.error(request, "没有这个定时，可能已被删除。")
        return redirect("tasks:schedules")
    try:
        task = services.run_now(request.actor, schedule=plan)
    except services.TaskRefused as error:
        messages.error(request, f"没有运行「{plan.label}」。{error}")
        return redirect("tasks:schedules")
    return go(request, reverse("tasks:detail", args=[task.pk]))
