"""Whose history may be read, by whom, and what stands in it beside the decisions.

A room says in its `AppConfig.ready()`:

    register_subject("directory.department", "directory.view", lambda d: d.get_absolute_url(), lambda d: d.name)
    register_history("exchange.submission", steps_of_submission)     # thing -> list[HistoryEntry]

Then `/audit/history/directory.department/12/` shows the record's decisions merged with what was registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.urls import NoReverseMatch, reverse

from portal.people.actor import Actor


@dataclass(frozen=True)
class HistoryEntry:
    """One line of a record's history: when (aware), who, what happened, why, and where to read more."""

    at: datetime
    who: str
    what: str
    reason: str = ""
    url: str = ""


@dataclass(frozen=True)
class Subject:
    """One kind of record: the right to see it, where it stands, its name as shown (masked), and which rows one sees."""

    label: str
    action: str
    url: Callable[[Any], str]
    name: Callable[[Any], str]
    rows: Callable[[Actor], models.QuerySet[Any]] | None = None

    @property
    def model(self) -> type[models.Model]:
        """The record's model."""
        return apps.get_model(self.label)

    def visible(self, actor: Actor) -> models.QuerySet[Any]:
        """Return the records the actor may see: visible rows of the institution at hand."""
        if self.rows is not None:
            return self.rows(actor)
        found: Any = self.model._default_manager.all()
        if actor.person is not None and hasattr(found, "visible_to"):
            found = found.visible_to(actor.person)
        names = {field.name for field in self.model._meta.get_fields()}
        narrowed: models.QuerySet[Any] = (
            found.filter(institution=actor.institution) if "institution" in names else found
        )
        return narrowed


History = Callable[[Any], Sequence[HistoryEntry]]
_subjects: dict[str, Subject] = {}
_histories: dict[str, list[History]] = {}


def register_subject(
    label_lower: str,
    action: str,
    url: Callable[[Any], str],
    name: Callable[[Any], str],
    *,
    rows: Callable[[Actor], models.QuerySet[Any]] | None = None,
) -> None:
    """Open the history page of a kind of record (`app.model`) to those who may take `action`.

    `name` is shown in lists and titles: masked. `rows` replaces the usual narrowing (`visible_to` and institution).
    """
    _subjects[label_lower] = Subject(label_lower, action, url, name, rows)


def register_history(label_lower: str, function: History) -> None:
    """Merge what `function(thing)` returns into the history of a kind of record; asked once per page shown."""
    known = _histories.setdefault(label_lower, [])
    if not any(_same(function, other) for other in known):
        known.append(function)


def subject_kind(label_lower: str) -> Subject | None:
    """Return what was registered for a kind of record."""
    return _subjects.get(label_lower)


def entries_of(label_lower: str, thing: Any) -> list[HistoryEntry]:
    """Return everything registered for one record, in no order."""
    return [entry for function in _histories.get(label_lower, []) for entry in function(thing)]


def history_url(subject: str) -> str:
    """Return the address of the history page of `app.model:pk`, "" when that kind has none."""
    label, _, pk = subject.partition(":")
    if label not in _subjects or not pk:
        return ""
    try:
        return reverse("audit:history", args=[label, pk])
    except NoReverseMatch:
        return ""


def names_of(subjects: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return name and address of each `app.model:pk` whose kind is registered and which still exists.

    One query per kind; whoever shows them decides before whether the reader may know of them.
    """
    wanted: dict[str, list[str]] = {}
    for subject in subjects:
        label, _, pk = subject.partition(":")
        if label in _subjects and pk:
            wanted.setdefault(label, []).append(pk)
    found: dict[str, tuple[str, str]] = {}
    for label, keys in wanted.items():
        kind = _subjects[label]
        for thing in kind.model._default_manager.filter(pk__in=_clean(kind.model, keys)):
            found[f"{label}:{thing.pk}"] = (str(kind.name(thing)), str(kind.url(thing)))
    return found


def _clean(model: type[models.Model], keys: list[str]) -> list[Any]:
    """Return the keys that the model's primary key can hold."""
    if isinstance(model._meta.pk, models.IntegerField):
        return [int(key) for key in keys if key.isascii() and key.isdecimal() and len(key) < 19]
    return [key for key in keys if "\0" not in key]


def _same(one: History, other: History) -> bool:
    return (one.__module__, getattr(one, "__qualname__", "")) == (other.__module__, getattr(other, "__qualname__", ""))
