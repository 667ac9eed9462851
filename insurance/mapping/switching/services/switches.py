"""A change of codes itself: announced, renamed, its table taken, called off."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from insurance.mapping.choices import MappingState, SwitchState
from insurance.mapping.models import CodeSwitch
from insurance.mapping.switching.errors import SwitchingError
from portal.audit.services import record
from portal.people.actor import Actor

CHANGEABLE = (SwitchState.DRAFT, SwitchState.PROPOSED)


@transaction.atomic
def create_switch(actor: Actor, *, name: str, day: dt.date, memo: str = "") -> CodeSwitch:
    """Announce a change of codes for a day from today on. Raises NotAllowed, SwitchingError."""
    actor.must("mapping.import")
    name = _good_name(actor, name)
    _good_day(day)
    assert actor.person is not None
    made: CodeSwitch = CodeSwitch.objects.create(
        institution=actor.institution, name=name, day=day, memo=memo.strip(), made_by=actor.person
    )
    record(actor, "mapping.switch_create", [made], label=f"新建目录切换：{name}（{day}）")
    return made


@transaction.atomic
def change_switch(actor: Actor, *, switch: CodeSwitch, name: str, day: dt.date, memo: str = "") -> CodeSwitch:
    """Rename a change of codes or move its day, while nothing of it was prepared. Raises NotAllowed, SwitchingError."""
    actor.must("mapping.import")
    locked = hold(actor, switch)
    if locked.state != SwitchState.DRAFT:
        raise SwitchingError(
            f"「{locked.name}」已是「{locked.get_state_display()}」，不能修改。需要改期请作废后重新建立。"
        )
    if day != locked.day:
        _good_day(day)
        if locked.mappings.exclude(state=MappingState.CANCELLED).exists():
            raise SwitchingError(f"「{locked.name}」已有准备好的对照，不能改期。请先「整体撤回」，再修改日期。")
    locked.name, locked.day, locked.memo = _good_name(actor, name, locked), day, memo.strip()
    locked.save(update_fields=["name", "day", "memo"])
    record(actor, "mapping.switch_change", [locked], label=f"修改目录切换：{locked.name}（{day}）")
    return locked


def hold(actor: Actor, switch: CodeSwitch) -> CodeSwitch:
    """Return the switch as it is now, held until the transaction ends. Raises SwitchingError for another's."""
    found = CodeSwitch.objects.select_for_update(of=("self",)).filter(pk=switch.pk, institution=actor.institution)
    locked: CodeSwitch | None = found.first()
    if locked is None:
        raise SwitchingError("这项目录切换不属于当前机构。")
    return locked


def _good_name(actor: Actor, name: str, but: CodeSwitch | None = None) -> str:
    name = name.strip()
    if not name:
        raise SwitchingError("请填写切换名称，例如「2026 年 12 月医用耗材编码切换」。")
    same = CodeSwitch.objects.filter(institution=actor.institution, name=name)
    if (same.exclude(pk=but.pk) if but else same).exists():
        raise SwitchingError(f"已有名为「{name}」的目录切换。请打开它，或换一个名称。")
    return name


def _good_day(day: dt.date) -> None:
    today = timezone.localdate()
    if day < today:
        raise SwitchingError(
            f"切换日期 {day} 已过。请填今天（{today}）或以后的日期；以前的更换请在「对码工作台」处理。"
        )
