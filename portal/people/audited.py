"""The one door from persons to the audit: audit names persons, and what is done to persons is audited."""

from __future__ import annotations

from portal.audit.services import record
from portal.people.actor import Actor
from portal.people.middleware import institution_of
from portal.people.models import Person

__all__ = ["note_own", "record"]


def note_own(person: Person, ip: str, action: str, label: str) -> None:
    """Write what a person did with the own login; somebody who works nowhere has no institution to write it under."""
    institution = institution_of(person)
    if institution is not None:
        record(Actor.of(person, institution, ip), action, [person], label=label)
