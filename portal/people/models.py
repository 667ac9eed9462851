"""Institutions, the persons who work in them, and what each may do there."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from portal.people.roles import ROLE_CHOICES, ROLES


class Institution(models.Model):
    """A hospital or branch (院区) with its own platform code; the scope of all institution data."""

    fixmedins_code = models.CharField("定点医药机构编号", max_length=12, unique=True)
    fixmedins_name = models.CharField("定点医药机构名称", max_length=200)
    admdvs = models.CharField("医保区划", max_length=6, help_text="mdtrtarea_admvs，阳江 441700")

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
    """Someone who logs in. Rights come from memberships only; there is no superuser."""

    username = models.CharField("登录名", max_length=50, unique=True)
    name = models.CharField("姓名", max_length=50)
    is_active = models.BooleanField("启用", default=True)
    must_change_password = models.BooleanField("下次登录须改密码", default=True)
    current_institution = models.ForeignKey(
        Institution, verbose_name="当前机构", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        verbose_name = verbose_name_plural = "人员"

    def __str__(self) -> str:
        return self.name

    def may(self, action: str, institution: Institution | None) -> bool:
        """Say whether this person may take `action` (`room.verb`) in `institution`; nobody may anything in None."""
        if institution is None or not self.is_active:
            return False
        return any(ROLES[code].grants(action) for code in self._roles_at(institution) if code in ROLES)

    def institutions(self) -> models.QuerySet[Institution]:
        """Return the institutions this person works in, by code."""
        return Institution.objects.filter(memberships__person=self).distinct().order_by("fixmedins_code")

    def _roles_at(self, institution: Institution) -> list[str]:
        kept: dict[int, list[str]] = self.__dict__.setdefault("_role_cache", {})
        if institution.pk not in kept:
            kept[institution.pk] = list(
                self.memberships.filter(institution=institution).values_list("role", flat=True)
            )
        return kept[institution.pk]


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
