"""A person watches a task in a real browser: bar and log move by themselves, cancel stops it, the page says so."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.urls import reverse

from portal.people.actor import Actor
from portal.tasks import runner, services
from portal.tasks.models import Task
from tests.tasks import kinds  # noqa: F401 (registers the kinds)
from tests.tasks.conftest import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def in_thread(task: Task) -> threading.Thread:
    def body() -> None:
        runner.run_task(task.pk)
        connection.close()

    thread = threading.Thread(target=body)
    thread.start()
    return thread


def test_watching_and_cancelling(valkey, member, institution, log_in, look) -> None:
    actor = Actor.of(member, institution)
    params = {"up_to": 2000, "pause": 0.02}
    task = services.start(actor, kind="test.count", params=params, label="核对科室（示例）")
    page = log_in(member)
    page.goto(reverse("tasks:detail", args=[task.pk]))
    page.get_by_text("还没有开始。").wait_for()
    look("task-queued")
    thread = in_thread(task)
    page.locator("#task-live").get_by_text("进行中").first.wait_for()
    page.locator(".task-log >> text=第 1 个").first.wait_for()
    look("task-running")
    page.get_by_role("button", name="取消任务").click()
    page.get_by_text("正在取消，做完手头的一步就停").first.wait_for()
    page.get_by_text("已按要求取消").first.wait_for()
    thread.join(10)
    look("task-cancelled")
    page.get_by_role("button", name="重新运行").click()
    page.get_by_text("已重新开始").wait_for()
    assert Task.objects.filter(state="queued", repeat_of=task).count() == 1
    page.goto(reverse("tasks:list"))
    page.get_by_role("link", name="核对科室（示例）").first.click()
    page.locator("#drawer .task-log").wait_for()
    look("task-drawer")
    page.goto(reverse("tasks:list") + "?tab=all")
    look("task-list")


def test_it_stops_asking_when_it_is_over(valkey, member, institution, log_in, look) -> None:
    task = services.start(Actor.of(member, institution), kind="test.count", params={"up_to": 3})
    page = log_in(member)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/live/" in request.url else None)
    page.goto(reverse("tasks:detail", args=[task.pk]))
    runner.run_task(task.pk)
    page.get_by_text("已完成").first.wait_for()
    look("task-done")
    seen = len(asked)
    page.wait_for_timeout(2500)
    assert len(asked) == seen
    until(lambda: seen > 0, 1)


def test_schedules_without_script_errors(valkey, member, institution, log_in, look) -> None:
    from portal.tasks import sweeps

    sweeps.make_schedules()
    page = log_in(member)
    page.goto(reverse("tasks:schedules"))
    look("schedules")
    assert page.locator("h1").inner_text() == "定时任务"
