"""The dispatcher's own sweeps. Each step is a compare-and-swap, so two dispatchers do no harm."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from portal.people import throttle
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.tasks.bell import ring
from portal.tasks.choices import TaskState
from portal.tasks.clock import next_run
from portal.tasks.models import Heartbeat, Schedule, Task
from portal.tasks.registry import kind_of, schedules, sweep
from portal.tasks.services import start

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
RINGS_AT_ONCE = 50
PULSE_SECONDS = 20.0
PATIENCE = ExpressionWrapper((F("attempt") - 1) * Value(timedelta(seconds=5)), output_field=DurationField())


@sweep("tasks.queued", every=1.0)
def ring_queued() -> None:
    """Ring for the tasks that wait and are due, oldest first; a ring that waits already is not doubled."""
    due = Q(not_before=None) | Q(not_before__lte=Now())
    waiting = Task.objects.filter(due, state=TaskState.QUEUED).order_by("pk")
    for pk, code in waiting.values_list("pk", "kind")[:RINGS_AT_ONCE]:
        if not ring(_queue_of(code), "portal.tasks.runner.run_task", pk, key=f"task-{pk}"):
            return


@sweep("tasks.leases", every=2.0)
def reap_lost() -> None:
    """Take back what runs without a lease: its worker died or hung. Queued again, or ended after five attempts."""
    lost = Task.objects.filter(state=TaskState.RUNNING, lease_until__lt=Now())
    lost.filter(cancel_asked=True).update(
        state=TaskState.CANCELLED, ended_at=Now(), lease_until=None, message="已按要求取消（执行进程已中断）"
    )
    lost.filter(attempt__gte=MAX_ATTEMPTS).update(
        state=TaskState.FAILED,
        ended_at=Now(),
        lease_until=None,
        message=f"执行进程中断 {MAX_ATTEMPTS} 次，任务没有完成。请联系信息科查看运行日志，之后可重新运行。",
    )
    again = lost.update(
        state=TaskState.QUEUED,
        lease_until=None,
        # a little longer each time, so that a task that kills its worker leaves room for others
        not_before=Now() + PATIENCE,
        message="执行进程中断，将自动重新开始",
    )
    if again:
        log.warning("%s tasks queued again after losing their worker", again)


@sweep("tasks.schedules", every=1.0)
def start_due() -> None:
    """Start what is due. The one who moves `next_run` on starts it; what was missed is made up once."""
    for plan in Schedule.objects.filter(active=True, next_run__lte=Now()).select_related("institution"):
        try:
            _start(plan)
        except Exception as error:
            # one bad schedule must not keep the others from starting; it is tried again at its next time
            log.error("schedule %s (%s) not started: %s", plan.pk, plan.kind, type(error).__name__)


def _start(plan: Schedule) -> None:
    following = next_run(plan.every_seconds, plan.daily_at)
    same = Schedule.objects.filter(pk=plan.pk, next_run=plan.next_run, active=True)
    if not _known(plan.kind):
        same.update(next_run=following)
        log.warning("schedule %s: no task kind %s", plan.pk, plan.kind)
        return
    with transaction.atomic():
        if same.update(next_run=following, last_run=Now()):
            actor = Actor.system(plan.institution, "定时")
            start(actor, kind=plan.kind, params=plan.params, label=plan.label, source="定时")


@sweep("tasks.defaults", every=60.0)
def make_schedules() -> None:
    """Give each institution the schedules that rooms declare; a row that exists is the hospital's and stays."""
    kept = set(Schedule.objects.values_list("institution_id", "kind"))
    missing = [
        Schedule(
            institution=institution,
            kind=spec.kind,
            label=spec.label,
            every_seconds=spec.every_seconds,
            daily_at=spec.daily_at,
            next_run=next_run(spec.every_seconds, spec.daily_at),
        )
        for institution in Institution.objects.all()
        for spec in schedules()
        if (institution.pk, spec.kind) not in kept
    ]
    Schedule.objects.bulk_create(missing, ignore_conflicts=True)


@sweep("tasks.heartbeat", every=5.0)
def beat() -> None:
    """Leave a sign of life of the dispatcher, for the pages."""
    beat_as("dispatcher")


@sweep("tasks.pulse", every=PULSE_SECONDS)
def send_pulses() -> None:
    """Send a small job through each queue; that it ran proves Redis, a worker and its database at once."""
    for queue in settings.RQ_QUEUES:
        if not ring(queue, "portal.tasks.sweeps.beat_as", f"worker:{queue}", key=f"pulse-{queue}"):
            return


def beat_as(name: str) -> None:
    """Write that `name` is alive now."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, seen_at=timezone.now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["seen_at"],
    )


@sweep("tasks.prune", every=3600.0)
def prune() -> None:
    """Delete what serves nobody any more: sessions that ended, log-in counters that limit nobody."""
    Session.objects.filter(expire_date__lt=Now()).delete()
    throttle.prune()


def _known(code: str) -> bool:
    try:
        kind_of(code)
    except LookupError:
        return False
    return True


def _queue_of(code: str) -> str:
    return kind_of(code).queue if _known(code) else "tasks"
