"""代办: who stands in for an absent person, from day to day, and what that gives and never gives.

A deputy gets the roles of the absent person (all or some) at one institution. Own roles always come first: an act is
done as a deputy only where no role of one's own allows it, and then the name under it says so: 张三（代 李四）.
Deputyships do not chain, and never join two of 系统/安全/审计管理员 in one person (三员分立).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.utils import timezone

from portal.people.roles import ROLES, THREE_OFFICERS
from portal.people.scope import ScopedQuerySet

if TYPE_CHECKING:
    from portal.people.models import Institution, Person


class Delegation(models.Model):
    """One leave: `deputy` stands in for `absent` at an institution from the first to the last day (Asia/Shanghai).

    `roles` lists the codes handed over, empty for all the absent person has. It ends by itself, or at `ended_at`.
    """

    institution = models.ForeignKey(
        "people.Institution", verbose_name="机构", on_delete=models.PROTECT, related_name="+"
    )
    absent = models.ForeignKey(
        "people.Person", verbose_name="请假人", on_delete=models.PROTECT, related_name="delegations_given"
    )
    deputy = models.ForeignKey(
        "people.Person", verbose_name="代办人", on_delete=models.PROTECT, related_name="delegations_taken"
    )
    roles = models.JSONField("代办角色", default=list)
    starts_on = models.DateField("开始日期")
    ends_on = models.DateField("结束日期")
    reason = models.CharField("原因", max_length=200)
    made_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField("登记时间", auto_now_add=True)
    ended_at = models.DateTimeField("提前结束", null=True)
    ended_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")

    objects: ClassVar[Any] = ScopedQuerySet["Delegation"].as_manager()

    class Meta:
        app_label = "people"
        verbose_name = verbose_name_plural = "代办"
        indexes = [models.Index(fields=["deputy", "ends_on"], name="delegation_of_deputy")]
        constraints = [
            models.CheckConstraint(condition=~models.Q(absent=models.F("deputy")), name="delegation_two_persons"),
            models.CheckConstraint(condition=models.Q(ends_on__gte=models.F("starts_on")), name="delegation_days"),
        ]

    def __str__(self) -> str:
        return f"{self.deputy}（代 {self.absent}）"

    @property
    def phase(self) -> str:
        """ended, coming, running or over."""
        today = timezone.localdate()
        if self.ended_at is not None:
            return "ended"
        if self.starts_on > today:
            return "coming"
        return "running" if self.ends_on >= today else "over"

    @property
    def phase_words(self) -> str:
        """The phase as shown."""
        return {"ended": "已提前结束", "coming": "未开始", "running": "代办中", "over": "已到期"}[self.phase]

    @property
    def role_words(self) -> str:
        """The roles handed over, by label."""
        return "、".join(ROLES[code].label for code in self.roles if code in ROLES) or "全部角色"


@dataclass(frozen=True)
class Deputyship:
    """One running deputyship of a person: for whom, where, and which roles it gives now."""

    absent: Person
    institution_id: int
    roles: frozenset[str]
    ends_on: Any

    def grants(self, action: str, institution: Institution) -> bool:
        """Say whether it lets the deputy take `action` there."""
        return institution.pk == self.institution_id and any(ROLES[code].grants(action) for code in self.roles)


def running() -> models.Q:
    """Return which delegations hold today; a stopped account hands nothing over."""
    today = timezone.localdate()
    return models.Q(ended_at=None, starts_on__lte=today, ends_on__gte=today, absent__is_active=True)


def deputyships_of(person: Person) -> list[Deputyship]:
    """Return the running deputyships of a person: one query for who has none, two for who has some.

    The roles are those the absent person has **now**; what 三员分立 forbids is left out whatever was written down.
    """
    rows = list(Delegation.objects.filter(running(), deputy=person).select_related("absent").order_by("pk"))
    if not rows:
        return []
    own = {member.role for member in person.all_memberships} & THREE_OFFICERS
    models.prefetch_related_objects([row.absent for row in rows], "memberships")
    found: list[Deputyship] = []
    for row in rows:
        roles = _roles_given(row, own)
        # the first officer's role that comes shuts out the other two
        own = own | (roles & THREE_OFFICERS)
        found.append(Deputyship(row.absent, row.institution_id, roles, row.ends_on))
    return found


def _roles_given(row: Delegation, officer: set[str]) -> frozenset[str]:
    has = {m.role for m in row.absent.memberships.all() if m.institution_id == row.institution_id and m.role in ROLES}
    given = has & set(row.roles) if row.roles else has
    held = {m.role for m in row.absent.memberships.all()} & THREE_OFFICERS
    if officer and held - officer:
        return frozenset()
    return frozenset(given)
