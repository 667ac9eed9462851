"""Reading mappings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Count, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from portal.people.actor import Actor
from portal.people.models import Institution
from portal.values.choices import MappingState
from portal.values.keys import key_of
from portal.values.models import MissingValue, ValueMapping

EFFECTIVE = (MappingState.IN_FORCE, MappingState.ENDED)


def valid_on(day: date) -> Q:
    """Return which mappings counted on a day: what has ended since counts for the days before."""
    return Q(state__in=EFFECTIVE, begins__lte=day) & (Q(until=None) | Q(until__gt=day))


def translate(
    institution: Institution, dictionary: str, values: Iterable[str], on: date | None = None
) -> dict[str, str | None]:
    """Return each of `values` → the code it is mapped to on the day `on` (today), None where there is none.

    One query for any number of values.
    """
    keys = {value: key_of(value) for value in values}
    if not keys:
        return {}
    # an array is one parameter; seventy thousand of them would be more than the protocol carries
    wanted = RawSQL("SELECT unnest(%s::text[])", [sorted(set(keys.values()))])
    rows = ValueMapping.objects.filter(
        valid_on(on or timezone.localdate()), institution=institution, set_code=dictionary, key__in=wanted
    )
    found: dict[str, str] = dict(rows.values_list("key", "target"))
    return {value: found.get(key) for value, key in keys.items()}


def mappings_of(actor: Actor) -> QuerySet[ValueMapping]:
    """Return the mappings of the institution at hand that the actor may see."""
    rows: QuerySet[ValueMapping] = ValueMapping.objects.filter(institution=actor.institution)
    if actor.person is not None:
        rows = ValueMapping.objects.visible_to(actor.person).filter(institution=actor.institution)
    return rows.select_related("owner", "proposed_by", "approved_by")


def missing_of(actor: Actor) -> QuerySet[MissingValue]:
    """Return what nobody has mapped yet in the institution at hand, with `rows`: how many things wait for it."""
    rows: QuerySet[MissingValue] = MissingValue.objects.filter(institution=actor.institution)
    if actor.person is not None:
        rows = MissingValue.objects.visible_to(actor.person).filter(institution=actor.institution)
    waits = Count("waiting", filter=Q(waiting__released_at=None))
    return rows.filter(settled_at=None).annotate(rows=waits)
