"""Everything that changes a task from outside of its run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, time
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Person
from portal.tasks.bell import ring
from portal.tasks.choices import TaskState
from portal.tasks.clock import next_run
from portal.tasks.models import Schedule, Task
from portal.tasks.registry import TaskKind, kind_of, signed_kinds


class TaskRefused(Exception):
    """The task cannot be changed like that now; the message is Chinese."""


def start(
    actor: Actor,
    *,
    kind: str,
    params: Mapping[str, Any] | None = None,
    label: str = "",
    source: str = "人工",
    not_before: datetime | None = None,
    repeat_of: Task | None = None,
) -> Task:
    """Queue a task; RQ hears of it when the transaction commits, the dispatcher tells it again until it runs.

    `params` is JSON without personal data. For a kind that is `single`, returns the unfinished one if there is one.
    Raises LookupError for an unknown kind. Who may is the caller's question.
    """
    what = kind_of(kind)
    task = Task(
        institution=actor.institution,
        kind=kind,
        label=(label or what.label)[:200],
        params=dict(params or {}),
        requested_by=actor.person,
        source=source if actor.person or source != "人工" else actor.name[:20],
        single=what.single,
        not_before=not_before,
        repeat_of=repeat_of,
    )
    return _save_or_find(actor, task, what)


def _save_or_find(actor: Actor, task: Task, what: TaskKind) -> Task:
    """Save a new task, audit and ring; or return the one of a single kind that stands in its way."""
    while True:
        try:
            with transaction.atomic():
                task.save()
                record(actor, "tasks.start", [task], label=f"发起任务：{task.label}", kind=task.kind)
                ring_later(task, what)
            return task
        except IntegrityError:
            open_one = Task.objects.filter(
                institution=task.institution, kind=task.kind, single=True, ended_at=None
            ).first()
            if open_one is not None:
                found: Task = open_one
                return found
            if not task.single:
                raise


def ring_later(task: Task, what: TaskKind) -> None:
    """Ring for a task when the transaction commits."""
    queue, pk = what.queue, task.pk
    transaction.on_commit(lambda: ring(queue, "portal.tasks.runner.run_task", pk, key=f"task-{pk}"))


@transaction.atomic
def cancel(actor: Actor, *, task: Task, reason: str = "") -> None:
    """Cancel: a waiting task at once, a running one at its next look. Raises NotAllowed, TaskRefused (already over)."""
    if not may_change(actor, task):
        raise NotAllowed("tasks.manage")
    waiting = Task.objects.filter(pk=task.pk, state=TaskState.QUEUED).update(
        state=TaskState.CANCELLED, cancel_asked=True, ended_at=Now(), message="开始之前已取消"
    )
    if not waiting and not Task.objects.filter(pk=task.pk, state=TaskState.RUNNING).update(cancel_asked=True):
        raise TaskRefused("任务已经结束，不能取消。")
    record(actor, "tasks.cancel", [task], label=f"取消任务：{task.label}", reason=reason)
    task.refresh_from_db()


@transaction.atomic
def repeat(actor: Actor, *, task: Task) -> Task:
    """Start the same again with the same parameters; a repetition still under way is returned (a double click).

    Raises NotAllowed, TaskRefused (not over yet).
    """
    if not may_change(actor, task):
        raise NotAllowed("tasks.manage")
    Task.objects.select_for_update(of=("self",)).get(pk=task.pk)
    task.refresh_from_db()
    if not task.ended:
        raise TaskRefused("任务还没有结束，不能重新运行；可先取消。")
    at_it: Task | None = Task.objects.filter(repeat_of=task, ended_at=None).first()
    if at_it is not None:
        return at_it
    try:
        return start(actor, kind=task.kind, params=task.params, label=task.label, source="重新运行", repeat_of=task)
    except LookupError:
        raise TaskRefused("此版本没有这种任务，不能重新运行。") from None


def may_change(actor: Actor, task: Task) -> bool:
    """Say whether `actor` may cancel or repeat: who asked for it, who may start its kind, who manages tasks."""
    if task.institution_id != actor.institution.pk:
        return False
    if actor.person is not None and task.requested_by_id == actor.person.pk:
        return True
    return may_manage(actor, task.kind)


def may_manage(actor: Actor, kind: str) -> bool:
    """Say whether `actor` may plan, repeat or cancel tasks of a kind; of one that keeps to its `own` right, by that."""
    try:
        known = kind_of(kind)
    except LookupError:
        return actor.may("tasks.manage")
    return actor.may(known.action) or (not known.own and actor.may("tasks.manage"))


def _must_plan(actor: Actor, kind: str) -> None:
    """Raise NotAllowed unless the actor may plan tasks of a kind."""
    if not may_manage(actor, kind):
        raise NotAllowed("tasks.manage")


@transaction.atomic
def hand_over(actor: Actor, *, giver: Person, taker: Person, keys: Collection[int]) -> int:
    """Give the giver's unfinished tasks to `taker` and return how many; the audit keeps who asked.

    Who may is the caller's question (portal.approvals.handing). What stands under the giver's name stays theirs.
    """
    tasks = Task.objects.filter(institution=actor.institution, requested_by=giver, ended_at=None, pk__in=keys)
    tasks = tasks.exclude(kind__in=signed_kinds())
    moved = list(tasks.select_for_update().order_by("pk"))
    tasks.update(requested_by=taker)
    if moved:
        label = f"任务交接给 {taker}：{moved[0].label if len(moved) == 1 else f'{len(moved)} 个'}"
        record(actor, "tasks.hand_over", [*moved, giver, taker], label=label)
    return len(moved)


@transaction.atomic
def change_schedule(
    actor: Actor,
    *,
    schedule: Schedule,
    active: bool,
    every_seconds: int | None = None,
    daily_at: time | None = None,
) -> None:
    """Switch a schedule on or off and say when it runs: every so many seconds (60 at least), or daily.

    Raises NotAllowed, TaskRefused.
    """
    _must_plan(actor, schedule.kind)
    if (every_seconds is None) == (daily_at is None):
        raise TaskRefused("请填写每天的时刻，或间隔秒数，二者只填一个。")
    if every_seconds is not None and every_seconds < 60:
        raise TaskRefused("间隔至少 60 秒。")
    schedule.active, schedule.every_seconds, schedule.daily_at = active, every_seconds, daily_at
    schedule.next_run = next_run(every_seconds, daily_at)
    schedule.save(update_fields=["active", "every_seconds", "daily_at", "next_run"])
    words = f"{'启用' if active else '停用'}定时：{schedule.label}"
    record(actor, "tasks.schedule", [schedule], label=words, every=every_seconds, daily=str(daily_at or ""))


@transaction.atomic
def run_now(actor: Actor, *, schedule: Schedule) -> Task:
    """Start what a schedule starts, now; its next run stays as planned. Raises NotAllowed, TaskRefused."""
    _must_plan(actor, schedule.kind)
    if schedule.institution_id != actor.institution.pk:
        raise NotAllowed("这个定时属于另一机构，不能在这里运行。")
    try:
        return start(actor, kind=schedule.kind, params=schedule.params, label=schedule.label)
    except LookupError:
        raise TaskRefused("此版本没有这种任务，不能运行。") from None
