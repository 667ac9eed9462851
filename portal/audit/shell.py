"""What the shell's own rooms have in the audit: whose history may be read."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from portal.audit.histories import register_subject
from portal.people.actor import Actor
from portal.people.models import Person


def register_own() -> None:
    """Open the histories of persons and tasks."""
    register_subject("people.person", "people.view", _person_url, lambda person: person.username, rows=_persons)
    register_subject("tasks.task", "tasks.view", lambda task: task.get_absolute_url(), lambda task: task.label)


def _persons(actor: Actor) -> QuerySet[Person]:
    """Return who works in the institution at hand."""
    return Person.objects.filter(memberships__institution=actor.institution).distinct()


def _person_url(person: Any) -> str:
    try:
        return reverse("system:person", args=[person.pk])
    except NoReverseMatch:
        return ""
