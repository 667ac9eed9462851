"""值班表: who is the second person on which day."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from django.db import transaction

from portal.approvals.errors import ApprovalRefused
from portal.approvals.models import DutyDay
from portal.approvals.registry import duties
from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Membership, Person
from portal.people.roles import describe, roles_with

LONGEST = timedelta(days=366)


def candidates(institution: Institution, duty: str) -> list[Person]:
    """Return who holds the right of a duty there by a role of their own, by name."""
    roles = [role.code for role in roles_with(duty)]
    members = Membership.objects.filter(institution=institution, role__in=roles, person__is_active=True)
    return list(Person.objects.filter(pk__in=members.values("person")).order_by("name", "pk"))


def may_plan(actor: Actor, duty: str) -> bool:
    """Say whether the actor may write the roster of a duty: who holds the right itself, or the security officer."""
    return actor.may(duty) or actor.may("security.manage")


@transaction.atomic
def plan(actor: Actor, *, duty: str, days: Mapping[date, Person | None]) -> int:
    """Set who is on duty on each of `days` (None: nobody) and return how many days changed.

    Raises NotAllowed, ApprovalRefused (unknown duty, a person without the right).
    """
    if duty not in duties():
        raise ApprovalRefused("没有保存：没有这种值班事项。请刷新页面后重试。")
    if not may_plan(actor, duty):
        raise NotAllowed(duty)
    actor.must(duty if actor.may(duty) else "security.manage")
    able = {one.pk for one in candidates(actor.institution, duty)}
    wrong = [one.name for one in days.values() if one is not None and one.pk not in able]
    if wrong:
        raise ApprovalRefused(f"没有保存：{wrong[0]} 没有{describe(duty)}的权限，不能排入值班。")
    # one writer of an institution's roster at a time, so that two months saved at once do not mix
    Institution.objects.select_for_update().get(pk=actor.institution.pk)
    changed = _write(actor.institution, duty, days)
    if changed:
        words = f"值班表{describe(duty)}：{min(changed)} 至 {max(changed)} 共改 {len(changed)} 天"
        record(actor, "approvals.roster", [], label=words, duty=duty, days=[str(day) for day in sorted(changed)])
    return len(changed)


def spread(start: date, stop: date, weekdays: Collection[int]) -> list[date]:
    """Return the days from `start` to `stop` that fall on `weekdays` (0 Monday … 6 Sunday). Raises ApprovalRefused."""
    if stop < start or stop - start > LONGEST:
        raise ApprovalRefused("没有保存：请填写开始和结束日期，结束不早于开始，最长一年。")
    days = [start + timedelta(days=step) for step in range((stop - start).days + 1)]
    found = [day for day in days if day.weekday() in weekdays]
    if not found:
        raise ApprovalRefused("没有保存：所选日期内没有勾选的星期。")
    return found


def _write(institution: Institution, duty: str, days: Mapping[date, Person | None]) -> list[date]:
    rows = DutyDay.objects.filter(institution=institution, duty=duty, day__in=list(days))
    known = {row.day: row.person_id for row in rows}
    changed = [day for day, person in days.items() if known.get(day) != (person.pk if person else None)]
    rows.filter(day__in=changed).delete()
    made = [DutyDay(institution=institution, duty=duty, day=d, person=p) for d in changed if (p := days[d]) is not None]
    DutyDay.objects.bulk_create(made)
    return changed
