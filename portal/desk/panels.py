"""The shell's own cards and alarms on the 工作台."""

from __future__ import annotations

from typing import Any

from django.db.models import Count as Number
from django.db.models import Min
from django.urls import reverse

from portal.approvals.queries import handed_to, to_decide
from portal.desk.registry import (
    Banner,
    MenuEntry,
    Notice,
    Panel,
    Work,
    WorkLine,
    add_banner,
    add_menu,
    add_panel,
    add_work,
)
from portal.people.actor import Actor
from portal.sheets.choices import ImportState
from portal.sheets.queries import imports_of
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
    """Say on every page that the dispatcher or the workers stand still."""
    words = queries.health().words
    return Notice(words, "danger", reverse("tasks:list"), "查看任务") if words else None


def planned_work(actor: Actor) -> dict[str, Any] | None:
    """Return how the schedules stand: last run, its outcome, next run."""
    plans = queries.schedules_of(actor)
    last = queries.last_tasks(actor, {plan.kind for plan in plans})
    return {"rows": [(plan, last.get(plan.kind)) for plan in plans], "all_url": reverse("tasks:schedules")}


def imports_to_confirm(actor: Actor) -> list[WorkLine]:
    """Return the files that were checked and wait for somebody's word."""
    waiting = imports_of(actor).filter(state=ImportState.READY).order_by()
    found = waiting.aggregate(number=Number("pk"), since=Min("checked_at"))
    url = f"{reverse('sheets:list')}?tab={ImportState.READY.value}"
    step = "打开导入记录，核对条数后确认导入或放弃。"
    return [WorkLine("导入待确认", found["number"], url, "info", step, found["since"], duty="directory.import")]


def approvals_to_decide(actor: Actor) -> list[WorkLine]:
    """Return what waits for this person's yes or no, with the first to expire as the deadline."""
    waiting = to_decide(actor).order_by()
    found = waiting.aggregate(number=Number("pk"), since=Min("proposed_at"), due=Min("expires_at"))
    step = "逐项查看将执行的内容，通过或退回；过期自动作废。"
    url = f"{reverse('approvals:list')}?tab=waiting"
    return [WorkLine("待我审核", found["number"], url, "warning", step, found["since"], found["due"], who=actor.name)]


def handovers_to_see(actor: Actor) -> list[WorkLine]:
    """Return what colleagues handed over to this person and they have not confirmed."""
    found = handed_to(actor).aggregate(number=Number("pk"), since=Min("made_at"))
    step = "打开交接，看说明和事项后点「确认接手」。"
    url = reverse("approvals:handover")
    return [WorkLine("交接给我的", found["number"], url, "info", step, found["since"], who=actor.name)]


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
        MenuEntry("人员", "system:people", group="系统", order=10, action="people.view", words=("账号", "权限", "密码"))
    )
    add_menu(MenuEntry("登录会话", "system:logins", group="系统", order=11, action="people.manage", words=("在线",)))
    for label, name, group, order, words in (
        ("双人审核", "list", "工作台", 10, ("待我审核", "双签")),
        ("值班表", "roster", "工作台", 40, ("第二人",)),
        ("代办", "leave", "工作台", 20, ("请假", "休假")),
        ("交接", "handover", "工作台", 30, ("离职", "调岗")),
        ("批量明文授权", "clearing", "系统", 53, ("脱敏", "明文")),
    ):
        add_menu(MenuEntry(label, f"approvals:{name}", group, order, "approvals.view", words))
    add_menu(MenuEntry("我的导出", "sheets:exports", group="任务中心", order=30, words=("下载", "Excel")))
    add_menu(
        MenuEntry(
            "值对照", "values:missing", group="系统", order=40, action="values.view", words=("代码对照", "ICD 对照")
        )
    )
    add_menu(MenuEntry("定时任务", "tasks:schedules", group="系统", order=20, action="tasks.manage"))
    add_panel(Panel("最近的任务", running_tasks, "desk/panels/tasks.html", order=80, action="tasks.view", wide=True))
    add_panel(Panel("定时任务", planned_work, "desk/panels/schedules.html", order=70, action="tasks.manage", wide=True))
    add_work(Work("approvals.waiting", approvals_to_decide, action="approvals.view", order=10))
    add_work(Work("approvals.handed", handovers_to_see, action="approvals.view", order=20))
    add_work(Work("sheets.ready", imports_to_confirm, action="sheets.view", order=60))
    add_banner(Banner("desk.processes", stopped_processes))
