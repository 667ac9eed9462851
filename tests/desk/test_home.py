"""The 工作台: what each room hands over, alarms, rights."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.desk.registry import Alarm, Count, Notice, Panel, add_alarm, add_panel
from portal.people.models import Institution, Person
from portal.tasks.choices import TaskState
from portal.tasks.models import Heartbeat, Task

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return response.content.decode()


def test_counts_lead_to_their_lists(office: Client, shelf: None) -> None:
    add_panel(
        Panel("测试", lambda actor: {"counts": [Count("待上传", 1234, "/x/?tab=queued", "azure"), Count("失败", 0)]})
    )
    page = text(office.get("/"))
    assert '<a class="count" href="/x/?tab=queued">' in page
    assert '<b class="ink-azure">1,234</b>待上传' in page
    assert '<b class="ink-none">0</b>失败' in page


def test_panel_without_data_or_right_stays_away(office: Client, shelf: None) -> None:
    add_panel(Panel("没有数据", lambda actor: None))
    add_panel(Panel("没有权限", lambda actor: {"counts": []}, action="people.manage"))
    page = text(office.get("/"))
    assert "没有数据" not in page
    assert "没有权限" not in page


def test_failing_panel_does_not_take_the_others_along(
    office: Client, shelf: None, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(actor: object) -> None:
        raise RuntimeError("as a bug would")

    add_panel(Panel("坏的", fails))
    add_panel(Panel("好的", lambda actor: {"counts": [Count("失败", 3)]}))
    with caplog.at_level(logging.ERROR):
        page = text(office.get("/"))
    assert "暂时取不到数据" in page
    assert "好的" in page
    assert "坏的" in caplog.text


def test_tasks_of_the_institution_are_seen_and_no_others(
    office: Client, institution: Institution, other_institution: Institution
) -> None:
    Task.objects.create(institution=institution, kind="a", label="科室核对", state=TaskState.RUNNING, done=3, total=9)
    Task.objects.create(institution=other_institution, kind="a", label="别家的任务", state=TaskState.RUNNING)
    page = text(office.get("/"))
    assert "科室核对" in page
    assert "3 / 9" in page
    assert "别家的任务" not in page


def test_silent_dispatcher_is_said_on_every_page(office: Client) -> None:
    assert "调度进程没有运行" in text(office.get("/"))
    assert "调度进程没有运行" in text(office.get("/directory/"))
    for name in ("dispatcher", "worker:tasks"):
        Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": timezone.now()})
    assert "调度进程没有运行" not in text(office.get("/"))
    assert "后台执行进程没有响应" not in text(office.get("/"))


def test_alarms_of_rooms_are_shown_to_those_who_may(
    office: Client, client: Client, shelf: None, person: Callable[..., Person], institution: Institution
) -> None:
    add_alarm(Alarm("test", lambda actor: Notice("平台暂停", "danger", "/x/", "恢复"), action="exchange.view"))
    page = text(office.get("/"))
    assert "平台暂停" in page
    assert '<a href="/x/">恢复</a>' in page
    client.force_login(person("cashier", institution, "cashier"))
    assert "平台暂停" not in text(client.get("/"))


def test_home_asks_for_login(client: Client) -> None:
    assert client.get("/")["Location"] == "/login/?next=%2F"


def test_recent_tasks_are_ones_own_and_what_failed_of_ones_kinds(
    client: Client, person: Callable[..., Person], institution: Institution
) -> None:
    """The nightly sealing is the audit's news, not everybody's; a colleague's done task is nobody else's."""
    me, other = person("mine", institution, "insurance_office"), person("other", institution, "insurance_office")
    for kind, label, state, who in (
        ("audit.seal", "封存失败的审计", TaskState.FAILED, None),
        ("audit.seal", "封存完成的审计", TaskState.DONE, None),
        ("directory.compare", "夜里核对完成", TaskState.DONE, None),
        ("directory.compare", "夜里核对失败", TaskState.FAILED, None),
        ("directory.compare", "同事核对完成", TaskState.DONE, other),
        ("sheets.export", "本人导出完成", TaskState.DONE, me),
    ):
        Task.objects.create(institution=institution, kind=kind, label=label, state=state, requested_by=who)
    client.force_login(me)
    page = text(client.get("/"))
    assert "本人导出完成" in page
    assert "夜里核对失败" in page
    for hidden in ("封存失败的审计", "封存完成的审计", "夜里核对完成", "同事核对完成"):
        assert hidden not in page
