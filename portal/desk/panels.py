"""The shell's own cards and alarms on the 工作台."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from portal.desk.registry import Alarm, MenuEntry, Notice, Panel, add_alarm, add_menu, add_panel
from portal.people.actor import Actor
from portal.tasks import queries
from portal.tasks.choices import TaskState

SHOWN = 6


def running_tasks(actor: Actor) -> dict[str, Any]:
    """Return what goes on now and what failed last, newest first."""
    open_states = [TaskState.QUEUED, TaskState.RUNNING]
    return {
        "running": list(queries.tasks_of(actor).filter(state__in=open_states)[:SHOWN]),
        "recent": list(queries.tasks_of(actor).exclude(state__in=open_states)[:3]),
        "all_url": reverse("tasks:list"),
    }


def stopped_processes(actor: Actor) -> Notice | None:
    """Say that the dispatcher or the workers stand still."""
    words = queries.health().words
    return Notice(words, "danger", reverse("tasks:list"), "查看任务") if words else None


def register_own() -> None:
    """Hand over the shell's own menu lines, cards and alarms."""
    add_menu(MenuEntry("工作台", "desk:home", group="工作台", order=0, action="desk.view"))
    add_menu(
        MenuEntry("任务中心", "tasks:list", group="任务中心", order=10, action="tasks.view", words=("后台任务", "进度"))
    )
    add_menu(
        MenuEntry("导入记录", "sheets:list", group="任务中心", order=20, action="sheets.view", words=("表格", "Excel"))
    )
    add_menu(
        MenuEntry("人员", "people:list", group="系统", order=10, action="people.manage", words=("账号", "权限", "密码"))
    )
    add_menu(MenuEntry("定时任务", "tasks:schedules", group="系统", order=20, action="tasks.manage"))
    add_panel(Panel("最近的任务", running_tasks, "desk/panels/tasks.html", order=80, action="tasks.view", wide=True))
    add_alarm(Alarm("desk.processes", stopped_processes))
