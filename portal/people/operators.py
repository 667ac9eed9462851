"""Who worked at this computer lately: kept in a signed cookie of the browser, to be picked when switching."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from portal.people.models import Person

COOKIE = "operators"
SALT = "people.operators"
KEPT = 6
AGE = 30 * 24 * 3600


@dataclass(frozen=True)
class Operator:
    """Login name and name of one who worked here."""

    username: str
    name: str


def known(request: HttpRequest) -> list[Operator]:
    """Return who logged in at this browser within a month, latest first."""
    try:
        kept = json.loads(request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=AGE) or "[]")
    except (signing.BadSignature, ValueError):
        return []
    return [Operator(str(username), str(name)) for username, name in kept[:KEPT]]


def remember(request: HttpRequest, response: HttpResponse, person: Person) -> HttpResponse:
    """Put a person first among those of this browser."""
    others = [one for one in known(request) if one.username != person.username]
    kept = [Operator(person.username, person.name), *others][:KEPT]
    words = json.dumps([astuple(one) for one in kept])
    response.set_signed_cookie(
        COOKIE, words, salt=SALT, max_age=AGE, httponly=True, samesite="Lax", secure=settings.HTTPS
    )
    return response
