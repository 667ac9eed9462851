"""Reading the saved views."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from portal.lists.choices import Scope
from portal.lists.models import SavedView
from portal.people.actor import Actor
from portal.people.models import Membership


def views_for(actor: Actor, page: str) -> list[SavedView]:
    """Return the views of a list that `actor` may use, own ones first; none for a system account. One query."""
    if actor.person is None:
        return []
    mine = Q(scope=Scope.MINE, owner=actor.person)
    found = SavedView.objects.filter(mine | Q(scope=Scope.ROLE, role__in=roles_of(actor)))
    return list(found.filter(institution=actor.institution, page=page).order_by("scope", "name", "pk"))


def default_of(views: Sequence[SavedView]) -> SavedView | None:
    """Return the view that a page opens with: the person's own default before the role's."""
    return next((view for view in views if view.default), None)


def roles_of(actor: Actor) -> list[str]:
    """Return the codes of the actor's roles here."""
    return sorted({member.role for member in actor.person.memberships_at(actor.institution)}) if actor.person else []


def may_change(actor: Actor, view: SavedView) -> bool:
    """Say whether `actor` may rename, refill or delete a view: its owner; a role's view that its owner has left
    behind (no longer here, or no longer of the role) belongs to everybody of the role.
    """
    if actor.person is None or view.institution_id != actor.institution.pk:
        return False
    if view.owner_id == actor.person.pk:
        return True
    if view.scope != Scope.ROLE or view.role not in roles_of(actor):
        return False
    stays = Membership.objects.filter(
        person=view.owner_id, institution=view.institution_id, role=view.role, person__is_active=True
    )
    return not stays.exists()
