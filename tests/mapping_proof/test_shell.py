"""What the desk, the alarms and 接口调试 are told."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from insurance.exchange.debugging.registry import form_of
from insurance.mapping.delivery.shell import look_late, look_refused, look_turned_down, uploads_panel
from insurance.mapping.models import Mapping
from insurance.mapping.proof.shell import look_failed
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.tasks.models import Task
from portal.tasks.services import start
from tests.mapping_delivery.world import World

pytestmark = pytest.mark.django_db


def test_alarms_say_what_waits_for_a_person(full: World, other_institution: Institution) -> None:
    assert look_refused(full.institution) == ("1 条目录对照上传失败，须改正后重新上传", "warning")
    turned_down = look_turned_down(full.institution)
    assert turned_down is not None
    assert turned_down[1] == "danger"
    assert look_late(full.institution) is None
    Mapping.objects.filter(verdict="waiting").update(told_at=timezone.now() - dt.timedelta(days=40))
    late = look_late(full.institution)
    assert late is not None
    assert "1 条" in late[0]
    for look in (look_refused, look_turned_down, look_late, look_failed):
        assert look(other_institution) is None
        assert look(None) is None


def test_a_comparison_that_failed_or_is_old_is_an_alarm(full: World, office: Actor) -> None:
    assert look_failed(full.institution) is None
    task = start(office, kind="mapping.compare")
    Task.objects.filter(pk=task.pk).update(state="failed", message="平台没有回答", ended_at=timezone.now())
    failed = look_failed(full.institution)
    assert failed is not None
    assert "平台没有回答" in failed[0]
    Task.objects.filter(pk=task.pk).update(state="done", ended_at=timezone.now() - dt.timedelta(days=4))
    old = look_failed(full.institution)
    assert old is not None
    assert "4 天没有核对" in old[0]
    Task.objects.filter(pk=task.pk).update(ended_at=timezone.now())
    assert look_failed(full.institution) is None


def test_the_panel_counts_each_stage(full: World, office: Actor) -> None:
    counts = {count.label: count.number for count in uploads_panel(office)["counts"]}
    assert counts == {"上传失败": 1, "结果待查": 1, "局方不通过": 1, "未上传": 1, "待上传": 1, "待局方": 1}


@pytest.mark.parametrize("infno", ["3301", "3302", "3360"])
def test_a_relation_is_not_written_by_hand(infno: str) -> None:
    assert form_of(infno) is not None
