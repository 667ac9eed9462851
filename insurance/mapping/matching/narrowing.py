"""The few catalogue rows that one item may mean, by the catalogue's own index: for one item, while a person waits."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from insurance.catalogue.kinds import infno_of
from insurance.catalogue.looks import APPROVAL, LOOKS, Bears, Opens
from insurance.catalogue.models import Item
from insurance.mapping.matching import names, numbers
from insurance.mapping.matching.facts import CodeRow, ItemRow
from insurance.mapping.matching.plain import SUPPLY
from insurance.mapping.matching.text import plain
from insurance.mapping.matching.translating import COLUMNS, code_rows, plain_kind

# No more rows than these are compared; when there are more, nothing is called certain.
MOST = 4_000
# A catalogue of services or slices is no longer than this.
FEW = 40_000
# Names of the same approval number whose other rows are looked at too.
NAMES = 3


def narrowed(list_type: str, item: ItemRow) -> tuple[list[CodeRow], bool]:
    """Return the rows that may be meant, and whether these are all of them."""
    rows = _rows(list_type)
    pointed = list(code_rows(rows.filter(_numbered(item)).values_list(*COLUMNS)[:MOST])) if item.aprvno else []
    wanted = [_core(list_type, item.name), *(_core(list_type, row.name) for row in pointed[:NAMES])]
    found = _named(rows, list_type, [signs for signs in wanted if signs])
    if not found and not pointed:
        found = _named(rows, list_type, _torn(wanted[0])) or _all_of_few(rows, list_type)
    by_code = {row.code: row for row in (*pointed, *found)}
    return list(by_code.values()), len(found) < MOST


def _rows(list_type: str) -> QuerySet[Item]:
    return Item.objects.filter(infno=infno_of(list_type), current=True, vali_flag="1")


def _numbered(item: ItemRow) -> Q:
    found = Q(pk__in=[])
    for letters, digits in numbers.parse(item.aprvno).numbers:
        for spelled in {letters, letters.replace("j", ""), f"{letters}j", "j", ""}:
            found |= Q(Opens(APPROVAL, f"{spelled.upper()}{digits}"))
    return found


def _core(list_type: str, name: str) -> frozenset[str]:
    """The Chinese characters (or, without any, letters and digits) that a name of the same thing bears too."""
    kind = plain_kind(list_type)
    core = re.sub(r"\(.*", "", plain(name)) if kind else names.parse(name).base
    signs = frozenset(sign for sign in core if sign.isalnum() and not sign.isascii())
    return signs or frozenset(sign for sign in core if sign.isalnum())


def _all_of_few(rows: QuerySet[Item], list_type: str) -> list[CodeRow]:
    """All services or slices, which are few: a name in quite other words is looked for among them."""
    few = plain_kind(list_type) not in ("", SUPPLY)
    return list(code_rows(rows.values_list(*COLUMNS)[:FEW])) if few else []


def _torn(signs: frozenset[str]) -> list[frozenset[str]]:
    """The same characters without one each: one was mistyped."""
    return [signs - {sign} for sign in sorted(signs)] if len(signs) > 2 else []


def _named(rows: QuerySet[Item], list_type: str, wanted: list[frozenset[str]]) -> list[CodeRow]:
    if not wanted:
        return []
    mark = f"@{infno_of(list_type)}"
    condition = reduce(or_, (Q(Bears(LOOKS, [*sorted(signs), mark])) for signs in wanted))
    return list(code_rows(rows.filter(condition).values_list(*COLUMNS)[:MOST]))
