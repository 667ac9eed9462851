"""A record's history page: people's decisions and whatever its rooms add, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.audit.histories import HistoryEntry, Subject, entries_of, subject_kind
from portal.audit.models import AuditEvent
from portal.audit.queries import history as events_of
from portal.audit.reading import note_reading
from portal.audit.words import words_of
from portal.people.actor import NotAllowed
from portal.people.guard import ActorRequest, refuse, signed_in

PER_PAGE = 50
MOST_PAGES = 200
AUDITOR = "audit.view"


@dataclass(frozen=True)
class HistoryPage:
    """One page of a history; `number` counts from 1."""

    entries: list[HistoryEntry]
    number: int
    more: bool


@require_safe
@signed_in
def history(request: ActorRequest, label: str, pk: str) -> HttpResponseBase:
    """Show what happened to one record, to those who may see it and to auditors. 404 for another institution's."""
    kind, actor = subject_kind(label), request.actor
    if kind is None:
        raise Http404
    if actor is None:
        return refuse(request, kind.action)
    if not actor.may(kind.action) and not actor.may(AUDITOR):
        raise NotAllowed(kind.action)
    thing = _thing(kind, request, pk)
    subject = f"{label}:{thing.pk}"
    if not actor.may(kind.action):
        note_reading(actor, "audit.history", f"{kind.model._meta.verbose_name} {kind.name(thing)}", (subject,))
    page = page_of(subject, thing, _number(request))
    context = {
        "page": page,
        "name": kind.name(thing),
        "kind": kind.model._meta.verbose_name,
        "back": kind.url(thing) if actor.may(kind.action) else "",
        "all_url": subject if actor.may(AUDITOR) else "",
    }
    return render(request, "audit/history.html", context)


def page_of(subject: str, thing: Any, number: int) -> HistoryPage:
    """Return one page of a record's history: decisions merged with what its rooms registered, newest first."""
    until = number * PER_PAGE
    entries = [entry_of(event) for event in events_of(subject)[: until + 1]]
    entries += entries_of(subject.partition(":")[0], thing)
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return HistoryPage(entries[until - PER_PAGE : until], number, len(entries) > until)


def entry_of(event: AuditEvent) -> HistoryEntry:
    """Return a decision as a line of a history."""
    words = words_of(event.action)
    what = event.label if words in event.label or not event.label else f"{words}：{event.label}"
    return HistoryEntry(event.at, event.actor_name, what or words, event.reason)


def _thing(kind: Subject, request: ActorRequest, pk: str) -> Any:
    try:
        thing = kind.visible(request.actor).filter(pk=pk).first() if "\0" not in pk else None
    except (ValueError, OverflowError, ValidationError):
        thing = None
    if thing is None:
        raise Http404
    return thing


def _number(request: ActorRequest) -> int:
    given = request.GET.get("page", "1")
    wanted = int(given) if given.isascii() and given.isdecimal() and len(given) < 6 else 1
    return min(max(wanted, 1), MOST_PAGES)
