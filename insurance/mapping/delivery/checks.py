"""What must still hold when a relation leaves: the catalogue may have changed since it was approved."""

from __future__ import annotations

from collections.abc import Iterable

from insurance.catalogue import queries as catalogue
from insurance.catalogue.models import Item
from insurance.mapping.choices import ListType
from insurance.mapping.models import Mapping

# Kinds whose national catalogue is not among 1301–1319 (mapping.md), so there is nothing to check against.
WITHOUT_CATALOGUE = (ListType.OTHER, ListType.GRANULE)


def code_faults(mappings: Iterable[Mapping]) -> dict[int, str]:
    """Return mapping pk → why its code does not carry it (missing, out of force, shorter): one query a kind.

    Noted at each record too (`code_fault`), so that making its message does not ask again.
    """
    mappings = list(mappings)
    by_kind: dict[str, list[Mapping]] = {}
    for one in mappings:
        if one.list_type not in WITHOUT_CATALOGUE:
            by_kind.setdefault(one.list_type, []).append(one)
    found: dict[int, str] = {}
    for kind, group in by_kind.items():
        rows = catalogue.code_rows(kind, {one.med_list_codg for one in group})
        found |= {one.pk: words for one in group if (words := _fault(one, rows.get(one.med_list_codg)))}
    for one in mappings:
        one.code_fault = found.get(one.pk, "")
    return found


def code_fault(mapping: Mapping) -> str:
    """Return why its code does not carry a relation, "" when it does; asked once for a record as it was read."""
    if mapping.code_fault is None:
        code_faults([mapping])
    return mapping.code_fault or ""


def _fault(mapping: Mapping, code: Item | None) -> str:
    name = f"医疗目录编码 {mapping.med_list_codg}"
    if code is None:
        return f"{name} 不在本院已更新的医保目录中。请先更新目录，仍没有则重新对码"
    begin, end, valid = catalogue.validity(code)
    if not valid:
        return f"{name} 已停用。请重新对码"
    if begin is not None and mapping.begndate < begin:
        return f"开始日期 {mapping.begndate} 早于{name} 的生效日期 {begin}。请改开始日期后重新提交审核"
    if end is not None and mapping.enddate > end:
        return f"结束日期 {mapping.enddate} 晚于{name} 的失效日期 {end}。请改结束日期，或换用新编码"
    return ""
