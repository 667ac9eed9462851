"""What a code's own page shows of this room: the items that bear it."""

from __future__ import annotations

from collections.abc import Sequence

from insurance.catalogue.kinds import kind_of
from insurance.catalogue.models import Item
from insurance.catalogue.registry import Use, register_uses
from insurance.mapping.queries import items_of_code
from insurance.mapping.review.showing import period_of
from portal.people.actor import Actor

MOST = 50


def uses(actor: Actor, item: Item) -> Sequence[Use]:
    """Return the hospital's items that bear a code today or later."""
    if not actor.may("mapping.view"):
        return []
    found = []
    for list_type in kind_of(item.infno).list_types:
        for mapping in items_of_code(actor.institution, list_type, item.code)[:MOST]:
            words = f"{mapping.get_state_display()}，{period_of(mapping)}"
            found.append(Use(str(mapping.item), mapping.get_absolute_url(), words))
    return found


def register_using() -> None:
    """Let the catalogue's pages show it."""
    register_uses(uses)
