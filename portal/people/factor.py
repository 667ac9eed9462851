"""The second factor: a code of six digits from an app on the person's own phone (TOTP, RFC 6238). Works offline.

Who must have one: everybody where FACTOR is `required`. Who gives a code at each login: 三员, who may approve, and who
may ask for uncovered data; the others once a shift (FACTOR_SHIFT_HOURS) at one computer. Where FACTOR is `optional`
only those are asked who have set one up.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

import pyotp
import segno
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.people import logins
from portal.people.actor import Actor, NotAllowed
from portal.people.audited import record
from portal.people.models import LoginSession, Person, RecoveryCode, SecondFactor
from portal.people.roles import ROLES, THREE_OFFICERS, Role
from portal.privacy.keys import digest

STEP_SECONDS = 30
STEPS_ASIDE = 1  # a phone's clock may be this many steps off
DIGITS = 6
RECOVERY_CODES = 10
# Without 0 O 1 l I; ten of them are some 49 bits behind a throttled login.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class WrongCode(Exception):
    """The code is not the phone's. The message is Chinese."""


def has_factor(person: Person) -> bool:
    """Say whether the person has set up a second factor."""
    return SecondFactor.objects.filter(person=person, confirmed_at__isnull=False).exists()


def strict(person: Person) -> bool:
    """Say whether a role of the person, own or taken over for leave, asks for a code at each login."""
    codes = {member.role for member in person.all_memberships}
    codes |= {code for one in person.deputyships for code in one.roles}
    return any(_strict_role(ROLES[code]) for code in codes if code in ROLES)


def missing(person: Person) -> bool:
    """Say whether the person must set up a second factor before anything else."""
    return settings.FACTOR == "required" and bool(person.all_memberships) and not has_factor(person)


def wanted(person: Person, ip: str) -> bool:
    """Say whether a code must be given to log in or to unlock now, from this address."""
    if not has_factor(person):
        return False
    if strict(person):
        return True
    since = timezone.now() - timedelta(hours=settings.FACTOR_SHIFT_HOURS)
    return not LoginSession.objects.filter(person=person, ip=ip or None, factor_at__gte=since).exists()


def check(person: Person, code: str) -> bool:
    """Take a code of the phone or a recovery code; each counts once, also when two come at the same moment."""
    plain = "".join(code.split()).lower()
    if plain.isdecimal() and plain.isascii() and len(plain) == DIGITS:
        return _check_step(person, plain)
    return _check_recovery(person, plain.replace("-", ""))


@transaction.atomic
def begin(person: Person) -> SecondFactor:
    """Return the person's factor that waits for its first code, made new when there is none. Raises NotAllowed."""
    found, _ = SecondFactor.objects.select_for_update().get_or_create(
        person=person, defaults={"secret": pyotp.random_base32()}
    )
    if found.confirmed_at:
        raise NotAllowed("您已启用动态验证码。换手机请先由安全管理员重置。")
    return found


def picture(factor: SecondFactor) -> str:
    """Return the QR picture that an authenticator app reads, as a data: address of an SVG."""
    issuer = f"医保平台{settings.ENVIRONMENT}" if settings.ENVIRONMENT != "正式" else "医保平台"
    address = pyotp.TOTP(factor.secret).provisioning_uri(name=factor.person.username, issuer_name=issuer)
    return segno.make(address, error="m").svg_data_uri(scale=4, border=2)


@transaction.atomic
def confirm(actor: Actor, *, person: Person, code: str) -> list[str]:
    """Switch the factor on after the phone showed a right code; return the recovery codes, shown this once.

    Raises NotAllowed for somebody else's, WrongCode for a wrong code.
    """
    if actor.person != person:
        raise NotAllowed("动态验证码只能由本人启用。")
    factor = begin(person)
    if not _check_step(person, "".join(code.split())):
        raise WrongCode("验证码不正确：请输入手机上正在显示的 6 位数字，并核对手机时间是否准确。")
    SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=timezone.now())
    codes = _new_recovery_codes(person)
    record(actor, "people.factor_on", [person], label="启用动态验证码")
    return codes


@transaction.atomic
def renew_recovery(actor: Actor, *, person: Person) -> list[str]:
    """Replace the person's own recovery codes; return the new ones, shown this once. Raises NotAllowed."""
    if actor.person != person or not has_factor(person):
        raise NotAllowed("恢复码只能由已启用动态验证码的本人更换。")
    codes = _new_recovery_codes(person)
    record(actor, "people.recovery_codes", [person], label="更换恢复码")
    return codes


@transaction.atomic
def reset(actor: Actor, *, person: Person, reason: str = "") -> None:
    """Forget the person's factor, because the phone is lost; a new one is set up at the next login."""
    actor.must("people.grant")
    if person == actor.person:
        raise NotAllowed("不能重置自己的动态验证码，请由另一位安全管理员操作。")
    places = {member.institution_id for member in person.all_memberships}
    if actor.person is not None and actor.institution.pk not in places:
        raise NotAllowed("此人员不属于当前机构，不能在这里修改。")
    SecondFactor.objects.filter(person=person).delete()
    RecoveryCode.objects.filter(person=person).delete()
    logins.end_others(person, None, "动态验证码被重置")
    record(actor, "people.factor_off", [person], label=f"重置 {person.username} 的动态验证码", reason=reason)


def recovery_left(person: Person) -> int:
    """Return how many recovery codes are still good."""
    return RecoveryCode.objects.filter(person=person, used_at=None).count()


def _strict_role(role: Role) -> bool:
    approves = any(action.endswith(".approve") for action in role.actions)
    return role.code in THREE_OFFICERS or approves or role.grants("privacy.request")


def _check_step(person: Person, code: str) -> bool:
    """Compare with the steps around now; the step taken and all before it are used up by one guarded statement."""
    factor = SecondFactor.objects.filter(person=person).first()
    if factor is None:
        return False
    now = int(timezone.now().timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(factor.secret)
    for step in range(now - STEPS_ASIDE, now + STEPS_ASIDE + 1):
        if secrets.compare_digest(totp.generate_otp(step), code):
            return SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step) == 1
    return False


def _check_recovery(person: Person, code: str) -> bool:
    unused = RecoveryCode.objects.filter(person=person, code_digest=_digest(person, code), used_at=None)
    return unused.update(used_at=timezone.now()) == 1


def _new_recovery_codes(person: Person) -> list[str]:
    codes = ["".join(secrets.choice(LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(person=person).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(person=person, code_digest=_digest(person, code)) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _digest(person: Person, code: str) -> str:
    return digest(f"recovery:{person.pk}:{code}")
