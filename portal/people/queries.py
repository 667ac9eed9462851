"""Reading persons."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from portal.people.actor import Actor
from portal.people.models import Membership, Person


def staff_of(actor: Actor, words: str = "") -> QuerySet[Person]:
    """Return who works in the institution at hand, by login name; `words` must occur in login name or name.

    Somebody made here who has no role anywhere yet belongs here too. `here` on each person holds the memberships in
    this institution.
    """
    here = Membership.objects.filter(institution=actor.institution).order_by("pk")
    works = Exists(Membership.objects.filter(person=OuterRef("pk"), institution=actor.institution))
    anywhere = Exists(Membership.objects.filter(person=OuterRef("pk")))
    found = Person.objects.filter(works | Q(~anywhere, current_institution=actor.institution))
    for word in words.split():
        found = found.filter(Q(username__icontains=word) | Q(name__icontains=word))
    return found.prefetch_related(Prefetch("memberships", here, to_attr="here")).order_by("username")
