"""Everything at once: two dispatchers, two workers, one of them killed, Redis emptied and restarted."""

from __future__ import annotations

import time

import pytest

from portal.audit.models import AuditEvent
from portal.tasks import services
from portal.tasks.models import Task
from tests.people.factories import make_actor
from tests.tasks.conftest import until

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = 12


def test_every_task_ends_and_none_that_kept_its_worker_ran_twice(valkey, worker_process) -> None:
    dispatchers = [worker_process("dispatcher") for _ in range(2)]
    doomed, survivor = worker_process(), worker_process()
    actor = make_actor()
    for number in range(NUMBER):
        services.start(actor, kind="test.count", params={"up_to": 4, "pause": 0.1}, label=f"第 {number} 个")
    until(lambda: Task.objects.filter(state="done").exists(), 60)
    doomed.kill()
    valkey.client.flushall()
    until(lambda: Task.objects.filter(state="done").count() >= NUMBER // 2, 60)
    valkey.stop()
    time.sleep(1)
    valkey.start()
    survivor.kill()
    worker_process()
    until(lambda: Task.objects.filter(state="done").count() == NUMBER, 90)
    for task in Task.objects.all():
        assert task.result == {"个数": 4}
        if task.attempt == 1:
            assert AuditEvent.objects.filter(action="test.counted", subjects=[f"tasks.task:{task.pk}"]).count() == 1
    assert all(each.process.poll() is None for each in dispatchers), "a dispatcher outlives a restart of Redis"
