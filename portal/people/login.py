"""Letting somebody in: throttled, audited, in one place for the login page, the lock, the switch and 就地双签."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.http import HttpRequest
from django.utils import timezone

from portal.people import factor, logins, passwords, throttle
from portal.people.audited import note_own
from portal.people.middleware import client_ip
from portal.people.models import LoginSession, Person

log = logging.getLogger(__name__)

PENDING = "pending"
PENDING_SECONDS = 300


class LoginRefused(Exception):
    """Not let in; the message says why, without telling whether the login name exists."""


class CodeWanted(LoginRefused):
    """The password was right and a code of the phone is still to come."""

    def __init__(self, person: Person) -> None:
        self.person = person
        super().__init__("请输入手机上的动态验证码。")


def log_in(request: HttpRequest, username: str, password: str, code: str = "", how: str = "登录") -> Person:
    """Check password and, where one is wanted, the code; start a fresh session. Raises LoginRefused, CodeWanted."""
    person = prove(username, password, client_ip(request))
    return enter(request, person, code, how)


def enter(request: HttpRequest, person: Person, code: str, how: str = "登录") -> Person:
    """Let in somebody whose password was right. Raises CodeWanted without a code, LoginRefused for a wrong one."""
    ip = client_ip(request)
    given = prove_code(person, code, ip)
    _leave_former(request, person)
    login(request, person)
    if given:
        logins.note_factor(request.login)  # type: ignore[attr-defined]  # the signal has set it
    note_own(person, ip, "people.login", how)
    return person


def prove(username: str, password: str, ip: str) -> Person:
    """Return whose login name and password these are, throttled and audited. Raises LoginRefused."""
    username = username.strip()
    try:
        left = throttle.spend(username, ip)
    except throttle.TooMany as error:
        raise LoginRefused(str(error)) from None
    person = authenticate(None, username=username, password=password)
    if not isinstance(person, Person):
        _note_failure(username, ip, left, throttle.PASSWORD)
        raise LoginRefused(_words(left, "登录名或密码不正确"))
    throttle.clear(username, throttle.PASSWORD)
    _must_be_current(person)
    return person


def prove_code(person: Person, code: str, ip: str, *, always: bool = False) -> bool:
    """Check the code where one is wanted (`always`: of everybody who has a factor); say whether one was given.

    Raises CodeWanted without a code, LoginRefused for a wrong one.
    """
    if not (factor.has_factor(person) if always else factor.wanted(person, ip)):
        return False
    if not code.strip():
        raise CodeWanted(person)
    try:
        left = throttle.spend(person.username, ip, throttle.CODE)
    except throttle.TooMany as error:
        raise LoginRefused(str(error)) from None
    if not factor.check(person, code):
        _note_failure(person.username, ip, left, throttle.CODE)
        raise LoginRefused(_words(left, "验证码不正确或已用过"))
    throttle.clear(person.username, throttle.CODE)
    return True


def authenticate_second(username: str, password: str, code: str, ip: str) -> Person:
    """Return the second person of 就地双签 by own password and factor; starts no session. Raises LoginRefused.

    Whoever has a factor must give a code here, and where FACTOR is `required` whoever has none cannot sign.
    """
    person = prove(username, password, ip)
    if person.must_change_password:
        raise LoginRefused("第二人还没有设置自己的密码，不能在这里签字。请先登录一次。")
    if passwords.outdated(person):
        raise LoginRefused("第二人的密码已到期，不能在这里签字。请先登录一次并更换密码。")
    if factor.missing(person):
        raise LoginRefused("第二人还没有启用动态验证码，不能在这里签字。请先登录一次并按提示启用。")
    prove_code(person, code, ip, always=True)
    return person


def wait_for_code(request: HttpRequest, person: Person, back: str) -> None:
    """Remember in the browser's session that this person's password was right a moment ago."""
    until = timezone.now() + timedelta(seconds=PENDING_SECONDS)
    request.session[PENDING] = {"person": person.pk, "until": until.timestamp(), "next": back}


def waiting(request: HttpRequest) -> tuple[Person, str] | None:
    """Return who still owes a code in this browser and where to go on to, None when nobody does any more."""
    kept = request.session.get(PENDING)
    if not isinstance(kept, dict) or kept.get("until", 0) < timezone.now().timestamp():
        return None
    person = Person.objects.filter(pk=int(kept.get("person", 0)), is_active=True).first()
    return (person, str(kept.get("next", "/"))) if person else None


def wrong(person: Person, ip: str, left: int) -> str:
    """Audit a wrong password of somebody who is logged in, if it locks the account; return what to say."""
    _note_failure(person.username, ip, left, throttle.PASSWORD)
    return _words(left, "密码不正确")


def _leave_former(request: HttpRequest, person: Person) -> None:
    """End the login of whoever worked in this browser until now: nothing of theirs is left to the next."""
    former: LoginSession | None = getattr(request, "login", None)
    if former is None:
        return
    words = "在同一台电脑重新登录" if former.person_id == person.pk else f"切换操作员：{person.name}"
    logins.end_own(former, words)
    note_own(former.person, client_ip(request), "people.logout", words)
    request.session.flush()


def _must_be_current(person: Person) -> None:
    """Refuse an initial password that waited too long: whoever found the note could use it."""
    days = settings.PASSWORD_INITIAL_DAYS
    if person.must_change_password and days and person.password_at < timezone.now() - timedelta(days=days):
        raise LoginRefused(f"初始密码超过 {days} 天没有使用，已失效。请联系系统管理员重置密码。")


def _words(left: int, what: str) -> str:
    if left:
        return f"{what}，请重新输入。还可以试 {left} 次，之后锁定 15 分钟。"
    return f"{what}。已连续输错 5 次，此登录名锁定 15 分钟；急用请联系系统管理员解锁。"


def _note_failure(username: str, ip: str, left: int, what: str) -> None:
    """Audit the lock of an account that exists; what was typed as a name is never logged, it may be a password."""
    log.info("login refused from %s", ip)
    person = Person.objects.filter(username=username).first()
    if person is not None and not left:
        note_own(person, ip, "people.locked_out", f"{throttle.WORDS[what]}连续输错，锁定 15 分钟")
