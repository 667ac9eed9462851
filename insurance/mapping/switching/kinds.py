"""Of which kind (目录类别) a code of the bureau's table is, where the table does not say."""

from __future__ import annotations

from collections.abc import Iterable

from insurance.catalogue.kinds import kind_of
from insurance.catalogue.models import Item
from insurance.mapping.models import Mapping
from insurance.mapping.rules import letters


def list_types_of(codes: Iterable[str]) -> dict[str, str]:
    """Return code → 目录类别: by the catalogue that holds it, else by relations to it, else by how it begins.

    Codes of which nothing is known are left out.
    """
    wanted = set(codes)
    found = {code: kind for code in wanted if (kind := _by_letters(code))}
    found |= dict(Mapping.objects.filter(med_list_codg__in=wanted).values_list("med_list_codg", "list_type"))
    for code, infno in Item.objects.filter(code__in=wanted).values_list("code", "infno").distinct():
        types = kind_of(infno).list_types
        if types and found.get(code) not in types:
            found[code] = types[0]
    return found


def _by_letters(code: str) -> str:
    rules = ((kind, rule.beginnings) for kind, rule in letters().items() if rule.beginnings)
    return next((kind for kind, beginnings in rules if code.startswith(beginnings)), "")
