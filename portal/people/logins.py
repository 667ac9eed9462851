"""Logins as rows: begun, seen, locked, unlocked, ended. A login that ended here stops at the browser's next request."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from portal.people.actor import Actor, NotAllowed
from portal.people.audited import record
from portal.people.browsers import browser_words
from portal.people.middleware import client_ip, institution_of
from portal.people.models import FormKey, Institution, LoginSession, Person
from portal.privacy.keys import digest

KEY = "login"
SEEN_EVERY = timedelta(minutes=1)


def begin(request: HttpRequest, person: Person, *, factor: bool = False) -> LoginSession:
    """Register a login that has just happened in `request`, and end the oldest where there are too many."""
    now = timezone.now()
    login = LoginSession.objects.create(
        person=person,
        institution=institution_of(person),
        ip=client_ip(request) or None,
        browser=browser_words(request.headers.get("User-Agent", "")),
        seen=now,
        factor_at=now if factor else None,
    )
    request.session[KEY] = login.pk
    request.login = login  # type: ignore[attr-defined]  # guard.ActorRequest declares it
    note_form_key(request, login, login.institution)
    if settings.LOGINS_AT_ONCE:
        _end(_open(person).filter(pk__in=_too_many(person)), "同时登录的电脑超过上限，较早的一处自动退出")
    return login


def find(request: HttpRequest) -> LoginSession | None:
    """Return the login that the browser's session stands for, with its person."""
    key = request.session.get(KEY)
    return LoginSession.objects.select_related("person").filter(pk=key).first() if isinstance(key, int) else None


def over(login: LoginSession, now: datetime) -> str:
    """Return why a login is over, "" while it goes on. One that ran out is ended here."""
    if login.ended:
        return login.why
    why = ""
    if now - login.started > timedelta(seconds=settings.SESSION_COOKIE_AGE):
        why = f"登录已满 {settings.SESSION_COOKIE_AGE // 3600} 小时"
    elif now - login.seen > timedelta(minutes=settings.SESSION_IDLE_MINUTES):
        why = f"超过 {settings.SESSION_IDLE_MINUTES} 分钟没有操作"
    if why:
        _end(LoginSession.objects.filter(pk=login.pk), why)
    return why


def touch(login: LoginSession, now: datetime) -> None:
    """Note that the person did something, at most once a minute."""
    if now - login.seen >= SEEN_EVERY:
        LoginSession.objects.filter(pk=login.pk).update(seen=now)
        login.seen = now


def idle(login: LoginSession, now: datetime) -> bool:
    """Say whether the person has done nothing for so long that the screen must be locked."""
    minutes = settings.IDLE_LOCK_MINUTES
    return bool(minutes) and now - login.seen > timedelta(minutes=minutes, seconds=SEEN_EVERY.seconds)


def lock(login: LoginSession) -> None:
    """Answer only unlock, switch and log-out from now on."""
    LoginSession.objects.filter(pk=login.pk, locked_at=None).update(locked_at=timezone.now())


def unlock(login: LoginSession, *, factor: bool = False) -> None:
    """Go on after the same person proved to be there."""
    now = timezone.now()
    LoginSession.objects.filter(pk=login.pk).update(locked_at=None, seen=now, **({"factor_at": now} if factor else {}))


def note_factor(login: LoginSession) -> None:
    """Note that a code was given just now."""
    LoginSession.objects.filter(pk=login.pk).update(factor_at=timezone.now())


def end_own(login: LoginSession, why: str) -> None:
    """End the login at hand: logged out, or given over to another operator."""
    _end(LoginSession.objects.filter(pk=login.pk), why)


def end_others(person: Person, keep: LoginSession | None, why: str) -> int:
    """End all of a person's logins but one; return how many."""
    found = _open(person)
    return _end(found.exclude(pk=keep.pk) if keep else found, why)


@transaction.atomic
def end(actor: Actor, *, login: LoginSession) -> None:
    """End a login: one's own, or as who manages accounts anybody's of the institution. Raises NotAllowed."""
    if actor.person is None or actor.person.pk != login.person_id:
        actor.must("people.manage")
        if login.institution_id not in (None, actor.institution.pk):
            raise NotAllowed("这次登录不在当前机构，不能在这里结束。")
    own = actor.person is not None and actor.person.pk == login.person_id
    why = "本人在另一处结束" if own else f"由{actor.name}结束"
    if _end(LoginSession.objects.filter(pk=login.pk), why):
        record(actor, "people.end_login", [login.person], label=f"结束 {login.person.username} 的一次登录")


def note_form_key(request: HttpRequest, login: LoginSession, institution: Institution | None) -> None:
    """Remember whose forms carry tokens of the secret that this request's answer sets."""
    secret = str(request.META.get("CSRF_COOKIE") or "")
    if secret:
        FormKey.objects.get_or_create(key=form_digest(secret), defaults={"login": login, "institution": institution})


def move(request: HttpRequest, institution: Institution) -> None:
    """Note that the login at hand works in another institution from now on."""
    login: LoginSession | None = getattr(request, "login", None)
    if login is not None:
        LoginSession.objects.filter(pk=login.pk).update(institution=institution)
        note_form_key(request, login, institution)


def form_digest(secret: str) -> str:
    """Return the digest under which the secret of forms is kept."""
    return digest(f"form:{secret}")


def prune(older: timedelta) -> int:
    """Delete logins that ended long ago; return how many. What happened stays in the audit."""
    return LoginSession.objects.filter(ended__lt=timezone.now() - older).delete()[0]


def end_stale() -> int:
    """End what ran out without another request; return how many."""
    now = timezone.now()
    still = LoginSession.objects.filter(ended=None)
    idle_out = still.filter(seen__lt=now - timedelta(minutes=settings.SESSION_IDLE_MINUTES))
    done = _end(idle_out, f"超过 {settings.SESSION_IDLE_MINUTES} 分钟没有操作")
    full = still.filter(started__lt=now - timedelta(seconds=settings.SESSION_COOKIE_AGE))
    return done + _end(full, f"登录已满 {settings.SESSION_COOKIE_AGE // 3600} 小时")


def _open(person: Person) -> QuerySet[LoginSession]:
    return LoginSession.objects.filter(person=person, ended=None)


def _too_many(person: Person) -> list[int]:
    return list(_open(person).order_by("-id").values_list("pk", flat=True)[settings.LOGINS_AT_ONCE :])


def _end(found: QuerySet[LoginSession], why: str) -> int:
    return found.filter(ended=None).update(ended=timezone.now(), why=why[:100])
