"""Which columns a person sees, in which order, how many rows a page, how dense: the view's, else theirs, else ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from portal.lists.choices import Density
from portal.lists.columns import ActionsColumn, SelectColumn
from portal.lists.models import ListLook, SavedView
from portal.lists.tables import ListTable
from portal.people.models import Person

SIZES = (20, 50, 100)
ALWAYS = (SelectColumn, ActionsColumn)


@dataclass(frozen=True)
class Place:
    """One column in the column chooser."""

    name: str
    label: str
    shown: bool


@dataclass(frozen=True)
class Appearance:
    """How the list looks to this person now."""

    places: tuple[Place, ...]
    size: int
    density: str
    view: SavedView | None = None

    @property
    def names(self) -> list[str]:
        """The visible columns in order, without those for hands."""
        return [place.name for place in self.places if place.shown]

    @property
    def columns(self) -> list[str]:
        """The arrangement as it is kept (models.Layout)."""
        return stored(self.places)


def stored(places: Iterable[Place]) -> list[str]:
    """Return an arrangement as it is kept: names in order, a hidden one with a minus."""
    return [place.name if place.shown else f"-{place.name}" for place in places]


def arrange(table: type[ListTable], kept: Sequence[str]) -> tuple[Place, ...]:
    """Return the table's columns as `kept` arranges them.

    Names that the table no longer has are passed over; columns that are new stand where the table has them. With
    nothing left to see the table's own arrangement counts.
    """
    own = {name: column for name, column in table.base_columns.items() if not isinstance(column, ALWAYS)}
    given = {name.lstrip("-"): not name.startswith("-") for name in kept if name.lstrip("-") in own}
    order = list(given)
    for place, name in enumerate(own):
        if name not in given:
            order.insert(min(place, len(order)), name)
    places = tuple(
        Place(name, str(own[name].verbose_name or name), given.get(name, name not in table.hidden_at_first))
        for name in order
    )
    return places if any(place.shown for place in places) or not kept else arrange(table, ())


def all_names(table: type[ListTable], names: Sequence[str]) -> list[str]:
    """Return the visible columns with 选择 first and 操作 last, where the table has them."""
    first = [name for name, column in table.base_columns.items() if isinstance(column, SelectColumn)]
    last = [name for name, column in table.base_columns.items() if isinstance(column, ActionsColumn)]
    return [*first, *names, *last]


def appearance(
    table: type[ListTable], path: str, person: Person, query: QueryDict, view: SavedView | None
) -> Appearance:
    """Return how the list looks: by the address's page size, the view, the person's own look, in this order."""
    layout: Any = view or look_of(person, path)
    size = next((size for size in SIZES if str(size) == query.get("per_page")), 0) or _size(layout)
    density = layout.density if layout is not None and layout.density in Density.values else Density.SMALL.value
    return Appearance(arrange(table, _names(layout)), size, density, view)


def look_of(person: Person, path: str) -> ListLook | None:
    """Return how the person left this list, None when they never changed it."""
    return ListLook.objects.filter(person=person, page=path).first()


def _size(layout: Any) -> int:
    return layout.size if layout is not None and layout.size in SIZES else SIZES[0]


def _names(layout: Any) -> list[str]:
    kept = layout.columns if layout is not None else []
    return [name for name in kept if isinstance(name, str)] if isinstance(kept, list) else []
