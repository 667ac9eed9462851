"""What happens when a worker dies, Redis is emptied or stopped, or two dispatchers run."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.audit.models import AuditEvent
from portal.tasks import bell, queries, services, sweeps
from portal.tasks.dispatcher import Dispatcher, Turn
from portal.tasks.models import Heartbeat, Schedule, Task
from portal.tasks.registry import Sweep
from tests.people.factories import make_actor, make_institution
from tests.tasks.conftest import until

pytestmark = pytest.mark.django_db(transaction=True)


def reload(task: Task) -> Task:
    return Task.objects.get(pk=task.pk)


def test_a_killed_worker_is_replaced_and_the_task_done_once(valkey, worker_process, tmp_path) -> None:
    trace = tmp_path / "trace"
    worker = worker_process()
    task = services.start(make_actor(), kind="test.die_once", params={"trace": str(trace)})
    until(trace.exists, 30)
    worker.kill()
    assert reload(task).state == "running"
    worker_process()
    dispatcher = Dispatcher()
    until(lambda: dispatcher.step() or reload(task).state == "done", 60)
    assert (reload(task).attempt, reload(task).result) == (2, {"次数": 2})
    assert AuditEvent.objects.filter(action="test.counted").count() == 1


def test_a_task_that_kills_every_worker_ends_after_five(valkey, settings) -> None:
    task = services.start(make_actor(), kind="test.suicide")
    for _ in range(6):
        Task.objects.filter(pk=task.pk, state="queued").update(state="running", attempt=reload(task).attempt + 1)
        Task.objects.filter(pk=task.pk, state="running").update(lease_until=timezone.now() - timedelta(seconds=1))
        sweeps.reap_lost()
    assert (reload(task).state, reload(task).attempt) == ("failed", 5)
    assert "中断 5 次" in reload(task).message


def test_a_lost_task_that_was_to_be_cancelled_is_not_run_again(valkey) -> None:
    task = services.start(make_actor(), kind="test.single")
    past = timezone.now() - timedelta(seconds=1)
    Task.objects.filter(pk=task.pk).update(state="running", attempt=1, cancel_asked=True, lease_until=past)
    sweeps.reap_lost()
    assert reload(task).state == "cancelled"


def test_redis_emptied_between_start_and_run(valkey, work) -> None:
    task = services.start(make_actor(), kind="test.count", params={"up_to": 1})
    valkey.client.flushall()
    work()
    assert reload(task).state == "queued"
    sweeps.ring_queued()
    work()
    assert reload(task).state == "done"


def test_redis_stopped_costs_the_page_nothing_and_the_task_runs_later(valkey, work) -> None:
    valkey.stop()
    before = time.monotonic()
    tasks = [services.start(make_actor(), kind="test.count", params={"up_to": 1}) for _ in range(3)]
    assert time.monotonic() - before < 3
    valkey.start()
    bell._quiet_until = 0.0
    sweeps.ring_queued()
    work()
    assert {reload(task).state for task in tasks} == {"done"}


def test_a_redis_that_does_not_answer_is_given_up_fast(valkey) -> None:
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        before = time.monotonic()
        assert bell.ring("tasks", "portal.tasks.runner.run_task", 1, key="task-1") is False
        assert bell.ring("tasks", "portal.tasks.runner.run_task", 2, key="task-2") is False
        assert time.monotonic() - before < 2.5
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)


def test_ringing_twice_queues_once(valkey) -> None:
    for _ in range(5):
        assert bell.ring("tasks", "portal.tasks.runner.run_task", 1, key="task:1 甲")
    assert valkey.client.llen("rq:queue:tasks") == 1


def test_a_ring_during_a_run_queues_one_more(valkey) -> None:
    from rq.job import Job, JobStatus

    bell.ring("tasks", "portal.tasks.runner.run_task", 1, key="drain-1")
    running = Job.fetch(valkey.client.lpop("rq:queue:tasks").decode(), connection=valkey.client)
    running.set_status(JobStatus.STARTED)
    for _ in range(3):
        bell.ring("tasks", "portal.tasks.runner.run_task", 1, key="drain-1")
    assert valkey.client.llen("rq:queue:tasks") == 1


def test_a_record_that_a_dead_worker_left_silences_nobody_for_long(valkey, monkeypatch) -> None:
    bell.ring("tasks", "portal.tasks.runner.run_task", 1, key="task-1")
    bell.ring("tasks", "portal.tasks.runner.run_task", 1, key="task-1")
    valkey.client.delete("rq:queue:tasks")
    now = time.time()
    monkeypatch.setattr(bell.time, "time", lambda: now + bell.SLICE_SECONDS)
    assert bell.ring("tasks", "portal.tasks.runner.run_task", 1, key="task-1")
    assert valkey.client.llen("rq:queue:tasks") == 1


def test_two_dispatchers_start_a_schedule_once(valkey, worker_process) -> None:
    institution = make_institution()
    Schedule.objects.filter(institution=institution).delete()
    due = timezone.now() - timedelta(hours=5)
    for number in range(20):
        place = make_institution(f"H9999000{number:04}", f"样例{number}院")
        Schedule.objects.create(
            institution=place, kind="test.count", label="数数", params={"up_to": 1}, every_seconds=3600, next_run=due
        )
    both = [worker_process("dispatcher") for _ in range(2)]
    until(lambda: Task.objects.filter(kind="test.count").count() >= 20, 30)
    until(lambda: Heartbeat.objects.filter(name="dispatcher").exists(), 10)
    time.sleep(1.5)
    assert Task.objects.filter(kind="test.count").count() == 20
    assert not Schedule.objects.filter(kind="test.count", next_run__lte=timezone.now()).exists()
    for each in both:
        each.process.send_signal(signal.SIGTERM)
    assert [each.process.wait(10) for each in both] == [0, 0]


def test_missed_runs_are_made_up_once(valkey) -> None:
    plan = Schedule.objects.create(
        institution=make_institution(),
        kind="test.count",
        label="数数",
        params={"up_to": 1},
        every_seconds=60,
        next_run=timezone.now() - timedelta(days=3),
    )
    sweeps.start_due()
    sweeps.start_due()
    task = Task.objects.get(kind="test.count")
    assert (task.source, task.requested_by) == ("定时", None)
    plan.refresh_from_db()
    assert plan.next_run > timezone.now()
    assert plan.last_run is not None


def test_a_schedule_that_cannot_start_does_not_keep_the_others(valkey) -> None:
    past = timezone.now() - timedelta(minutes=1)
    for kind in ("gone.away", "test.count"):
        Schedule.objects.create(
            institution=make_institution(),
            kind=kind,
            label=kind,
            params={"up_to": 1},
            every_seconds=60,
            next_run=past,
        )
    sweeps.start_due()
    assert [task.kind for task in Task.objects.all()] == ["test.count"]
    assert not Schedule.objects.filter(next_run__lte=past).exists()


def test_default_schedules_are_made_once_and_a_change_stays(valkey, monkeypatch) -> None:
    from portal.tasks import registry

    monkeypatch.setattr(registry, "_schedules", {})
    registry.schedule("test.count", daily_at="02:30")
    place = make_institution()
    sweeps.make_schedules()
    plan = Schedule.objects.get(institution=place, kind="test.count")
    assert (plan.label, plan.daily_at.isoformat()) == ("数数", "02:30:00")
    assert timezone.localtime(plan.next_run).strftime("%H:%M") == "02:30"
    services.change_schedule(make_actor("it", place), schedule=plan, active=False, every_seconds=600)
    sweeps.make_schedules()
    assert Schedule.objects.get(kind="test.count").every_seconds == 600


def test_a_failing_sweep_waits_longer_and_the_others_go_on(caplog) -> None:
    called: list[str] = []

    def bad() -> None:
        called.append("bad")
        raise ValueError("身份证 " + "9" * 6 + "190001010000")

    dispatcher = Dispatcher()
    dispatcher.turns = [Turn(Sweep("bad", 1.0, bad)), Turn(Sweep("good", 0.0, lambda: called.append("good")))]
    for _ in range(3):
        dispatcher.step()
    assert called == ["bad", "good", "good", "good"]
    first = dispatcher.turns[0]
    for _ in range(10):
        first.call(0.0)
    assert first.due == 60.0
    assert "999999190001010000" not in caplog.text
    assert "test_recovery.py" in caplog.text


def test_health_says_what_stands_still(valkey, work) -> None:
    assert "调度进程没有运行" in queries.health().words
    sweeps.beat()
    assert "后台执行进程没有响应" in queries.health().words
    sweeps.send_pulses()
    work("interactive", "bulk", "tasks")
    assert queries.health().well
    old = timezone.now() - timedelta(minutes=10)
    Heartbeat.objects.filter(name="worker:tasks").update(seen_at=old)
    assert not queries.health().well
    task = services.start(make_actor(), kind="test.single")
    Task.objects.filter(pk=task.pk).update(state="running", lease_until=timezone.now() + timedelta(seconds=30))
    assert queries.health().well, "one long task keeps the worker busy; that is no fault"


def test_pages_do_not_ask_redis(valkey) -> None:
    valkey.stop()
    before = time.monotonic()
    queries.health()
    assert time.monotonic() - before < 0.5


def test_prune_keeps_what_still_counts(valkey) -> None:
    from portal.people import throttle
    from portal.people.models import Throttle

    throttle.spend("somebody", "10.0.0.1")
    sweeps.prune()
    assert Throttle.objects.count() == 2
    Throttle.objects.update(refilled_at=timezone.now() - timedelta(days=1))
    sweeps.prune()
    assert not Throttle.objects.exists()
