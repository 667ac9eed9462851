"""The new codes among which a person chooses where an old one was split, each with how it differs from the item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from insurance.mapping.matching.services import compare_facts
from insurance.mapping.models import HospitalItem
from insurance.mapping.switching.facts import Known


def candidates_of(
    item: HospitalItem, codes: Sequence[tuple[str, str]], found: Mapping[tuple[str, str], Known]
) -> list[dict[str, Any]]:
    """Return {"code", "name", "score", "reasons", "known"} of each new code (code, name), the likeliest first.

    Reasons are as in models.Suggestion, `score` is the share of them that agree. A code that the catalogue does not
    have yet has none.
    """
    made = [_candidate(item, code, name, found.get((item.list_type, code), Known(None))) for code, name in codes]
    return sorted(made, key=lambda one: (-one["score"], one["code"]))


def _candidate(item: HospitalItem, code: str, name: str, known: Known) -> dict[str, Any]:
    row = known.row
    if row is None:
        return {"code": code, "name": name, "score": 0.0, "reasons": [], "known": False}
    reasons = compare_facts(item, row)
    told = [one for one in reasons if one["agrees"] is not None]
    score = sum(1 for one in told if one["agrees"]) / len(told) if told else 0.0
    return {"code": code, "name": row.name or name, "score": round(score, 4), "reasons": reasons, "known": True}
