"""The shell's own cards and alarms on the 工作台."""

from __future__ import annotations

from typing import Any

from django.db.models import Count as Number
from django.db.models import Min, Q
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
from portal.tasks.services import may_manage

SHOWN = 6


def running_tasks(actor: Actor) -> dict[str, Any]:
    """Return the person's own tasks, and of those they may manage what runs and what failed, newest first.

    What the house does by itself each night and went well is nobody's news.
    """
    open_states = [TaskState.QUEUED, TaskState.RUNNING]
    tasks = queries.tasks_of(actor)
    kinds = tasks.order_by().values_list("kind", flat=True).distinct()
    managed = Q(kind__in=[kind for kind in kinds if may_manage(actor, kind)])
    mine = Q(requested_by=actor.person) if actor.person is not None else Q(pk__in=())
    return {
        "running": list(tasks.filter(mine | managed, state__in=open_states)[:SHOWN]),
        "recent": list(tasks.exclude(state__in=open_states).filter(mine | (managed & Q(state=TaskState.FAILED)))[:3]),
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


OWN_MENU = (
    MenuEntry("工作台", "desk:home", "工作台", 0, "desk.view"),
    MenuEntry("双人审核", "approvals:list", "工作台", 10, "approvals.view", ("待我审核", "双签")),
    MenuEntry("代办", "approvals:leave", "工作台", 20, "approvals.view", ("请假", "休假")),
    MenuEntry("交接", "approvals:handover", "工作台", 30, "approvals.view", ("离职", "调岗")),
    MenuEntry("值班表", "approvals:roster", "工作台", 40, "approvals.view", ("第二人",)),
    MenuEntry("任务中心", "tasks:list", "任务中心", 10, "tasks.view", ("后台任务", "进度")),
    MenuEntry("导入记录", "sheets:list", "任务中心", 20, "sheets.view", ("表格", "Excel")),
    MenuEntry("我的导出", "sheets:exports", "任务中心", 30, words=("下载", "Excel")),
    MenuEntry("人员", "system:people", "系统", 10, "people.view", ("账号", "权限", "密码")),
    MenuEntry("登录会话", "system:logins", "系统", 11, "people.manage", ("在线",)),
    MenuEntry("定时任务", "tasks:schedules", "系统", 20, "tasks.manage"),
    MenuEntry("值对照", "values:missing", "系统", 40, "values.view", ("代码对照", "ICD 对照")),
    MenuEntry("批量明文授权", "approvals:clearing", "系统", 53, "approvals.view", ("脱敏", "明文")),
)


def register_own() -> None:
    """Hand over the shell's own menu lines, cards and alarms."""
    for entry in OWN_MENU:
        add_menu(entry)
    add_panel(Panel("最近的任务", running_tasks, "desk/panels/tasks.html", order=80, action="tasks.view", wide=True))
    add_panel(Panel("定时任务", planned_work, "desk/panels/schedules.html", order=70, action="tasks.manage", wide=True))
    add_work(Work("approvals.waiting", approvals_to_decide, action="approvals.view", order=10))
    add_work(Work("approvals.handed", handovers_to_see, action="approvals.view", order=20))
    add_work(Work("sheets.ready", imports_to_confirm, action="sheets.view", order=60))
    add_banner(Banner("desk.processes", stopped_processes))
