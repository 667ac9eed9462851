"""What a load changed, row by row and column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, TextField, Value, When

from insurance.catalogue.choices import Change
from insurance.catalogue.models import Item, Load


@dataclass(frozen=True)
class Difference:
    """One column that differs: its place in the row (from 0), what it was and what it is (None: nothing)."""

    place: int
    before: str | None
    after: str | None


def with_changes(load: Load) -> QuerySet[Item]:
    """Return the rows that a load brought or ended, each with `before_id` and `change` (queries.changes_of)."""
    past = Item.objects.filter(infno=load.infno, rid=OuterRef("rid"), replaced_by=load, current=False)
    brought = Item.objects.filter(infno=OuterRef("infno"), rid=OuterRef("rid"), load=load)
    gone = Q(replaced_by=load, current=False) & ~Exists(brought)
    rows: QuerySet[Item] = (
        Item.objects.filter(Q(load=load) | gone, infno=load.infno)
        .annotate(
            before_id=Case(When(load=load, then=Subquery(past.values("pk")[:1])), default="pk"),
            before_flag=Subquery(past.values("vali_flag")[:1], output_field=TextField()),
        )
        .annotate(change=_change(load))
    )
    return rows


def _change(load: Load) -> Case:
    ended = Q(before_flag="1") & ~Q(vali_flag="1") | ~Q(load=load)
    return Case(
        When(ended, then=Value(Change.ENDED.value)),
        When(before_id=None, then=Value(Change.NEW.value)),
        default=Value(Change.CHANGED.value),
        output_field=TextField(),
    )


def differences(before: Sequence[str | None], after: Sequence[str | None]) -> list[Difference]:
    """Return the columns in which two rows differ; a column that only one of them has counts as empty in the other."""
    width = max(len(before), len(after))
    pairs = zip(_filled(before, width), _filled(after, width), strict=True)
    return [Difference(place, old, new) for place, (old, new) in enumerate(pairs) if old != new]


def _filled(cells: Sequence[str | None], width: int) -> list[str | None]:
    return [*cells, *([None] * (width - len(cells)))]
