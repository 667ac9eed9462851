"""What RQ executes: one attempt at one task. Everything it knows comes from the database."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.db.models import F, Q
from django.db.models.functions import Now

from portal.audit.context import in_task
from portal.privacy.traces import frames_of
from portal.tasks.choices import TaskState
from portal.tasks.models import Task, TaskFault
from portal.tasks.registry import kind_of
from portal.tasks.run import Cancelled, LeaseLost, Run, TaskFailed

log = logging.getLogger(__name__)


def run_task(task_id: int) -> None:
    """Run a queued task to its end. Harmless when it is not queued (any more): whoever claims it runs it."""
    close_old_connections()
    task = claim(task_id)
    if task is None:
        return
    try:
        function = kind_of(task.kind).function
    except LookupError:
        _end(task, TaskState.FAILED, message="此版本没有这种任务，未执行。请联系信息科。")
        return
    run = Run(task)
    with in_task(task.pk):
        state, message = _attempt(run, function)
        if state is not None:
            _finish(run, state, message)


def claim(task_id: int) -> Task | None:
    """Take a queued task that is due: running, one attempt more, leased. None when somebody else was faster."""
    due = Q(not_before=None) | Q(not_before__lte=Now())
    taken = Task.objects.filter(due, pk=task_id, state=TaskState.QUEUED, cancel_asked=False).update(
        state=TaskState.RUNNING,
        attempt=F("attempt") + 1,
        lease_until=Now() + timedelta(seconds=settings.LEASE_SECONDS),
        started_at=Now(),
        done=0,
        total=0,
        message="",
        faults=0,
    )
    if not taken:
        return None
    task: Task = Task.objects.select_related("institution", "requested_by").get(pk=task_id)
    # what an earlier attempt noted may be done by this one
    TaskFault.objects.filter(task=task).delete()
    return task


def _attempt(run: Run, function: Any) -> tuple[TaskState | None, str]:
    """Call the kind's function; return the state it ended in and the words, or None when it is no longer ours."""
    with run:
        try:
            function(run)
            return TaskState.DONE, ""
        except Cancelled:
            return TaskState.CANCELLED, "已按要求取消"
        except LeaseLost:
            log.warning("task %s: attempt %s lost its lease", run.task.pk, run.attempt)
            return None, ""
        except TaskFailed as error:
            run.log(str(error), "error")
            return TaskState.FAILED, str(error)
        except Exception as error:
            return TaskState.FAILED, _unexpected(run, error)


def _unexpected(run: Run, error: Exception) -> str:
    """Log where it broke, without the exception's words (they may quote a patient); return the words for the person."""
    number = f"{run.task.pk}-{run.attempt}"
    log.error("task %s (%s): %s", number, run.task.kind, frames_of(error))
    words = f"程序出错，任务没有完成（错误编号 {number}）。请把编号告诉信息科；原因排除后可重新运行。"
    run.log(words, "error")
    return words


def _finish(run: Run, state: TaskState, message: str) -> None:
    """Write the end with the results, unless the lease was lost meanwhile."""
    fields: dict[str, Any] = {"message": message[:500]} if message else {}
    if state == TaskState.DONE:
        fields |= {"result": run.result, "result_url": run.result_url, "result_file": run.result_file}
    _end(run.task, state, **fields)


def _end(task: Task, state: TaskState, **fields: Any) -> None:
    mine = Task.objects.filter(pk=task.pk, attempt=task.attempt, state=TaskState.RUNNING)
    if not mine.update(state=state, ended_at=Now(), lease_until=None, **fields):
        log.warning("task %s: attempt %s ended after losing its lease; nothing written", task.pk, task.attempt)
