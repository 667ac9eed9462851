"""Items and catalogue rows of the database as the engine takes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils import timezone

from insurance.catalogue.models import Item
from insurance.mapping.choices import ListType
from insurance.mapping.matching import plain
from insurance.mapping.matching.facts import CodeRow, ItemRow
from insurance.mapping.models import HospitalItem

# Columns of catalogue.Item that the engine is given, in the order of `code_rows`.
COLUMNS = ("code", "name", "generic", "spec", "dosform", "pacspec", "unit", "maker", "aprvno", "enddate")
# Kinds whose codes are found by name; all others are drugs.
PLAIN = {
    ListType.SLICE: plain.SLICE,
    ListType.GRANULE: plain.SLICE,
    ListType.SERVICE: plain.SERVICE,
    ListType.CONSUMABLE: plain.SUPPLY,
}
# Raised when the rules of the engine change, so that what they said before is made anew.
EDITION = 3


def plain_kind(list_type: str) -> str:
    """Return by which rules codes of a kind of items are found by name, "" for drugs."""
    return PLAIN.get(ListType(list_type), "")


def code_rows(rows: Iterable[tuple[Any, ...]]) -> Iterator[CodeRow]:
    """Yield what the engine reads of tuples of COLUMNS; a code that has ended is left out."""
    today = timezone.localdate()
    for code, name, generic, spec, dosform, pacspec, unit, maker, aprvno, enddate in rows:
        if enddate is None or enddate >= today:
            yield CodeRow(code, name or generic, dosform, spec, pacspec, unit, maker, aprvno)


def code_row(row: Item) -> CodeRow:
    """Return what the engine reads of one catalogue row."""
    return CodeRow(
        row.code, row.name or row.generic, row.dosform, row.spec, row.pacspec, row.unit, row.maker, row.aprvno
    )


def item_row(item: HospitalItem) -> ItemRow:
    """Return what the engine reads of one item."""
    return ItemRow(
        item.fixmedins_hilist_name, item.dosform, item.spec, item.pacspec, item.prcunt, item.prodentp_name, item.aprvno,
        "" if item.pric is None else f"{item.pric.normalize():f}", item.fixmedins_hilist_id,
    )  # fmt: skip


def digest_of(item: HospitalItem) -> str:
    """Return a fingerprint of all that a suggestion for the item rests on, but for the catalogue."""
    row = item_row(item)
    told = [EDITION, item.list_type, *(getattr(row, name) for name in ItemRow.__slots__)]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()
