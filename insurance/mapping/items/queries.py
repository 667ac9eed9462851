"""Reading items: which are there, what stands of their relations, what changed since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest

from insurance.mapping.choices import STANDING, UNDECIDED, MappingState
from insurance.mapping.items.facts import TELLING
from insurance.mapping.items.laying import today
from insurance.mapping.models import HospitalItem, ItemChange, Mapping, Suggestion
from portal.people.models import Institution

NEEDS = Q(no_code=False, in_use=True)
# Tabs of the list: key → word and which rows of `with_relations`.
TABS: dict[str, tuple[str, Q]] = {
    "unmapped": ("未对照", NEEDS & Q(relation=None) & ~Q(undecided=MappingState.PROPOSED.value)),
    "mapped": ("已对照", Q(in_use=True, relation__isnull=False)),
    "waiting": ("待审核", Q(undecided=MappingState.PROPOSED.value)),
    "no_code": ("不需对照", Q(no_code=True, in_use=True)),
    "stopped": ("已停用", Q(in_use=False)),
    "all": ("全部", Q()),
}


def in_use_on(day: dt.date) -> Q:
    """Return which items are charged on a day or later."""
    return Q(enddate=None) | Q(enddate__gte=day)


def relations_from(day: dt.date) -> QuerySet[Mapping]:
    """Return standing relations that hold on a day or begin later, the earliest first."""
    found: QuerySet[Mapping] = Mapping.objects.filter(state__in=STANDING, enddate__gte=day)
    return found.order_by("begndate")


def with_relations(items: QuerySet[HospitalItem], day: dt.date | None = None) -> QuerySet[HospitalItem]:
    """Annotate `in_use`, `relation` (pk of what holds on the day or next) and `undecided` (a proposal's state, '')."""
    day = day or today()
    standing = relations_from(day).filter(item=OuterRef("pk")).values("pk")[:1]
    undecided = Mapping.objects.filter(item=OuterRef("pk"), state__in=UNDECIDED).values("state")[:1]
    return items.annotate(
        in_use=ExpressionWrapper(in_use_on(day), output_field=BooleanField()),
        relation=Subquery(standing),
        undecided=Coalesce(Subquery(undecided), Value("")),
    )


def changed_since_mapping(items: QuerySet[HospitalItem]) -> QuerySet[HospitalItem]:
    """Return those items whose name, spec, maker … changed after their standing relation was proposed or looked at."""
    standing = relations_from(today()).filter(item=OuterRef("pk")).values("proposed_at")[:1]
    changes = ItemChange.objects.filter(item=OuterRef("pk"), changes__has_any_keys=list(TELLING))
    last = changes.exclude(applied_at=None).order_by("-applied_at").values("applied_at")[:1]
    told = items.annotate(proposed=Subquery(standing), touched_at=Subquery(last))
    return told.filter(touched_at__gt=Greatest(F("proposed"), F("checked_at")))


def items_changed_since_mapping(institution: Institution) -> QuerySet[HospitalItem]:
    """Return the institution's items in use whose relation may no longer fit, because they changed after it."""
    items = HospitalItem.objects.filter(in_use_on(today()), institution=institution)
    return changed_since_mapping(items)


def relation_standing(item: HospitalItem, day: dt.date | None = None) -> Mapping | None:
    """Return the relation that holds on a day (today), or the next one to begin."""
    return relations_from(day or today()).filter(item=item).first()


def undecided_of(item: HospitalItem) -> Mapping | None:
    """Return the item's relation that somebody still works on."""
    found: Mapping | None = Mapping.objects.filter(item=item, state__in=UNDECIDED).first()
    return found


def attach(items: Iterable[Any]) -> None:
    """Give rows of `with_relations` their `code`, `best` (suggestion) and `changed` (columns since): three queries."""
    items = list(items)
    relations = Mapping.objects.in_bulk([item.relation for item in items if item.relation])
    keys = [item.pk for item in items]
    best = {one.item_id: one for one in Suggestion.objects.filter(item__in=keys)}
    touched = changes_since(items, relations)
    for item in items:
        item.code = relations.get(item.relation)
        item.best = best.get(item.pk)
        item.changed = touched.get(item.pk, [])


def changes_since(items: Iterable[Any], relations: dict[int, Mapping]) -> dict[int, list[str]]:
    """Return item → telling columns that changed since its relation was proposed or last looked at."""
    seen = {item.pk: _looked_at(item, relations[item.relation]) for item in items if item.relation in relations}
    found: dict[int, list[str]] = {}
    rows = ItemChange.objects.filter(item__in=seen, changes__has_any_keys=list(TELLING)).exclude(applied_at=None)
    for change in rows.order_by("applied_at"):
        since = seen[change.item_id]
        if since is None or (change.applied_at and change.applied_at > since):
            names = found.setdefault(change.item_id, [])
            names += [name for name in TELLING if name in change.changes and name not in names]
    return found


def _looked_at(item: HospitalItem, relation: Mapping) -> dt.datetime | None:
    moments = [moment for moment in (relation.proposed_at, item.checked_at) if moment is not None]
    return max(moments, default=None)
