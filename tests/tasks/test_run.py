"""One task from start to end, through RQ."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from portal.audit.models import AuditEvent
from portal.people.models import Person
from portal.tasks import runner, services, sweeps
from portal.tasks.models import Task
from portal.tasks.run import Cancelled, LeaseLost, Run
from tests.people.factories import make_actor
from tests.tasks.conftest import until

pytestmark = pytest.mark.django_db(transaction=True)


def reload(task: Task) -> Task:
    return Task.objects.get(pk=task.pk)


def in_thread(task: Task) -> threading.Thread:
    """Run a task in a thread of its own, as a worker would in a process of its own."""

    def body() -> None:
        runner.run_task(task.pk)
        connection.close()

    thread = threading.Thread(target=body)
    thread.start()
    return thread


def test_it_runs_to_its_end(work) -> None:
    actor = make_actor()
    task = services.start(actor, kind="test.count", params={"up_to": 3}, label="数到三")
    work()
    task = reload(task)
    assert (task.state, task.percent, task.result, task.result_url) == ("done", 100, {"个数": 3}, "/somewhere/")
    assert [line.text for line in task.lines.order_by("pk")] == ["第 1 个", "第 2 个", "第 3 个"]
    assert task.attempt == 1
    assert task.lease_until is None
    assert task.ended_at >= task.started_at >= task.created_at
    assert AuditEvent.objects.get(action="test.counted").person == actor.person
    assert AuditEvent.objects.get(action="tasks.start").subjects == [f"tasks.task:{task.pk}"]


def test_nothing_rings_before_the_commit(valkey, work) -> None:
    actor = make_actor()
    with transaction.atomic():
        services.start(actor, kind="test.count", params={"up_to": 1})
        transaction.set_rollback(True)
    assert valkey.client.llen("rq:queue:tasks") == 0
    assert not Task.objects.exists()


def test_a_failure_that_was_expected_tells_the_person(work) -> None:
    task = services.start(make_actor(), kind="test.refuse")
    work()
    task = reload(task)
    assert (task.state, task.message) == ("failed", "第 3 行 科室编码：不能为空。请改正后重新导入。")
    assert task.ended


def test_a_failure_nobody_expected_keeps_its_words_out_of_page_and_log(work, caplog) -> None:
    caplog.set_level(logging.INFO)
    task = services.start(make_actor(), kind="test.break")
    work()
    task = reload(task)
    assert task.state == "failed"
    assert f"错误编号 {task.pk}-1" in task.message
    assert "999999190001010000" not in task.message + "".join(line.text for line in task.lines.all()) + caplog.text
    assert "ValueError" in caplog.text
    assert "kinds.py" in caplog.text


def test_a_kind_that_is_gone_fails_with_words(valkey) -> None:
    task = services.start(make_actor(), kind="test.single")
    Task.objects.filter(pk=task.pk).update(kind="gone.away")
    runner.run_task(task.pk)
    assert reload(task).state == "failed"
    assert "没有这种任务" in reload(task).message


def test_progress_shows_while_a_transaction_is_open_and_outlives_it(valkey) -> None:
    actor = make_actor()
    task = services.start(actor, kind="test.rolls_back")
    thread = in_thread(task)
    until(lambda: reload(task).message == "事务之中", 5)
    assert reload(task).state == "running"
    thread.join()
    task = reload(task)
    assert task.state == "failed"
    assert next(line.text for line in task.lines.order_by("pk")) == "事务之中的一行"
    assert Person.objects.get(pk=actor.person.pk).name != "不该留下"


def test_progress_is_written_once_a_second_not_once_a_row(valkey, django_assert_max_num_queries) -> None:
    task = services.start(make_actor(), kind="test.single")
    task = runner.claim(task.pk)
    assert task is not None
    run = Run(task)
    with django_assert_max_num_queries(0), run:
        for number in range(20000):
            run.progress(number, 20000)
            run.log(f"第 {number} 行")
    assert reload(task).done == 19999
    assert task.lines.count() == 20000


def test_what_could_not_be_done_is_kept_counted_and_forgotten_by_the_next_attempt(valkey) -> None:
    task = runner.claim(services.start(make_actor(), kind="test.single").pk)
    assert task is not None
    with Run(task) as run:
        run.progress(5, 9)
        for number in range(1_003):
            run.fault(f"第 {number} 条", "科室已停用", "/directory/")
    kept = reload(task)
    assert (kept.faults, kept.done, kept.fault_rows.count()) == (1_003, 5, 1_000)
    Task.objects.filter(pk=task.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    sweeps.reap_lost()
    again = runner.claim(task.pk)
    assert (again.faults, again.fault_rows.count()) == (0, 0)


@pytest.mark.parametrize("kind", ["test.greedy", "test.count"])
def test_cancelling_stops_a_running_task(valkey, kind) -> None:
    actor = make_actor()
    task = services.start(actor, kind=kind, params={"up_to": 10000, "pause": 0.01})
    thread = in_thread(task)
    until(lambda: reload(task).done > 0, 5)
    services.cancel(actor, task=task, reason="选错了文件")
    thread.join(5)
    assert not thread.is_alive()
    assert (reload(task).state, reload(task).message) == ("cancelled", "已按要求取消")
    assert AuditEvent.objects.get(action="tasks.cancel").reason == "选错了文件"
    assert not AuditEvent.objects.filter(action="test.counted").exists()


def test_cancelling_a_waiting_task_keeps_it_from_running(work) -> None:
    actor = make_actor()
    task = services.start(actor, kind="test.count", params={"up_to": 1})
    services.cancel(actor, task=task)
    work()
    assert (reload(task).state, reload(task).attempt) == ("cancelled", 0)
    with pytest.raises(services.TaskRefused, match="已经结束"):
        services.cancel(actor, task=task)


def test_a_run_that_lost_its_lease_writes_nothing_more(valkey) -> None:
    task = services.start(make_actor(), kind="test.count", params={"up_to": 40, "pause": 0.1})
    thread = in_thread(task)
    until(lambda: reload(task).done > 0, 5)
    # another attempt took over meanwhile: it is the one whose word counts
    Task.objects.filter(pk=task.pk).update(attempt=2, message="第二次", done=0)
    thread.join(10)
    task = reload(task)
    assert (task.state, task.attempt, task.message, task.result) == ("running", 2, "第二次", {})
    assert not AuditEvent.objects.filter(action="test.counted").exists()


def test_a_fenced_step_of_a_lost_run_is_rolled_back(valkey) -> None:
    task = runner.claim(services.start(make_actor(), kind="test.single").pk)
    run = Run(task)
    with transaction.atomic():
        run.fence()
    Task.objects.filter(pk=task.pk).update(attempt=2)

    def step() -> None:
        with transaction.atomic():
            Task.objects.filter(pk=task.pk).update(label="不该留下")
            run.fence()

    with pytest.raises(LeaseLost):
        step()
    assert reload(task).label == "只许一个"


def test_a_late_end_does_not_overwrite(valkey) -> None:
    task = services.start(make_actor(), kind="test.single")
    first = runner.claim(task.pk)
    Task.objects.filter(pk=task.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    sweeps.reap_lost()
    second = runner.claim(task.pk)
    runner._end(first, "done", result={"谁": "第一次"})
    assert (second.attempt, reload(task).state, reload(task).result) == (2, "running", {})


def test_the_lease_is_renewed_while_the_function_says_nothing(valkey, settings) -> None:
    settings.LEASE_SECONDS, settings.LEASE_RENEW_SECONDS = 3, 1
    task = runner.claim(services.start(make_actor(), kind="test.single").pk)
    before = reload(task).lease_until
    with Run(task) as run:
        time.sleep(3.5)
        assert reload(task).lease_until > before + timedelta(seconds=1)
        run.check()
        sweeps.reap_lost()
    assert reload(task).state == "running"


def test_check_tells_cancel_from_loss(valkey) -> None:
    task = runner.claim(services.start(make_actor(), kind="test.single").pk)
    with Run(task) as run:
        Task.objects.filter(pk=task.pk).update(cancel_asked=True)
        until(lambda: run._reporter.cancel_asked, 3)
        with pytest.raises(Cancelled):
            run.check()
        Task.objects.filter(pk=task.pk).update(attempt=9)
        until(lambda: run._reporter.lost, 3)
        with pytest.raises(LeaseLost):
            run.check()


def test_a_single_kind_runs_once_at_a_time(valkey) -> None:
    actor = make_actor()
    first, second = services.start(actor, kind="test.single"), services.start(actor, kind="test.single")
    assert first.pk == second.pk
    runner.run_task(first.pk)
    assert services.start(actor, kind="test.single").pk != first.pk


def test_single_holds_when_two_start_at_the_same_moment(valkey) -> None:
    actor = make_actor()
    found: list[int] = []

    def body() -> None:
        found.append(services.start(actor, kind="test.single").pk)
        connection.close()

    threads = [threading.Thread(target=body) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert AuditEvent.objects.filter(action="tasks.start").count() == 1


def test_repeating_takes_the_same_parameters(work) -> None:
    actor = make_actor()
    task = services.start(actor, kind="test.count", params={"up_to": 2})
    with pytest.raises(services.TaskRefused, match="还没有结束"):
        services.repeat(actor, task=task)
    work()
    again = services.repeat(actor, task=task)
    work()
    assert (reload(again).state, reload(again).result, reload(again).repeat_of_id) == ("done", {"个数": 2}, task.pk)
    assert reload(again).source == "重新运行"


def test_repeating_twice_is_one_repetition_until_it_ends(work) -> None:
    actor = make_actor()
    task = services.start(actor, kind="test.count", params={"up_to": 1})
    work()
    made: list[int] = []
    both = threading.Barrier(2)

    def press() -> None:
        both.wait()
        made.append(services.repeat(actor, task=task).pk)
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert made == [made[0]] * 2
    work()
    assert services.repeat(actor, task=task).pk != made[0]


def test_two_workers_claim_one_task_once(valkey) -> None:
    task = services.start(make_actor(), kind="test.count", params={"up_to": 1})
    threads = [in_thread(task) for _ in range(5)]
    for thread in threads:
        thread.join()
    assert reload(task).attempt == 1
    assert AuditEvent.objects.filter(action="test.counted").count() == 1


def test_a_task_waits_for_its_time(work) -> None:
    task = services.start(make_actor(), kind="test.single", not_before=timezone.now() + timedelta(hours=1))
    work()
    sweeps.ring_queued()
    work()
    assert reload(task).state == "queued"
