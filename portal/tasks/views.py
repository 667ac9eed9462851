"""任务中心: the list, one task with its live log, schedules."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from portal.lists.views import Empty, Link, ListPage, Tab
from portal.people.guard import ActorRequest, go, needs
from portal.tasks import queries, services
from portal.tasks.choices import TaskState
from portal.tasks.filters import TaskFilter
from portal.tasks.models import Task
from portal.tasks.registry import kind_of
from portal.tasks.tables import TaskTable

STOP_POLLING = 286


class TaskList(ListPage):
    """All tasks of the institution, newest first."""

    action = "tasks.view"
    title, purpose = "任务中心", "在后台进行的工作：进度、日志、结果；可以取消和重新运行。"
    table_class, filter_class = TaskTable, TaskFilter
    tabs = (
        Tab("open", "进行中", Q(ended_at=None), empty="没有进行中的任务。"),
        Tab("failed", "失败", Q(state=TaskState.FAILED), empty="没有失败的任务。"),
        Tab("done", "已完成", Q(state=TaskState.DONE), empty="还没有完成的任务。"),
        Tab("all", "全部"),
    )
    tools = (Link("定时任务", "tasks:schedules", "tasks.manage"),)
    empty = Empty("还没有任务。导入、核对、导出都会在这里留下一条。")
    template_name = "tasks/list.html"

    def rows(self) -> QuerySet[Task]:
        """The institution's tasks."""
        return queries.tasks_of(self.request.actor)

    def context(self) -> dict[str, Any]:
        """Whether work in the background goes on at all."""
        return {"health": queries.health()}


@require_GET
@needs("tasks.view")
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One task: progress, log, parameters, result."""
    return render(request, "tasks/detail.html", _context(request, _task(request, pk)))


@require_GET
@needs("tasks.view")
def live(request: ActorRequest, pk: int) -> HttpResponse:
    """The moving part of the task's page; 286 tells htmx that it moves no more."""
    task = _task(request, pk)
    status = STOP_POLLING if task.ended else 200
    return render(request, "tasks/_live.html", _context(request, task), status=status)


@require_GET
@needs("tasks.view")
def progress(request: ActorRequest, pk: int) -> HttpResponse:
    """The bar alone, as other rooms embed it; sends the event `task-ended` with the last answer."""
    task = _task(request, pk)
    response = render(request, "tasks/_progress.html", {"task": task}, status=STOP_POLLING if task.ended else 200)
    if task.ended:
        response["HX-Trigger"] = "task-ended"
    return response


@require_POST
@needs("tasks.view")
def cancel(request: ActorRequest, pk: int) -> HttpResponse:
    """Cancel a task."""
    task = _task(request, pk)
    try:
        services.cancel(request.actor, task=task, reason=request.POST.get("reason", ""))
        messages.success(request, f"「{task.label}」{'已取消' if task.ended else '正在取消，做完手头的一步就停'}。")
    except services.TaskRefused as error:
        messages.error(request, str(error))
    return go(request, reverse("tasks:detail", args=[pk]))


@require_POST
@needs("tasks.view")
def repeat(request: ActorRequest, pk: int) -> HttpResponse:
    """Start the same task again and show the new one."""
    task = _task(request, pk)
    try:
        again = services.repeat(request.actor, task=task)
    except services.TaskRefused as error:
        messages.error(request, str(error))
        return go(request, reverse("tasks:detail", args=[pk]))
    messages.success(request, f"「{again.label}」已重新开始。")
    return go(request, reverse("tasks:detail", args=[again.pk]))


def _task(request: ActorRequest, pk: int) -> Task:
    task: Task = get_object_or_404(queries.tasks_of(request.actor), pk=pk)
    return task


def _context(request: ActorRequest, task: Task) -> dict[str, object]:
    try:
        labels = kind_of(task.kind).param_labels
    except LookupError:
        labels = {}
    return {
        "task": task,
        "lines": queries.last_lines(task),
        "params": [(label, task.params[name]) for name, label in labels.items() if name in task.params],
        "may_change": services.may_change(request.actor, task),
        "faults": task.fault_rows.order_by("pk") if task.faults else (),
    }
