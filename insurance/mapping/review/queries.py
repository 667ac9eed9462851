"""Reading relations for the lists: what waits for the second person, and what stands how."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from insurance.mapping.choices import EndingState, MappingState
from insurance.mapping.delivery.queries import BAD, FOR_BUREAU, IDLE, QUEUED, REFUSED, UNKNOWN
from insurance.mapping.models import ApprovalLook, Ending, Mapping
from insurance.mapping.review.facts import contradicts
from portal.approvals.rules import may_decide
from portal.people.actor import Actor

APPROVE = "mapping.approve"
NOW = (MappingState.APPROVED, MappingState.IN_FORCE)
# Tabs of 待审核 over `to_approve`.
APPROVALS: dict[str, tuple[str, Q]] = {
    "todo": ("待审核", Q(mine=False)),
    "certain": ("确定", Q(mine=False, certain=True, replaces=None)),
    "unsure": ("非确定", Q(mine=False, certain=False)),
    "replacing": ("更换编码", Q(mine=False, replaces__isnull=False)),
    "mine": ("我提出的", Q(mine=True)),
    "all": ("全部", Q()),
}
# Tabs of 待审核 of endings over `endings_to_approve`.
ENDINGS: dict[str, tuple[str, Q]] = {
    "todo": ("待审核", Q(mine=False)),
    "mine": ("我提出的", Q(mine=True)),
    "all": ("全部", Q()),
}
# Tabs of 已对照 over `relations_of`: a relation may stand under several.
RELATIONS: dict[str, tuple[str, Q]] = {
    "in_force": ("生效中", Q(state=MappingState.IN_FORCE, over=False) & ~BAD),
    "queued": ("待上传 / 上传中", IDLE | QUEUED),
    "refused": ("上传失败", REFUSED),
    "unknown": ("结果待查", UNKNOWN),
    "waiting": ("待局方", FOR_BUREAU),
    "failed": ("局方不通过", BAD),
    "soon": ("即将到期", Q(state__in=NOW, soon=True, over=False)),
    "ended": ("已终止", Q(state__in=[MappingState.ENDED, MappingState.REMOVED]) | Q(state__in=NOW, over=True)),
    "undecided": ("未通过", Q(state__in=[MappingState.PROPOSED, MappingState.RETURNED, MappingState.CANCELLED])),
    "all": ("全部", Q()),
}


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def here(actor: Actor) -> QuerySet[Mapping]:
    """Return the relations of the institution at hand that the actor may see."""
    rows: QuerySet[Mapping] = Mapping.objects.filter(institution=actor.institution)
    if actor.person is not None:
        rows = Mapping.objects.visible_to(actor.person).filter(institution=actor.institution)
    return rows.select_related("item", "proposed_by", "approved_by")


def to_approve(actor: Actor) -> QuerySet[Mapping]:
    """Return the proposals that wait; `mine` says that the actor made them and may not approve them."""
    rows = here(actor).filter(state=MappingState.PROPOSED).select_related("replaces")
    return rows.annotate(mine=_flag(Q(proposed_by=actor.person)))


def endings_to_approve(actor: Actor) -> QuerySet[Ending]:
    """Return the endings that wait for the second person."""
    rows: QuerySet[Ending] = Ending.objects.filter(institution=actor.institution, state=EndingState.PROPOSED)
    if actor.person is not None:
        rows = rows & Ending.objects.filter(mapping__in=here(actor).values("pk"))
    return rows.select_related("mapping__item", "proposed_by").annotate(mine=_flag(Q(proposed_by=actor.person)))


def relations_of(actor: Actor) -> QuerySet[Mapping]:
    """Return all relations; `over` has passed its end, `soon` ends within CODE_ENDING_DAYS."""
    today = timezone.localdate()
    last = today + dt.timedelta(days=settings.CODE_ENDING_DAYS)
    return here(actor).annotate(
        over=_flag(Q(enddate__lt=today)),
        soon=_flag(Q(enddate__lte=last)),
        ending_waits=Exists(Ending.objects.filter(mapping=OuterRef("pk"), state=EndingState.PROPOSED)),
    )


def attach_reasons(actor: Actor, rows: Iterable[Any]) -> None:
    """Give each row `barred` (why the actor cannot be its second person, "") and `against` (contradicting facts)."""
    known: dict[int | None, str] = {}
    for row in rows:
        key = row.proposed_by_id
        if key not in known:
            known[key] = may_decide(actor, APPROVE, row.proposed_by)
        row.barred = known[key]
        row.against = isinstance(row, Mapping) and contradicts(row)


def looks_of(mapping: Mapping) -> list[ApprovalLook]:
    """Return in which rounds a relation was drawn, why, and when it was looked at."""
    return list(ApprovalLook.objects.filter(mapping=mapping).select_related("round__person").order_by("round_id"))
