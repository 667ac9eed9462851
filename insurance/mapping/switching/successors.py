"""The new codes among which a person chooses where an old one was split, each with how it differs from the item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from insurance.mapping.models import HospitalItem
from insurance.mapping.switching.facts import Known

# Column of the hospital's item → column of the catalogue's row, with its word.
COMPARED = (
    ("fixmedins_hilist_name", "name", "名称"),
    ("spec", "spec", "规格"),
    ("dosform", "dosform", "剂型"),
    ("pacspec", "pacspec", "包装"),
    ("prodentp_name", "maker", "生产企业"),
    ("aprvno", "aprvno", "批准文号"),
)


def candidates_of(
    item: HospitalItem, codes: Sequence[tuple[str, str]], found: Mapping[tuple[str, str], Known]
) -> list[dict[str, Any]]:
    """Return {"code", "name", "score", "reasons"} of each new code (code, name by the bureau), the likeliest first.

    Reasons are as in models.Suggestion. A code that the catalogue does not have yet has none, and the score 0.
    """
    made = [_candidate(item, code, name, found.get((item.list_type, code), Known(None))) for code, name in codes]
    return sorted(made, key=lambda one: (-one["score"], one["code"]))


def _candidate(item: HospitalItem, code: str, name: str, known: Known) -> dict[str, Any]:
    row = known.row
    if row is None:
        return {"code": code, "name": name, "score": 0.0, "reasons": [], "known": False}
    reasons = [
        {"what": word, "ours": str(getattr(item, ours)), "theirs": str(getattr(row, theirs) or ""),
         "agrees": _plain(getattr(item, ours)) == _plain(getattr(row, theirs))}
        for ours, theirs, word in COMPARED
        if getattr(item, ours) and getattr(row, theirs)
    ]  # fmt: skip
    score = sum(1 for one in reasons if one["agrees"]) / len(reasons) if reasons else 0.0
    return {"code": code, "name": row.name or name, "score": round(score, 4), "reasons": reasons, "known": True}


def _plain(text: object) -> str:
    return "".join(str(text or "").lower().split()).replace("（", "(").replace("）", ")").replace("×", "*")
