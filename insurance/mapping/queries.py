"""What other rooms ask of relations: which code an item bears on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils import timezone

from insurance.catalogue import queries as catalogue
from insurance.mapping.choices import STANDING, UNDECIDED
from insurance.mapping.models import HospitalItem, Mapping
from portal.people.models import Institution


def relation_on(item: HospitalItem, day: dt.date) -> Mapping | None:
    """Return the relation that a fee of `day` uses, told to the platform or not; None also where its code is void then.

    A fee is judged on its own date, so relations that have ended since count too (mapping.md, Effective dates).
    """
    found: Mapping | None = standing_of([item]).filter(begndate__lte=day, enddate__gte=day).first()
    if found is None:
        return None
    row = catalogue.code_row(found.list_type, found.med_list_codg, day)
    if row is None:
        # a kind without a catalogue of its own has nothing to be judged by
        return None if catalogue.catalogue_stamp(found.list_type) else found
    return found if catalogue.in_force(row, day) else None


def standing_of(items: Iterable[HospitalItem]) -> QuerySet[Mapping]:
    """Return the relations that take up periods of these items, the earliest first."""
    found: QuerySet[Mapping] = Mapping.objects.filter(
        item__in=[item.pk for item in items], state__in=[state.value for state in STANDING]
    )
    return found.order_by("begndate")


def undecided_of(items: Iterable[HospitalItem]) -> dict[int, Mapping]:
    """Return item pk → the relation that somebody still works on."""
    rows = Mapping.objects.filter(
        item__in=[item.pk for item in items], state__in=[state.value for state in UNDECIDED]
    ).select_related("proposed_by")
    return {row.item_id: row for row in rows}


def items_of_code(institution: Institution, list_type: str, code: str, day: dt.date | None = None) -> QuerySet[Mapping]:
    """Return the relations by which items bear a code on `day` (today) or later, with their items."""
    found: QuerySet[Mapping] = Mapping.objects.filter(
        institution=institution,
        list_type=list_type,
        med_list_codg=code,
        state__in=[state.value for state in STANDING],
        enddate__gte=day or timezone.localdate(),
    )
    return found.select_related("item").order_by("item__fixmedins_hilist_id")
