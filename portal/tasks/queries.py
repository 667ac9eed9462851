"""Reading tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.db.models.functions import Now
from django.utils import timezone

from portal.people.actor import Actor
from portal.people.scope import ScopedQuerySet
from portal.tasks.choices import TaskState
from portal.tasks.models import Heartbeat, Schedule, Task, TaskLog

DISPATCHER_SILENT = timedelta(seconds=30)
WORKER_SILENT = timedelta(seconds=120)


@dataclass(frozen=True)
class Health:
    """Whether work in the background goes on. `words` says in Chinese what stands still, "" when all is well."""

    dispatcher_seen: datetime | None
    worker_seen: datetime | None
    words: str

    @property
    def well(self) -> bool:
        """Say whether nothing stands still."""
        return not self.words


def tasks_of(actor: Actor) -> ScopedQuerySet[Task]:
    """Return the tasks of the institution at hand that the actor may see, newest first."""
    visible: ScopedQuerySet[Task] = Task.objects.visible_to(actor.person) if actor.person else Task.objects.all()
    return visible.filter(institution=actor.institution).select_related("requested_by").order_by("-id")


def counts(actor: Actor) -> dict[str, int]:
    """Return how many tasks are in each state (state → number)."""
    rows = tasks_of(actor).order_by().values_list("state").annotate(n=Count("pk"))
    return dict.fromkeys(TaskState.values, 0) | dict(rows)


def last_lines(task: Task, limit: int = 200) -> list[TaskLog]:
    """Return the last lines of a task's log, newest first: what happens now is seen without scrolling."""
    return list(task.lines.order_by("-pk")[:limit])


def schedules_of(actor: Actor) -> list[Schedule]:
    """Return the schedules of the institution at hand by name."""
    return list(Schedule.objects.filter(institution=actor.institution).order_by("label"))


def last_tasks(actor: Actor, kinds: Iterable[str]) -> dict[str, Task]:
    """Return the newest task of each kind in the institution at hand (kind → task), in one query."""
    newest = tasks_of(actor).filter(kind__in=list(kinds)).order_by("kind", "-id").distinct("kind")
    return {task.kind: task for task in newest}


def health() -> Health:
    """Judge by the database alone, so that a page never waits for Redis.

    The worker is seen by a small job on its queue, or by a running task that holds its lease.
    """
    seen = dict(Heartbeat.objects.filter(name__in=["dispatcher", "worker:tasks"]).values_list("name", "seen_at"))
    dispatcher, worker, now = seen.get("dispatcher"), seen.get("worker:tasks"), timezone.now()
    if dispatcher is None or now - dispatcher > DISPATCHER_SILENT:
        return Health(dispatcher, worker, f"调度进程没有运行{_since(dispatcher)}：定时任务不会开始。请通知信息科。")
    late = worker is None or now - worker > WORKER_SILENT
    if late and not Task.objects.filter(state=TaskState.RUNNING, lease_until__gte=Now()).exists():
        return Health(dispatcher, worker, f"后台执行进程没有响应{_since(worker)}：任务会排队等待。请通知信息科。")
    return Health(dispatcher, worker, "")


def _since(moment: datetime | None) -> str:
    return f"（最近一次 {timezone.localtime(moment):%m-%d %H:%M}）" if moment else ""
