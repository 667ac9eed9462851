"""Everything a person changes about alarms."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed
from portal.system.alarms import DUTIES, clear_alarm
from portal.system.choices import LEVELS, RouteKind
from portal.system.models import AlarmEvent, AlarmRoute
from portal.system.targets import BadTarget, read_syslog, read_webhook
from portal.tasks.models import Task
from portal.tasks.services import start

MANAGE = "system.manage"


class AlarmRefused(Exception):
    """It cannot be done like that now; the message is Chinese."""


def check_address(kind: str, address: str) -> None:
    """Raise AlarmRefused when an address cannot be one of its kind."""
    try:
        read_syslog(address) if kind == RouteKind.SYSLOG else read_webhook(address)
    except BadTarget as error:
        raise AlarmRefused(str(error)) from None


@transaction.atomic
def add_route(
    actor: Actor, *, name: str, kind: str, address: str, level: str, duties: Sequence[str] = ()
) -> AlarmRoute:
    """Make a route. Raises NotAllowed, AlarmRefused."""
    actor.must(MANAGE)
    check_address(kind, address)
    if level not in LEVELS or not set(duties) <= set(DUTIES):
        raise AlarmRefused("级别或职责不在可选范围内，请重新选择。")
    made = AlarmRoute.objects.create(
        institution=actor.institution, name=name.strip(), kind=kind, address=address.strip(), level=level,
        duties=list(duties), made_by=actor.person,
    )  # fmt: skip
    record(actor, "system.route", [made], label=f"新建告警去向 {made.name}（{made.shown_address}）")
    return made


@transaction.atomic
def switch_route(actor: Actor, *, route: AlarmRoute, active: bool) -> None:
    """Switch a route on or off. Raises NotAllowed."""
    actor.must(MANAGE)
    _must_own(actor, route)
    if not AlarmRoute.objects.filter(pk=route.pk, active=not active).update(active=active):
        return
    record(actor, "system.route_switch", [route], label=f"{'启用' if active else '停用'}告警去向 {route.name}")


@transaction.atomic
def test_route(actor: Actor, *, route: AlarmRoute) -> Task:
    """Send one message on a route, by a worker. Raises NotAllowed."""
    actor.must(MANAGE)
    _must_own(actor, route)
    record(actor, "system.route_test", [route], label=f"测试告警去向 {route.name}")
    params = {"route": route.pk, "name": route.name}
    return start(actor, kind="system.alarm_test", params=params, label=f"测试告警去向：{route.name}")


@transaction.atomic
def close_alarm(actor: Actor, *, alarm: AlarmEvent, reason: str) -> None:
    """Say that an alarm was seen to; what is still wrong is raised again. Raises NotAllowed, AlarmRefused."""
    actor.must(MANAGE)
    if alarm.institution_id not in (None, actor.institution.pk):
        raise NotAllowed("这条告警属于其他机构，不能在这里关闭。")
    if not reason.strip():
        raise AlarmRefused("请填写关闭的原因，例如已如何处理。")
    if clear_alarm(alarm.institution, alarm.code) is None:
        raise AlarmRefused("这条告警已经恢复，不用再关闭。")
    record(actor, "system.alarm_clear", [alarm], label=f"关闭告警：{alarm.words}", reason=reason)


def _must_own(actor: Actor, route: AlarmRoute) -> None:
    if route.institution_id != actor.institution.pk:
        raise NotAllowed("这个告警去向属于其他机构，不能在这里修改。")
