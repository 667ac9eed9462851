"""Who acts in a request: `request.actor`."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from portal.people.actor import Actor, NotAllowed
from portal.people.guard import go, refuse, wrong_way
from portal.people.models import Institution, Person

# What somebody may open who must first choose a password of their own, or set up the second factor.
ALWAYS = {
    "people:logout",
    "people:login",
    "people:code",
    "people:operator",
    "people:lock",
    "people:unlock",
    "people:alive",
}
BEFORE_PASSWORD = ALWAYS | {"people:password"}
BEFORE_FACTOR = BEFORE_PASSWORD | {"people:factor"}
FACTOR_DONE = "factor"


class ActorMiddleware:
    """Sets `request.actor` (None without login or institution), asks for a first password, answers NotAllowed.

    Also gives words to Django's empty 405, and keeps what somebody logged in has seen out of the browser's cache.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.actor = actor_of(request)  # type: ignore[attr-defined]  # guard.ActorRequest declares it
        response = self.get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response = wrong_way(request, response)
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            # counters share a PC: after logging out, "back" must not bring a patient's page up again
            response["Cache-Control"] = "private, no-store"
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Send a person with an initial or old password, or without the second factor, to where they mend that."""
        person, match = request.user, request.resolver_match
        if not isinstance(person, Person) or match is None:
            return None
        if match.view_name not in BEFORE_PASSWORD and _password_due(person):
            return go(request, reverse("people:password"))
        if match.view_name not in BEFORE_FACTOR and _factor_due(request, person):
            return go(request, reverse("people:factor"))
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Turn a service's NotAllowed into the page that says which right is missing."""
        if not isinstance(error, NotAllowed):
            return None
        return refuse(request, error.action, "" if error.action else str(error))


def _password_due(person: Person) -> bool:
    from portal.people.passwords import outdated

    return person.must_change_password or outdated(person)


def _factor_due(request: HttpRequest, person: Person) -> bool:
    """Ask once a login: who has a factor keeps it until somebody resets it, and that ends the logins."""
    from portal.people.factor import missing

    if settings.FACTOR != "required" or request.session.get(FACTOR_DONE):
        return False
    if missing(person):
        return True
    if person.all_memberships:  # who works nowhere yet is asked once a role is given
        request.session[FACTOR_DONE] = True
    return False


def actor_of(request: HttpRequest) -> Actor | None:
    """Return who acts and where, or None when nobody is logged in or the person works nowhere."""
    person = request.user
    if not isinstance(person, Person):
        return None
    institution = institution_of(person)
    return Actor.of(person, institution, client_ip(request)) if institution else None


def institution_of(person: Person) -> Institution | None:
    """Return the person's current institution, if they still work there, else the first by code."""
    members = person.all_memberships
    current = next((m for m in members if m.institution_id == person.current_institution_id), None)
    member = current or (members[0] if members else None)
    return member.institution if member else None


def client_ip(request: HttpRequest) -> str:
    """Return the browser's address, "" if unreadable.

    `PROXY_COUNT` own proxies stand in front: the address that the outermost of them saw is that many places from the
    right in X-Forwarded-For; everything further left was written by the browser and is not believed.
    """
    address = request.META.get("REMOTE_ADDR", "")
    count = settings.PROXY_COUNT
    if count:
        said = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
        address = said[-count] if len(said) >= count else address
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return ""
