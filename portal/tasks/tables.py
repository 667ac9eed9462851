"""The table of 任务中心."""

from __future__ import annotations

from typing import Any

from portal.lists.columns import Act, ActionsColumn, NumberColumn, StateColumn, TextColumn, TimeColumn
from portal.lists.tables import ListTable
from portal.tasks.choices import TaskState
from portal.tasks.models import Task


def acts_of_task(task: Task, table: Any) -> list[Act]:
    """Return what can be done with a task from the list; cancel and repeat are on its page."""
    look = Act("查看", task.get_absolute_url(), drawer=True)
    result = Act("结果", task.result_url, reason="" if task.result_url else "这个任务没有结果页面。")
    return [look, result]


class TaskTable(ListTable):
    """What went on in the background."""

    label = TextColumn(verbose_name="名称", opens=True, width="w-l")
    state = StateColumn(TaskState, verbose_name="状态", extra="state_more")
    message = TextColumn(verbose_name="进展", width="w-l")
    by = TextColumn(verbose_name="发起", accessor="by", order_by=("requested_by__name", "source"))
    created_at = TimeColumn(verbose_name="创建时间")
    seconds = NumberColumn(verbose_name="用时（秒）", orderable=False)
    act = ActionsColumn(acts_of_task)
