"""Whether the login behind a request still stands: ended, timed out, locked. One query, in place of Django's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from portal.people import drafts, logins
from portal.people.guard import is_htmx
from portal.people.models import LoginSession, Person

# What a locked screen still answers: the lock itself, another operator, leaving.
WHILE_LOCKED = {
    "people:lock", "people:unlock", "people:operator", "people:login", "people:code", "people:logout", "desk:healthz",
    "people:alive", "desk:readyz", "system:readyz",
}  # fmt: skip
# A page that asks by itself says how many seconds ago the person did something.
IDLE_HEADER = "X-Portal-Idle"
ACTING_SECONDS = 60
LOCKED = 423
LEADS_ON = (302, 303)


class LoginMiddleware:
    """Sets `request.login` and `request.locked`; ends what is over and answers a locked screen with the lock."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.login, request.locked, request.ended_words = None, False, ""  # type: ignore[attr-defined]
        if SESSION_KEY in request.session:
            self._look(request)
        response = self.get_response(request)
        login = request.login  # type: ignore[attr-defined]
        if login is not None and request.method == "POST":
            _forget_draft(request, response)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Answer a locked screen; nothing of what was asked for is done."""
        match = request.resolver_match
        if not request.locked or (match is not None and match.view_name in WHILE_LOCKED):  # type: ignore[attr-defined]
            return None
        return lock_page(request)

    def _look(self, request: HttpRequest) -> None:
        now, login = timezone.now(), logins.find(request)
        if login is None:
            if isinstance(request.user, Person):  # a session from before logins were kept
                logins.begin(request, request.user)
            return
        why = logins.over(login, now)
        if why or not _proven(request, login):
            request.ended_words = why  # type: ignore[attr-defined]
            logout(request)
            return
        request.user, request.login = login.person, login  # type: ignore[attr-defined]
        if login.locked_at is None and logins.idle(login, now):
            logins.lock(login)
            login.locked_at = now
        request.locked = login.locked_at is not None  # type: ignore[attr-defined]
        if not request.locked and acting(request):  # type: ignore[attr-defined]
            logins.touch(login, now)


def acting(request: HttpRequest) -> bool:
    """Say whether the person did something just now, and not a page that asks by itself."""
    idle = request.headers.get(IDLE_HEADER, "")
    return not (idle.isdecimal() and len(idle) < 9 and int(idle) >= ACTING_SECONDS)


def lock_page(request: HttpRequest) -> HttpResponse:
    """Answer 423: the lock as a page; a piece of a page is told to draw the lock over what it has."""
    if is_htmx(request):
        return HttpResponse(status=204, headers={"HX-Trigger": "portal-locked", "HX-Reswap": "none"})
    context = {
        "next": request.get_full_path() if request.method == "GET" else reverse("desk:home"),
        "not_done": request.method != "GET",
        "person": request.user,
    }
    return render(request, "people/locked.html", context, status=LOCKED)


def _forget_draft(request: HttpRequest, response: HttpResponseBase) -> None:
    """Forget what was kept of a form that has just been taken: its answer leads on to another page."""
    if response.status_code not in LEADS_ON and "HX-Redirect" not in response.headers:
        return
    path, actor = request.POST.get("draft_path", ""), getattr(request, "actor", None)
    if path and actor is not None:
        drafts.drop(actor, path.replace("\0", ""))


def _proven(request: HttpRequest, login: LoginSession) -> bool:
    """Say whether the session is this person's and begun with today's password, as Django's own check would."""
    person, session = login.person, request.session
    if not person.is_active or session.get(SESSION_KEY) != str(person.pk) or BACKEND_SESSION_KEY not in session:
        return False
    return constant_time_compare(session.get(HASH_SESSION_KEY, ""), person.get_session_auth_hash())
