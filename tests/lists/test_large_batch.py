"""Batches too large for one request: a task, in pieces, each exactly once, with what was left out and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from portal.lists import batch, batch_work
from portal.lists.models import BatchWork
from portal.people.actor import Actor
from portal.people.models import Institution, Membership, Person
from portal.tasks import services as tasks
from portal.tasks.choices import TaskState
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from tests.lists.room import Again
from tests.lists.test_batch import again, messages, posted, text

URL = "/room/again/"
KIND = "lists.batch"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST_AT_ONCE", 10)
    monkeypatch.setattr(batch_work, "PIECE", 4)


def everything(office: Client, count: int, query: str = "tab=all") -> Any:
    return office.post(URL, {"all": "1", "count": str(count), "query": query})


def the_task() -> Task:
    return Task.objects.get(kind=KIND)


def attempts() -> list[int]:
    return sorted(Task.objects.exclude(kind=KIND).values_list("attempt", flat=True))


def test_large_batch_becomes_one_task_however_often_pressed(office: Client, records: Callable[..., list[Task]]) -> None:
    records(25, state="failed")
    panel = everything(office, 25)
    assert "在后台分批重做" in text(panel)
    assert messages(again(office, panel)) == ["已开始在后台重做 25 条，分批进行；可在任务中心查看进度或取消。"]
    second = messages(again(office, panel))
    assert second[0].startswith("这次重做之前已经执行过，没有重复执行。")
    assert attempts() == [0] * 25  # nothing in the request
    run_task(the_task().pk)
    assert attempts() == [1] * 25
    run_task(the_task().pk)  # a second bell for the same task
    assert attempts() == [1] * 25
    task = the_task()
    assert (task.state, task.result, task.done, task.total) == (TaskState.DONE, {"已处理": 25, "未处理": 0}, 25, 25)


def test_small_batch_stays_in_the_request(office: Client, records: Callable[..., list[Task]]) -> None:
    records(10, state="failed")
    assert messages(again(office, everything(office, 10))) == ["已重做 10 条。"]
    assert not Task.objects.filter(kind=KIND).exists()


def test_what_changed_meanwhile_is_left_out_with_its_reason(
    office: Client, records: Callable[..., list[Task]], other_institution: Institution
) -> None:
    records(30)  # 15 failed, 15 done: these are left out in the panel already
    again(office, everything(office, 30))
    waiting = list(Task.objects.filter(state="failed").exclude(kind=KIND).order_by("pk"))
    Task.objects.filter(pk=waiting[0].pk).update(state=TaskState.DONE)
    Task.objects.filter(pk=waiting[1].pk).update(institution=other_institution)
    run_task(the_task().pk)
    task = the_task()
    assert task.result == {"已处理": 13, "未处理": 17}
    assert attempts() == [0] * 17 + [1] * 13
    page = text(office.get(task.result_url))
    assert "只有失败的记录可以重做" in page
    assert "已不存在，或不再属于您的机构" in page
    assert "30 条" in page
    lines = list(task.lines.values_list("text", flat=True))
    assert "未处理 16 条：只有失败的记录可以重做" in lines


def test_a_run_that_dies_goes_on_where_it_was(
    office: Client, records: Callable[..., list[Task]], monkeypatch: pytest.MonkeyPatch
) -> None:
    records(20, state="failed")
    again(office, everything(office, 20))
    calls: list[int] = []
    whole = Again.carry_out

    def breaks(self: Again, actor: Actor, rows: list[Task], form: Any) -> Any:
        calls.append(len(rows))
        result = whole(self, actor, rows, form)
        if len(calls) == 3:
            raise RuntimeError("as a killed worker would, after the work and before the commit")
        return result

    monkeypatch.setattr(Again, "carry_out", breaks)
    run_task(the_task().pk)
    task = the_task()
    assert task.state == TaskState.FAILED
    assert attempts() == [0] * 12 + [1] * 8
    repeated = tasks.repeat(Actor.of(task.requested_by, task.institution), task=task)
    run_task(repeated.pk)
    assert attempts() == [1] * 20
    repeated.refresh_from_db()
    assert repeated.result == {"已处理": 20, "未处理": 0}


def test_cancel_stops_between_pieces_and_says_how_far(
    office: Client, records: Callable[..., list[Task]], monkeypatch: pytest.MonkeyPatch, member: Person
) -> None:
    records(20, state="failed")
    again(office, everything(office, 20))
    task, whole = the_task(), Again.carry_out

    def asked(self: Again, actor: Actor, rows: list[Task], form: Any) -> Any:
        run.append(1)
        return whole(self, actor, rows, form)

    run: list[int] = []
    monkeypatch.setattr(Again, "carry_out", asked)
    monkeypatch.setattr("portal.tasks.run.Run.check", lambda self: _cancelled() if len(run) == 2 else None)
    run_task(task.pk)
    task.refresh_from_db()
    assert task.state == TaskState.CANCELLED
    assert attempts() == [0] * 12 + [1] * 8
    assert "已取消：处理了 8 条，还有 12 条没有处理。" in list(task.lines.values_list("text", flat=True))
    assert "12 条（正在进行" in text(office.get(str(task.params["url"])))


def _cancelled() -> None:
    from portal.tasks.run import Cancelled

    raise Cancelled


def test_a_right_taken_away_meanwhile_stops_it(
    office: Client, records: Callable[..., list[Task]], member: Person
) -> None:
    records(20, state="failed")
    again(office, everything(office, 20))
    Membership.objects.filter(person=member).delete()
    run_task(the_task().pk)
    assert the_task().state == TaskState.FAILED
    assert attempts() == [0] * 20


def test_form_travels_encrypted_and_whole(office: Client, records: Callable[..., list[Task]]) -> None:
    records(12, state="failed")
    again(office, everything(office, 12), reason="核对后 重做")
    work = BatchWork.objects.get()
    page = batch_work.open_batch(work, Actor.of(work.person, work.institution))
    form = page.bound_form()
    assert form is not None
    assert form.cleaned_data == {"reason": "核对后 重做"}
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT form FROM lists_batchwork")
        assert "reason" not in cursor.fetchone()[0]


def test_outcome_is_not_for_others(
    office: Client, records: Callable[..., list[Task]], client: Client, outsider: Person, stranger: Person
) -> None:
    records(12, state="failed")
    again(office, everything(office, 12))
    url = str(the_task().params["url"])
    client.force_login(outsider)
    assert client.get(url).status_code == 302
    client.force_login(stranger)
    assert client.get(url).status_code == 403


def test_panel_of_a_changed_number_starts_nothing(office: Client, records: Callable[..., list[Task]]) -> None:
    records(15, state="failed")
    panel = everything(office, 15)
    records(1, state="failed", start=50)
    assert "已由 15 条变为 16 条" in messages(again(office, panel))[0]
    assert not Task.objects.filter(kind=KIND).exists()
    assert posted(panel)["count"] == ["15"]
