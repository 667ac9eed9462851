"""`{% load standing %}{% standing_of person as leaves %}`: who stands in for whom, on a person's page."""

from __future__ import annotations

from django import template
from django.db.models import Q
from django.template.context import Context
from django.utils import timezone

from portal.people.models import Person
from portal.people.standing import Delegation

register = template.Library()


@register.simple_tag(takes_context=True)
def standing_of(context: Context, person: Person) -> list[Delegation]:
    """Return the running and coming deputyships from and to a person where the reader works."""
    actor = getattr(context.get("request"), "actor", None)
    if actor is None:
        return []
    rows = Delegation.objects.filter(
        Q(absent=person) | Q(deputy=person),
        institution=actor.institution,
        ended_at=None,
        ends_on__gte=timezone.localdate(),
    )
    return list(rows.select_related("absent", "deputy").order_by("starts_on", "pk"))
