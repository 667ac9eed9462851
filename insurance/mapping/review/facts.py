"""What a relation says, as it is kept beside it and as it is shown: facts of the code, and a digest of the whole."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from insurance.catalogue.models import Item
from insurance.mapping.models import Mapping

CODE_COLUMNS = ("name", "generic", "spec", "dosform", "pacspec", "unit", "maker", "aprvno", "limits", "ver")


def facts_of(row: Item | None) -> dict[str, str]:
    """Return what a person saw of a code: its columns, and from when until when it holds ("" open)."""
    if row is None:
        return {}
    facts = {name: str(getattr(row, name) or "") for name in CODE_COLUMNS}
    return facts | {"begndate": _day(row.begndate), "enddate": _day(row.enddate), "vali_flag": row.vali_flag}


def digest_of(mapping: Mapping) -> str:
    """Return a fingerprint of what the second person says yes to; another proposal of the same row has another."""
    item = mapping.item
    told: list[Any] = [
        mapping.pk, mapping.item_id, mapping.list_type, mapping.med_list_codg, str(mapping.begndate),
        str(mapping.enddate), mapping.memo, mapping.replaces_id, mapping.code_facts, str(mapping.proposed_at),
        item.fixmedins_hilist_name, item.spec, item.dosform, item.pacspec, item.prodentp_name, item.aprvno,
        item.prcunt, item.item_cont, item.exct_cont,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:32]


def contradicts(mapping: Mapping) -> bool:
    """Say whether any of the reasons for which the code was taken speaks against it."""
    return any(reason.get("agrees") is False for reason in mapping.reasons if isinstance(reason, dict))


def _day(day: Any) -> str:
    return str(day) if day else ""
