"""Who worked at this computer lately: login names in a signed cookie of the browser, to be picked when switching."""

from __future__ import annotations

import json

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from portal.people.models import Person

COOKIE = "operators"
SALT = "people.operators"
KEPT = 6
AGE = 30 * 24 * 3600


def known(request: HttpRequest) -> list[Person]:
    """Return the active persons who logged in at this browser, latest first."""
    names = _names(request)
    found = {person.username: person for person in Person.objects.filter(username__in=names, is_active=True)}
    return [found[name] for name in names if name in found]


def remember(request: HttpRequest, response: HttpResponse, person: Person) -> HttpResponse:
    """Put a person first among those of this browser."""
    names = [person.username, *(name for name in _names(request) if name != person.username)][:KEPT]
    response.set_signed_cookie(
        COOKIE, json.dumps(names), salt=SALT, max_age=AGE, httponly=True, samesite="Lax", secure=settings.HTTPS
    )
    return response


def _names(request: HttpRequest) -> list[str]:
    try:
        kept = json.loads(request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=AGE) or "[]")
    except (signing.BadSignature, ValueError):
        return []
    return [str(name) for name in kept][:KEPT] if isinstance(kept, list) else []
