"""The bell: ended tasks ring once, for those who asked, where they asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.tasks import notices
from portal.tasks.choices import TaskState
from portal.tasks.models import Notice, Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def ended(institution: Institution) -> Callable[..., Task]:
    def make(state: TaskState, by: Person | None, message: str = "") -> Task:
        return Task.objects.create(
            institution=institution, kind="a", label="科室核对", state=state, requested_by=by, message=message,
            ended_at=timezone.now(),
        )  # fmt: skip

    return make


def test_ended_task_rings_once_for_who_asked(
    member: Person, institution: Institution, ended: Callable[..., Task]
) -> None:
    task = ended(TaskState.FAILED, member, "平台没有答复")
    ended(TaskState.DONE, None)
    notices.tell_ended()
    notices.tell_ended()
    rings = list(notices.notices_of(Actor.of(member, institution)))
    assert [ring.text for ring in rings] == ["「科室核对」失败：平台没有答复"]
    assert rings[0].url == task.get_absolute_url()
    assert not Task.objects.filter(told=False).exists()


def test_running_task_does_not_ring(member: Person, institution: Institution) -> None:
    Task.objects.create(institution=institution, kind="a", label="x", state=TaskState.RUNNING, requested_by=member)
    notices.tell_ended()
    assert not Notice.objects.exists()


def test_bell_counts_until_the_page_was_looked_at(client: Client, member: Person, ended: Callable[..., Task]) -> None:
    client.force_login(member)
    ended(TaskState.DONE, member)
    ended(TaskState.CANCELLED, member)
    notices.tell_ended()
    assert '<span class="bell-count">2</span>' in client.get("/tasks/notices/bell/").content.decode()
    page = client.get("/tasks/notices/").content.decode()
    assert page.count("「科室核对」") >= 2
    assert "bell-count" not in client.get("/tasks/notices/bell/").content.decode()


def test_others_hear_nothing(
    client: Client, outsider: Person, member: Person, stranger: Person, ended: Callable[..., Task]
) -> None:
    ended(TaskState.DONE, member)
    notices.tell_ended()
    client.force_login(outsider)
    assert "「科室核对」" not in client.get("/tasks/notices/").content.decode()
    client.force_login(stranger)
    assert client.get("/tasks/notices/").status_code == 403


def test_person_of_two_hospitals_hears_each_where_it_belongs(
    member: Person, institution: Institution, other_institution: Institution, ended: Callable[..., Task]
) -> None:
    ended(TaskState.DONE, member)
    notices.tell_ended()
    notices.tell([member], "全院通知", institution_id=None)
    there = notices.notices_of(Actor(institution=other_institution, person=member))
    assert [ring.text for ring in there] == ["全院通知"]
