"""What happened to a relation, in one line of time: decisions, endings, what was drawn and looked at, uploads."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse

from insurance.exchange.handlers import handler_of
from insurance.exchange.queries import submissions_of
from insurance.mapping.models import Mapping
from insurance.mapping.review.queries import looks_of
from portal.audit.histories import HistoryEntry
from portal.audit.queries import history as audit_history

MOST = 50


def looks_told(mapping: Mapping) -> Sequence[HistoryEntry]:
    """Return in which rounds the relation was drawn, and when it was looked at."""
    found = []
    for look in looks_of(mapping):
        who, round_ = str(look.round.person), look.round
        number = len(round_.shown)
        found.append(HistoryEntry(round_.made_at, "系统", f"在 {number} 条的审核批次中抽中：{look.get_why_display()}"))
        if look.looked_at is not None:
            found.append(HistoryEntry(look.looked_at, who, "抽查时逐条查看"))
    return found


def endings_told(mapping: Mapping) -> Sequence[HistoryEntry]:
    """Return the uploads of the relation's endings; their decisions stand in the audit."""
    found = []
    for ending in mapping.endings.all():
        for one in submissions_of(ending).select_related("requested_by")[:MOST]:
            text = f"{handler_of(one.purpose).label}：{one.get_state_display()}"
            url = reverse("exchange:submission", args=[one.pk])
            found.append(HistoryEntry(one.state_at, str(one.requested_by or "系统"), text, one.words, url))
    return found


def story_of(mapping: Mapping) -> list[HistoryEntry]:
    """Return everything, newest first."""
    told = [
        HistoryEntry(event.at, event.actor_name, event.label, event.reason) for event in audit_history(mapping)[:MOST]
    ]
    for one in submissions_of(mapping).select_related("requested_by")[:MOST]:
        text = f"{handler_of(one.purpose).label}：{one.get_state_display()}"
        url = reverse("exchange:submission", args=[one.pk])
        words = one.settled_words or one.words
        told.append(HistoryEntry(one.state_at, str(one.requested_by or "系统"), text, words, url))
    told += [*looks_told(mapping), *endings_told(mapping)]
    return sorted(told, key=lambda entry: entry.at, reverse=True)[:MOST]
