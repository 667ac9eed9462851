"""Letting somebody in: throttled, audited, in one place for the page and for tests."""

from __future__ import annotations

import logging

from django.contrib.auth import authenticate, login
from django.http import HttpRequest

from portal.audit.services import record
from portal.people import throttle
from portal.people.actor import Actor
from portal.people.middleware import client_ip, institution_of
from portal.people.models import Person

log = logging.getLogger(__name__)


class LoginRefused(Exception):
    """Not let in; the message says why, without telling whether the login name exists."""


def log_in(request: HttpRequest, username: str, password: str) -> Person:
    """Check the password, start a fresh session, write the audit. Raises LoginRefused."""
    username, ip = username.strip(), client_ip(request)
    try:
        left = throttle.spend(username, ip)
    except throttle.TooMany as error:
        raise LoginRefused(str(error)) from None
    person = authenticate(request, username=username, password=password)
    if not isinstance(person, Person):
        _note_failure(username, ip, left)
        raise LoginRefused(_words(left))
    throttle.clear(username)
    login(request, person)
    _note(person, ip, "people.login", "登录")
    return person


def authenticate_second(username: str, password: str, code: str, ip: str) -> Person:
    """Check somebody's password for 就地双签, throttled like a login; no session is started. Raises LoginRefused."""
    username = username.strip()
    try:
        left = throttle.spend(username, ip)
    except throttle.TooMany as error:
        raise LoginRefused(str(error)) from None
    person = authenticate(None, username=username, password=password)
    if not isinstance(person, Person):
        _note_failure(username, ip, left)
        raise LoginRefused(_words(left))
    throttle.clear(username)
    return person


def _words(left: int) -> str:
    if left:
        return f"登录名或密码不正确，请重新输入。还可以试 {left} 次，之后锁定 15 分钟。"
    return "登录名或密码不正确。已连续输错 5 次，此登录名锁定 15 分钟；急用请联系信息科解锁。"


def _note_failure(username: str, ip: str, left: int) -> None:
    """Audit the lock of an account that exists; what was typed as a name is never logged, it may be a password."""
    log.info("login refused from %s", ip)
    person = Person.objects.filter(username=username).first()
    if person is not None and not left:
        _note(person, ip, "people.locked_out", "密码连续输错，锁定 15 分钟")


def _note(person: Person, ip: str, action: str, label: str) -> None:
    institution = institution_of(person)
    if institution is not None:
        record(Actor.of(person, institution, ip), action, [person], label=label)
