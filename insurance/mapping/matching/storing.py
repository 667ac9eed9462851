"""Suggestions as they are kept: which are still fresh, which items need one, writing many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from insurance.catalogue import queries as catalogue
from insurance.catalogue.paying import yuan
from insurance.mapping.choices import STANDING, Certainty, FindingKind, MappingState, WorkState
from insurance.mapping.matching.facts import Result
from insurance.mapping.matching.translating import digest_of
from insurance.mapping.models import Finding, HospitalItem, Suggestion
from insurance.mapping.models import Mapping as Relation
from insurance.mapping.pricing import price_level
from portal.people.models import Institution

WRITTEN = ["certainty", "score", "candidates", "deciding", "item_digest", "catalogue_ver", "made_at"]


def unmapped(institution: Institution, list_type: str) -> QuerySet[HospitalItem]:
    """Return the items in use that need a code: without a relation that stands or waits, or with one that broke."""
    today = timezone.localdate()
    relations = Relation.objects.filter(item=OuterRef("pk"))
    standing = relations.filter(state__in=[state.value for state in STANDING], enddate__gte=today)
    proposed = relations.filter(state=MappingState.PROPOSED)
    broken = Finding.objects.filter(mapping__item=OuterRef("pk"), kind=FindingKind.BROKEN, state=WorkState.OPEN)
    rows: QuerySet[HospitalItem] = HospitalItem.objects.filter(
        Q(enddate=None) | Q(enddate__gte=today), institution=institution, list_type=list_type, no_code=False
    )
    return rows.filter((~Exists(standing) & ~Exists(proposed)) | Exists(broken))


def is_fresh(item: HospitalItem, suggestion: Suggestion | None, stamp: str) -> bool:
    """Say whether a suggestion was made of the item as it is now and of the catalogue with this stamp."""
    return suggestion is not None and suggestion.catalogue_ver == stamp and suggestion.item_digest == digest_of(item)


def stale(items: Iterable[HospitalItem], stamp: str) -> list[HospitalItem]:
    """Return those of `items` (with their suggestions) whose suggestion is missing or no longer fresh."""
    return [item for item in items if not is_fresh(item, getattr(item, "suggestion", None), stamp)]


def store(found: Sequence[tuple[HospitalItem, Result]], stamp: str) -> list[Suggestion]:
    """Keep what was suggested for items of one kind of one institution; who put an item aside is left as it is."""
    if not found:
        return []
    prices = _ceilings([item for item, _ in found], {one.code for _, result in found for one in result.candidates})
    rows = [
        Suggestion(
            item=item,
            certainty=Certainty(result.certainty),
            score=Decimal(str(result.candidates[0].score)) if result.candidates else None,
            candidates=[_candidate(item, one, prices) for one in result.candidates],
            deciding=list(result.deciding),
            item_digest=digest_of(item),
            catalogue_ver=stamp,
            made_at=timezone.now(),
        )
        for item, result in found
    ]
    Suggestion.objects.bulk_create(rows, update_conflicts=True, unique_fields=["item"], update_fields=WRITTEN)
    return rows


def _candidate(item: HospitalItem, one: Any, prices: Mapping[str, Decimal]) -> dict[str, Any]:
    reasons = [reason.as_json() for reason in one.reasons]
    ceiling = prices.get(one.code)
    if ceiling is not None and item.pric is not None:
        told = {"what": "价格", "ours": yuan(item.pric), "theirs": f"限价 {yuan(ceiling)}"}
        reasons.append({**told, "agrees": item.pric <= ceiling})
    return {"code": one.code, "score": one.score, "reasons": reasons}


def _ceilings(items: Sequence[HospitalItem], codes: set[str]) -> dict[str, Decimal]:
    """Code → the price ceiling (1318) in the hospital's own area today, where there is one."""
    institution, day = items[0].institution, timezone.localdate()
    terms = catalogue.terms_for(items[0].list_type, sorted(codes), day, institution.admdvs, price_level(institution))
    return {code: one.ceiling for code, one in terms.items() if one.ceiling is not None}
