"""What runs by itself about persons: silent accounts are locked, logins that ran out end, what is old goes."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from portal.people import drafts, logins, services
from portal.people.actor import Actor, NotAllowed
from portal.people.middleware import institution_of
from portal.people.models import Institution, Person
from portal.tasks.registry import sweep

LOGINS_KEPT = timedelta(days=400)


@sweep("people.silent", every=3600.0)
def lock_silent() -> None:
    """Switch off accounts that nobody used for ACCOUNT_SILENT_DAYS; the last of an officer's role stays."""
    days = settings.ACCOUNT_SILENT_DAYS
    if not days:
        return
    before = timezone.now() - timedelta(days=days)
    silent = Person.objects.filter(Q(last_login__lt=before) | Q(last_login=None), is_active=True, enabled_at__lt=before)
    for person in silent.filter(created_at__lt=before):
        _lock(person, f"超过 {days} 天没有登录")


@sweep("people.logins", every=60.0)
def end_stale_logins() -> None:
    """End logins whose browser never came back."""
    logins.end_stale()


@sweep("people.prune", every=3600.0)
def prune() -> None:
    """Delete half-filled forms of yesterday and logins of last year."""
    drafts.prune()
    logins.prune(LOGINS_KEPT)


def _lock(person: Person, reason: str) -> None:
    institution = institution_of(person) or person.current_institution or Institution.objects.first()
    if institution is None:
        return
    try:
        services.lock_person(Actor.system(institution, "定时"), person=person, reason=reason)
    except NotAllowed:
        return  # the last officer: an institution without one could not be mended
