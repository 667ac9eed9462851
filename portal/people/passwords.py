"""Rules for passwords: length, kinds of characters, not one of the last; and how long one may be used (等保三级)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from portal.people.models import Person, UsedPassword

KINDS = 3
KEPT = 5


class LengthValidator:
    """At least so many characters."""

    def __init__(self, min_length: int = 10) -> None:
        self.min_length = min_length

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for a shorter one."""
        if len(password) < self.min_length:
            raise ValidationError(self.get_help_text(), code="password_too_short")

    def get_help_text(self) -> str:
        """Return the rule in one sentence."""
        return f"密码至少 {self.min_length} 位，请加长。"


class KindsValidator:
    """At least three of the four kinds: capitals, small letters, digits, other characters."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for one made of fewer kinds."""
        if kinds_of(password) < KINDS:
            raise ValidationError(self.get_help_text(), code="password_too_plain")

    def get_help_text(self) -> str:
        """Return the rule in one sentence."""
        return f"密码须含大写字母、小写字母、数字、符号中的至少 {KINDS} 种，请补上。"


class NotUsedValidator:
    """Not one of the person's last five, the present one included."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for one that was used before."""
        if not isinstance(user, Person) or user.pk is None:
            return
        hashes = {user.password, *user.used_passwords.order_by("-id").values_list("password", flat=True)[:KEPT]}
        if any(check_password(password, one) for one in hashes):
            raise ValidationError(self.get_help_text(), code="password_used")

    def get_help_text(self) -> str:
        """Return the rule in one sentence."""
        return f"不能使用最近 {KEPT} 次用过的密码，请换一个。"


def kinds_of(password: str) -> int:
    """Return of how many kinds of characters a password is made."""
    kinds = (str.isupper, str.islower, str.isdecimal, lambda one: not one.isalnum())
    return sum(any(kind(one) for one in password) for kind in kinds)


def outdated(person: Person) -> bool:
    """Say whether the password is older than PASSWORD_AGE_DAYS and must be changed before anything else."""
    days = settings.PASSWORD_AGE_DAYS
    return bool(days) and person.password_at < timezone.now() - timedelta(days=days)


def keep(person: Person, password: str, *, must_change: bool) -> None:
    """Set and save a password that was checked against the rules, and remember it among the used ones."""
    person.set_password(password)
    person.must_change_password, person.password_at = must_change, timezone.now()
    person.save()
    UsedPassword.objects.create(person=person, password=person.password)
    old = UsedPassword.objects.filter(person=person).order_by("-id").values_list("pk", flat=True)[KEPT:]
    UsedPassword.objects.filter(pk__in=list(old)).delete()


def valid_until(person: Person) -> datetime | None:
    """Return until when the password may be used, None without an age."""
    days = settings.PASSWORD_AGE_DAYS
    return person.password_at + timedelta(days=days) if days else None
