"""Making and ending 代办 (portal.people.standing)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from portal.approvals.errors import ApprovalRefused
from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Membership, Person
from portal.people.roles import ROLES, THREE_OFFICERS
from portal.people.standing import Delegation

LONGEST = timedelta(days=180)


@transaction.atomic
def delegate(
    actor: Actor,
    *,
    absent: Person,
    deputy: Person,
    roles: Sequence[str],
    starts_on: date,
    ends_on: date,
    reason: str,
) -> Delegation:
    """Let `deputy` stand in for `absent` where the actor is; `roles` empty hands over all of them.

    By the absent person, or by the security officer. Raises NotAllowed, ApprovalRefused.
    """
    _must_manage(actor, absent)
    if actor.person is not None and actor.person.pk == deputy.pk:
        raise NotAllowed("不能把别人的工作登记给自己代办，请由请假人本人或另一位安全管理员登记。")
    # the person's row is held, so that two delegations to one deputy see each other
    Person.objects.select_for_update().get(pk=deputy.pk)
    _check_days(starts_on, ends_on)
    _check_persons(actor.institution, absent, deputy, roles)
    _check_officers(actor.institution, absent, deputy, roles, starts_on, ends_on)
    if len(reason.strip()) < 2:
        raise ApprovalRefused("没有登记：请填写原因（如年休假、外出培训）。")
    made: Delegation = Delegation.objects.create(
        institution=actor.institution,
        absent=absent,
        deputy=deputy,
        roles=list(roles),
        starts_on=starts_on,
        ends_on=ends_on,
        reason=reason.strip()[:200],
        made_by=actor.person,
    )
    deputy.forget()
    words = f"{deputy} 代 {absent}：{starts_on} 至 {ends_on}，{made.role_words}"
    record(actor, "people.delegate", [absent, deputy, made], label=words, reason=reason, roles=list(roles))
    return made


@transaction.atomic
def end_delegation(actor: Actor, *, delegation: Delegation, reason: str = "") -> None:
    """End it now: the absent person, the deputy or the security officer. Raises NotAllowed, ApprovalRefused."""
    locked = Delegation.objects.select_for_update(of=("self",)).select_related("absent", "deputy").get(pk=delegation.pk)
    if locked.institution_id != actor.institution.pk:
        raise NotAllowed("这项代办属于另一机构。")
    if actor.person is None or actor.person.pk != locked.deputy_id:
        _must_manage(actor, locked.absent)
    if locked.phase not in ("coming", "running"):
        raise ApprovalRefused(f"这项代办{locked.phase_words}，不用再结束。")
    locked.ended_at, locked.ended_by = timezone.now(), actor.person
    locked.save(update_fields=["ended_at", "ended_by"])
    locked.deputy.forget()
    label = f"提前结束代办：{locked.deputy} 代 {locked.absent}"
    record(actor, "people.delegate_end", [locked.absent, locked.deputy, locked], label=label, reason=reason)


def roles_at(person: Person, institution: Institution) -> list[str]:
    """Return the codes of a person's own roles in an institution, in the order they were given."""
    return list(
        Membership.objects.filter(person=person, institution=institution, role__in=ROLES)
        .order_by("pk")
        .values_list("role", flat=True)
    )


def _must_manage(actor: Actor, absent: Person) -> None:
    """One's own leave, or everybody's for the security officer."""
    if actor.person is not None and actor.person.pk == absent.pk:
        actor.must("approvals.view")
        return
    actor.must("security.manage")


def _check_days(starts_on: date, ends_on: date) -> None:
    today = timezone.localdate()
    if ends_on < starts_on:
        raise ApprovalRefused("没有登记：结束日期早于开始日期，请对调。")
    if ends_on < today:
        raise ApprovalRefused("没有登记：结束日期已过去，请填写今天或以后的日期。")
    if ends_on - starts_on > LONGEST:
        raise ApprovalRefused(f"没有登记：代办最长 {LONGEST.days} 天。更久请由安全管理员直接授予角色。")


def _check_persons(institution: Institution, absent: Person, deputy: Person, roles: Sequence[str]) -> None:
    if absent.pk == deputy.pk:
        raise ApprovalRefused("没有登记：不能由本人代办自己的工作，请选择另一人。")
    has = roles_at(absent, institution)
    if not deputy.is_active or not roles_at(deputy, institution):
        raise ApprovalRefused("没有登记：代办人须是本机构在用的人员。请先由系统管理员启用或由安全管理员授予角色。")
    if not has or any(code not in has for code in roles):
        raise ApprovalRefused("没有登记：请假人在本机构没有所选的角色。请刷新页面后重新选择。")


def _check_officers(
    institution: Institution, absent: Person, deputy: Person, roles: Sequence[str], starts_on: date, ends_on: date
) -> None:
    """三员分立 (等保三级): nobody holds or stands in for two of 系统, 安全 and 审计管理员."""
    given = set(_officer_roles(absent))
    if not given:
        return
    held = set(_officer_roles(deputy))
    overlapping = Delegation.objects.filter(
        deputy=deputy, ended_at=None, starts_on__lte=ends_on, ends_on__gte=starts_on
    ).exclude(absent=absent)
    for other in overlapping.select_related("absent"):
        held |= set(_officer_roles(other.absent))
    if held - given or len(given) > 1:
        raise ApprovalRefused(
            "没有登记：系统、安全、审计管理员三员分立，不能互相代办，也不能由一人同时代办两员。请另选代办人。"
        )


def _officer_roles(person: Person) -> list[str]:
    return list(person.memberships.filter(role__in=THREE_OFFICERS).values_list("role", flat=True))
