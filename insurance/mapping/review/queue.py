"""The queue of 对码工作台: which items wait for a code, in which order, and what a person did today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from insurance.mapping.choices import STANDING, Certainty, MappingState
from insurance.mapping.items.kinds import GROUPS
from insurance.mapping.models import HospitalItem, Mapping
from insurance.mapping.rules import mapped_by
from portal.lists.parts import Tab
from portal.people.actor import Actor

ORDER = ("-revenue", "pk")
BEFORE, AFTER = 2, 9


def midnight() -> dt.datetime:
    """Return the first moment of today at the hospital."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def tabs() -> Sequence[Tab]:
    """Return the tabs over `waiting`; what was put aside today is out of all but its own."""
    aside = Q(suggestion__skipped_at__gte=midnight())
    returned = Q(returned=True)
    fresh = ~aside & ~returned
    sure = {
        Certainty.CERTAIN: Q(suggestion__certainty=Certainty.CERTAIN),
        Certainty.LIKELY: Q(suggestion__certainty=Certainty.LIKELY),
        Certainty.AMBIGUOUS: Q(suggestion__certainty=Certainty.AMBIGUOUS),
        Certainty.NONE: Q(suggestion__certainty=Certainty.NONE) | Q(suggestion=None),
    }
    empty = {
        "open": "没有待对码的项目。",
        "skipped": "今天没有搁置的项目。搁置的项目第二天自动回到队列。",
        "returned": "没有被退回的对照。",
    }
    return (
        Tab("open", "待对码", fresh, empty["open"]),
        *(
            Tab(str(kind.value), str(kind.label), fresh & rows, f"没有「{kind.label}」的项目。")
            for kind, rows in sure.items()
        ),
        Tab("skipped", "已搁置", aside & ~returned, empty["skipped"]),
        Tab("returned", "已退回", returned, empty["returned"]),
    )


def kinds_of(actor: Actor, asked: str) -> list[str]:
    """Return the kinds of items shown: of the group asked for, else those that the role ties, else all."""
    group = next((one for one in GROUPS if one.code.removeprefix("mapping.item_") == asked), None)
    if group is not None:
        return list(group.list_types)
    return mapped_by(actor) or [kind for one in GROUPS for kind in one.list_types]


def groups() -> list[tuple[str, str]]:
    """Return the choices of kinds as key and word."""
    return [(group.code.removeprefix("mapping.item_"), group.label.removeprefix("院内")) for group in GROUPS]


def waiting(actor: Actor, list_types: Sequence[str]) -> QuerySet[HospitalItem]:
    """Return the items that wait for a code: in use, needing one, without a standing relation or one to be approved."""
    today = timezone.localdate()
    relations = Mapping.objects.filter(item=OuterRef("pk"))
    standing = relations.filter(state__in=[state.value for state in STANDING], enddate__gte=today)
    rows: QuerySet[HospitalItem] = HospitalItem.objects.filter(
        Q(enddate=None) | Q(enddate__gte=today),
        ~Exists(standing),
        ~Exists(relations.filter(state=MappingState.PROPOSED)),
        institution=actor.institution,
        list_type__in=list(list_types),
        no_code=False,
    )
    if actor.person is not None:
        rows = rows & HospitalItem.objects.visible_to(actor.person)
    return rows.annotate(returned=Exists(relations.filter(state=MappingState.RETURNED))).select_related(
        "suggestion", "suggestion__skipped_by", "institution"
    )


@dataclass(frozen=True)
class Place:
    """Where in the queue a person is: the item, its neighbours in order, and its number (from 1)."""

    item: HospitalItem
    before: list[HospitalItem]
    after: list[HospitalItem]
    number: int
    queued: bool = True

    @property
    def previous(self) -> HospitalItem | None:
        """The item before."""
        return self.before[-1] if self.before else None

    @property
    def next(self) -> HospitalItem | None:
        """The item after."""
        return self.after[0] if self.after else None


def place_of(rows: QuerySet[HospitalItem], wanted: int | None, alone: HospitalItem | None = None) -> Place | None:
    """Return the place of the item asked for, of the first one when it is not (or no longer) in the queue.

    `alone` is an item that was asked for although it does not wait: it is mapped anew.
    """
    item = rows.filter(pk=wanted).first() if wanted else None
    queued = item is not None or alone is None
    item = item or alone or rows.order_by(*ORDER).first()
    if item is None:
        return None
    dearer = Q(revenue__gt=item.revenue) | Q(revenue=item.revenue, pk__lt=item.pk)
    cheaper = Q(revenue__lt=item.revenue) | Q(revenue=item.revenue, pk__gt=item.pk)
    before = list(rows.filter(dearer).order_by("revenue", "-pk")[:BEFORE])[::-1]
    after = list(rows.filter(cheaper).order_by(*ORDER)[:AFTER])
    return Place(item, before, after, rows.filter(dearer).count() + 1, queued)


def done_today(actor: Actor) -> int:
    """Return how many relations the person proposed today and did not take back."""
    return Mapping.objects.filter(
        institution=actor.institution, proposed_by=actor.person, proposed_at__gte=midnight()
    ).exclude(state=MappingState.CANCELLED).count()  # fmt: skip


def last_taken(actor: Actor) -> Mapping | None:
    """Return the person's newest proposal of today that can still be taken back."""
    found: Mapping | None = (
        Mapping.objects.filter(
            institution=actor.institution,
            proposed_by=actor.person,
            proposed_at__gte=midnight(),
            state=MappingState.PROPOSED,
        )
        .select_related("item")
        .order_by("-proposed_at", "-pk")
        .first()
    )
    return found
