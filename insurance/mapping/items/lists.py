"""Which of our items a file imported as a whole did not name: for a person to look at, never stopped by itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from insurance.directory.values import as_text
from insurance.mapping.items.kinds import GROUPS, Group
from insurance.mapping.models import HospitalItem
from portal.people.actor import Actor
from portal.sheets.applying import converter_of
from portal.sheets.choices import ImportState
from portal.sheets.chunks import block_of, lines_of
from portal.sheets.importer import find
from portal.sheets.models import SheetImport

SHOWN = 10
# A list in which nothing is new cannot be confirmed, and names its items all the same.
READ = (ImportState.READY, ImportState.APPLIED)
BY_CODE: dict[str, Group] = {group.code: group for group in GROUPS}


def full_lists(actor: Actor) -> list[tuple[str, str]]:
    """Return the latest files of items that may have been whole lists, newest first, as choices."""
    found = _imports(actor).order_by("-pk")[:SHOWN]
    return [(str(one.pk), _words(one)) for one in found]


def not_in_list(items: QuerySet[Any], pk: int, actor: Actor) -> QuerySet[Any]:
    """Narrow items to those in use, of the kinds that the file of an import names, which the file does not name.

    What was made after the import is not missing. An import of another institution finds nothing.
    """
    sheet_import = _imports(actor).filter(pk=pk).first()
    if sheet_import is None:
        return items.none()
    named = _named(sheet_import)
    group = BY_CODE[sheet_import.importer]
    codes = {code for _, code in named}
    said = {kind for kind, _ in named if kind}
    ours = HospitalItem.objects.filter(institution=actor.institution, fixmedins_hilist_id__in=codes)
    met = ours.filter(list_type__in=group.list_types).values_list("list_type", flat=True).distinct()
    kinds = said or set(met)
    return items.filter(
        Q(enddate=None) | Q(enddate__gte=timezone.localdate()), list_type__in=kinds,
        created_at__lte=_moment(sheet_import),
    ).exclude(pk__in=ours.filter(list_type__in=kinds).values("pk"))  # fmt: skip


def _imports(actor: Actor) -> QuerySet[SheetImport]:
    found: QuerySet[SheetImport] = SheetImport.objects.filter(
        institution=actor.institution, importer__in=BY_CODE, state__in=READ, checked_at__isnull=False
    )
    return found


def _moment(one: SheetImport) -> dt.datetime | None:
    return one.applied_at or one.checked_at


def _words(one: SheetImport) -> str:
    day = timezone.localtime(_moment(one)).strftime("%m-%d %H:%M")
    return f"{one.label} {one.file_name}（{day}，{one.total_rows:,} 行）"


def _named(sheet_import: SheetImport) -> set[tuple[str, str]]:
    """Return (kind or '', code) of every line of the file, those in error too: they stand in the list all the same."""
    importer = find(sheet_import.importer)
    if importer is None:
        return set()
    converter = converter_of(sheet_import, importer)
    found = set()
    for chunk in sheet_import.chunks.iterator(chunk_size=1):
        lines = lines_of(chunk)
        for row in converter.rows(block_of(lines)) if lines else ():
            values = row.values
            found.add((as_text(values.get("list_type")), as_text(values.get("fixmedins_hilist_id"))))
    return found
