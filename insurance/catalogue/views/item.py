"""One code: every column by its label, its versions, what the area pays, what of the hospital uses it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from insurance.catalogue.kinds import kind_of
from insurance.catalogue.models import Item
from insurance.catalogue.paying import areas_of
from insurance.catalogue.registry import uses_known, uses_of
from insurance.catalogue.searching import said, within
from insurance.catalogue.showing import changed_columns, columns_of, groups_of, short_label
from insurance.catalogue.standing import standing_of, standing_words
from insurance.exchange.pages.links import link_in
from portal.lists.searching import fold
from portal.people.guard import ActorRequest, needs

VIEW = "catalogue.view"
MOST_SIMILAR = 10


@require_GET
@needs(VIEW)
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One row of a catalogue, current or replaced. Unknown → 404."""
    item = get_object_or_404(Item.objects.select_related("load", "replaced_by"), pk=pk)
    today = timezone.localdate()
    _, book = link_in(request)
    columns = columns_of(book, item.infno)
    context = {
        "item": item,
        "kind": short_label(item.infno),
        "standing": standing_of(item, today),
        "standing_words": standing_words(item, today),
        "newer": None if item.current else Item.objects.filter(infno=item.infno, rid=item.rid, current=True).first(),
        "groups": groups_of(item, columns),
        "versions": _versions(item, columns),
        "areas": areas_of(item, request.actor.institution, today) if kind_of(item.infno).list_types else [],
        "uses": uses_of(request.actor, item),
        "uses_known": uses_known() and bool(kind_of(item.infno).list_types),
        "similar": _similar(item),
        "similar_words": item.generic or item.name,
    }
    return render(request, "catalogue/item.html", context)


def _versions(item: Item, columns: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the rows of the same number, newest first, each with the columns in which it differs from the one before.

    The first difference of a row is told against the row that it replaced.
    """
    rows = list(
        Item.objects.filter(infno=item.infno, rid=item.rid).select_related("load", "replaced_by").order_by("-pk")
    )
    found = []
    for place, row in enumerate(rows):
        before = rows[place + 1] if place + 1 < len(rows) else None
        changes = changed_columns(before, row, columns) if before else []
        found.append({"row": row, "first": before is None, "changes": changes, "this": row.pk == item.pk})
    return found


def _similar(item: Item) -> list[Item]:
    """Return other current codes of the same generic name, which a person might have meant."""
    name = item.generic or item.name
    if not name:
        return []
    same = Item.objects.filter(said(fold(name)), within(item.infno), current=True).exclude(pk=item.pk).defer("cells")
    found = list(same.order_by()[: MOST_SIMILAR * 20])
    today = timezone.localdate()
    for row in found:
        row.standing = standing_of(row, today)  # type: ignore[attr-defined]
    return sorted(found, key=lambda row: (row.generic != item.generic, row.name, row.spec, row.maker))[:MOST_SIMILAR]
