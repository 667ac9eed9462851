"""Institutions, the persons who work in them, and what each may do there."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property

from portal.people.kept import Draft, FormKey, LoginSession, RecoveryCode, SecondFactor, UsedPassword
from portal.people.roles import ROLE_CHOICES, ROLES

__all__ = [
    "Draft",
    "FormKey",
    "Institution",
    "LoginSession",
    "Membership",
    "Person",
    "RecoveryCode",
    "SecondFactor",
    "Throttle",
    "UsedPassword",
    "Workplace",
]
from portal.people.standing import Deputyship, deputyships_of


class InstitutionManager(models.Manager["Institution"]):
    """Finds institutions; makes the installation's first one."""

    def first_one(self) -> Institution:
        """Return the institution that the settings name (INSTITUTION_CODE …), made when it is not there yet."""
        found, _ = self.get_or_create(
            fixmedins_code=settings.INSTITUTION_CODE,
            defaults={"fixmedins_name": settings.INSTITUTION_NAME, "admdvs": settings.INSTITUTION_ADMDVS},
        )
        return found


class Institution(models.Model):
    """A hospital or branch (院区) with its own platform code; the scope of all institution data."""

    fixmedins_code = models.CharField("定点医药机构编号", max_length=12, unique=True)
    fixmedins_name = models.CharField("定点医药机构名称", max_length=200)
    admdvs = models.CharField("医保区划", max_length=6, help_text="mdtrtarea_admvs，阳江 441700")

    objects: ClassVar[InstitutionManager] = InstitutionManager()

    class Meta:
        verbose_name = verbose_name_plural = "机构"

    def __str__(self) -> str:
        return self.fixmedins_name


class PersonManager(BaseUserManager["Person"]):
    """Finds persons by their login name."""

    def create_user(self, username: str, password: str | None = None, **fields: object) -> Person:
        """Create a person who can log in with `username` and `password`."""
        person: Person = self.model(username=username, **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person


class Person(AbstractBaseUser):
    """Someone who logs in. Rights come from memberships only; there is no superuser.

    `password_at` is when the password was set: its age, and how long an initial one may wait. `enabled_at` is when the
    account was last switched on: long silence is counted from then.
    """

    username = models.CharField("登录名", max_length=50, unique=True)
    name = models.CharField("姓名", max_length=50)
    is_active = models.BooleanField("启用", default=True)
    must_change_password = models.BooleanField("下次登录须改密码", default=True)
    password_at = models.DateTimeField("密码设置时间", default=timezone.now)
    enabled_at = models.DateTimeField("启用时间", default=timezone.now)
    current_institution = models.ForeignKey(
        Institution, verbose_name="当前机构", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        verbose_name = verbose_name_plural = "人员"
        ordering = ("username",)

    def __str__(self) -> str:
        return self.name

    def may(self, action: str, institution: Institution | None) -> bool:
        """Say whether this person may take `action` (`room.verb`) in `institution`; nobody may anything in None."""
        return self.may_self(action, institution) or bool(self.deputising(action, institution))

    def may_self(self, action: str, institution: Institution | None) -> bool:
        """Say whether a role of this person's own allows `action`."""
        if institution is None or not self.is_active:
            return False
        return any(ROLES[m.role].grants(action) for m in self.memberships_at(institution) if m.role in ROLES)

    def deputising(self, action: str, institution: Institution | None) -> list[Person]:
        """Return the absent persons whose roles allow `action` while this person stands in for them (代办)."""
        if institution is None or not self.is_active:
            return []
        return [one.absent for one in self.deputyships if one.grants(action, institution)]

    def institutions(self) -> models.QuerySet[Institution]:
        """Return the institutions this person works in, by code."""
        return Institution.objects.filter(memberships__person=self).distinct().order_by("fixmedins_code")

    def memberships_at(self, institution: Institution) -> list[Membership]:
        """Return this person's memberships in `institution`, oldest first; read once per instance."""
        return [member for member in self.all_memberships if member.institution_id == institution.pk]

    @cached_property
    def all_memberships(self) -> list[Membership]:
        """All memberships with their institutions, in one query; a service that changes them must `forget` them."""
        return list(self.memberships.select_related("institution").order_by("institution__fixmedins_code", "pk"))

    @cached_property
    def deputyships(self) -> list[Deputyship]:
        """The absent persons this one stands in for today; read once per instance."""
        return deputyships_of(self)

    def forget(self) -> None:
        """Drop what was read about memberships and deputyships, after they changed."""
        for name in ("all_memberships", "deputyships"):
            self.__dict__.pop(name, None)


class Membership(models.Model):
    """One role of one person in one institution, with the operator number that goes into messages."""

    person = models.ForeignKey(Person, verbose_name="人员", on_delete=models.CASCADE, related_name="memberships")
    institution = models.ForeignKey(
        Institution, verbose_name="机构", on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField("角色", max_length=30, choices=ROLE_CHOICES)
    opter = models.CharField("经办人编号", max_length=30, blank=True)
    opter_name = models.CharField("经办人姓名", max_length=50, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "任职"
        constraints = [models.UniqueConstraint(fields=["person", "institution", "role"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.person} {self.get_role_display()}"


class Workplace(models.Model):
    """A registered computer of an institution: its address and network card go into the sign-in (9001 mac, ip)."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="workplaces")
    ip = models.GenericIPAddressField("IP 地址")
    mac = models.CharField("MAC 地址", max_length=20)
    name = models.CharField("位置", max_length=100, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "工作站"
        constraints = [models.UniqueConstraint(fields=["institution", "ip"], name="workplace_once")]

    def __str__(self) -> str:
        return self.name or self.ip


class Throttle(models.Model):
    """Log-in attempts under one key: an account, or an account from one address (never an address alone).

    `key` is a keyed digest, so that what somebody typed as a login name (perhaps a password) is not kept.
    `tokens` is refilled with time as of `refilled_at`; `failures` counts wrong passwords since `first_failure_at`.
    """

    key = models.CharField(max_length=64, unique=True)
    tokens = models.FloatField(default=0)
    refilled_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)
    first_failure_at = models.DateTimeField(null=True)
    locked_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = verbose_name_plural = "登录限制"

    def __str__(self) -> str:
        return f"{self.failures} 次"
