"""Reading approvals: what waits for whom."""

from __future__ import annotations

from datetime import date

from django.db.models import BooleanField, Case, Q, QuerySet, Value, When
from django.utils import timezone

from portal.approvals.choices import ApprovalState
from portal.approvals.models import Approval, DutyDay, Handover
from portal.approvals.registry import kinds
from portal.people.actor import Actor
from portal.people.models import Institution, Person

NOBODY = Q(pk__in=())


def approvals_of(actor: Actor) -> QuerySet[Approval]:
    """Return what the actor may see here, newest first: own proposals, and kinds they may propose or approve.

    Each row knows `for_me` (waits for this actor's yes or no) and `by_me` (proposed or looked after by this actor).
    """
    rows: QuerySet[Approval] = Approval.objects.filter(institution=actor.institution)
    if actor.person is not None:
        rows = Approval.objects.visible_to(actor.person).filter(institution=actor.institution)
        codes = [kind.code for kind in kinds() if actor.may(kind.propose) or actor.may(kind.approve)]
        rows = rows.filter(Q(kind__in=codes) | mine(actor))
    marked = rows.annotate(for_me=flag(waiting_for(actor)), by_me=flag(mine(actor)))
    return marked.select_related("proposed_by", "held_by", "decided_by").order_by("-id")


def to_decide(actor: Actor) -> QuerySet[Approval]:
    """Return what waits for this actor's yes or no; asks the waiting ones alone, so that the desk stays quick."""
    rows: QuerySet[Approval] = Approval.objects.filter(waiting_for(actor), institution=actor.institution)
    return rows


def mine(actor: Actor) -> Q:
    """Return which proposals are the actor's own: made, made in their place by a deputy, or taken over."""
    person = actor.person
    return Q(proposed_by=person) | Q(proposed_for=person) | Q(held_by=person) if person else NOBODY


def waiting_for(actor: Actor) -> Q:
    """Return what the actor can decide now, by the same rule as `rules.must_differ`."""
    if actor.person is None:
        return NOBODY
    can = NOBODY
    for kind in kinds():
        if not actor.may(kind.approve):
            continue
        absent = [one.pk for one in actor.absent_for(kind.approve)]
        barred = NOBODY
        if len(absent) == 1:
            # with two absent persons the other one's role still gives the right
            barred = Q(proposed_by__in=absent) | Q(proposed_for__in=absent) | Q(held_by__in=absent)
        can |= Q(kind=kind.code) & ~barred
    return can & Q(state=ApprovalState.WAITING, expires_at__gt=timezone.now()) & ~mine(actor)


def on_duty(institution: Institution, duty: str, day: date | None = None) -> Person | None:
    """Return who is the second person for a right on a day (default: today), None when nobody was set."""
    found = DutyDay.objects.filter(institution=institution, duty=duty, day=day or timezone.localdate())
    row = found.select_related("person").first()
    return row.person if row else None


def handed_to(actor: Actor) -> QuerySet[Handover]:
    """Return the handovers that the actor has not confirmed yet."""
    found: QuerySet[Handover] = Handover.objects.filter(
        institution=actor.institution, taker=actor.person, seen_at=None
    ).order_by()
    return found


def flag(condition: Q) -> Case:
    """Return a condition as a true/false column."""
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())
