"""The query form of 任务中心."""

from __future__ import annotations

from typing import Any

from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter
from portal.tasks.choices import TaskState
from portal.tasks.models import Task
from portal.tasks.registry import kinds


def kind_choices() -> list[tuple[str, str]]:
    """Return the kinds that installed rooms have, by word."""
    return [(kind.code, kind.label) for kind in kinds()]


class TaskFilter(ListFilter):
    """By words, kind, who asked, state and day."""

    words: Any = SearchFilter(fields=["label", "message"], label="名称、进展")
    kind: Any = ChoiceFilter(label="种类", choices=kind_choices)
    requested_by: Any = SearchFilter(fields=["requested_by__name", "source"], label="发起")
    state: Any = ChoiceFilter(label="状态", states=TaskState)
    created_at: Any = DayRangeFilter(label="创建日期", times=True)

    class Meta:
        """What it filters."""

        model = Task
        fields: list[str] = []
