"""Settling differences: the platform's is taken over, ours is said again, or it is set aside with a reason.

What changes a relation is proposed here and let go by another person under 待审核; only what two persons have already
approved (ours, as it stands) is sent again at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone

from insurance.mapping.choices import (
    DifferenceKind,
    EndingKind,
    EndingState,
    MappingState,
    Source,
    WorkState,
)
from insurance.mapping.delivery.submitting import Queued, queue_endings, queue_mappings
from insurance.mapping.errors import MappingError
from insurance.mapping.models import Difference, Ending, HospitalItem, Mapping, PlatformMapping
from insurance.mapping.models.relations import OPEN_END
from insurance.mapping.review.services.ending import too_long
from insurance.mapping.review.services.proposing import propose_mapping
from insurance.mapping.rules import must_map
from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed

GONE = "平台核对结果已经变化，请重新核对后再处理"
NO_ITEM = "本院没有这个项目。请先在「院内收费项目」新建，或在平台网页终止这条对照"
MINUS_ONE = dt.timedelta(days=1)


@dataclass
class Settled:
    """What became of the differences chosen, each left out with its reason; `waiting` now wait for a second person."""

    done: list[Difference] = field(default_factory=list)
    skipped: list[tuple[Difference, str]] = field(default_factory=list)
    waiting: int = 0
    queued: int = 0


Act = Callable[[Actor, Difference, Settled], str]


@transaction.atomic
def adopt_platform(actor: Actor, *, differences: Iterable[Difference]) -> Settled:
    """以平台为准: propose that ours becomes what the platform holds. Nothing is sent. Raises NotAllowed."""
    actor.must("mapping.decide")
    return _each(actor, differences, _adopt, "mapping.adopt", "以平台为准")


@transaction.atomic
def send_ours(actor: Actor, *, differences: Iterable[Difference]) -> Settled:
    """以本院为准: send ours again where the platform lacks it; what it has too much is proposed to end there.

    Raises NotAllowed.
    """
    actor.must("mapping.decide")
    return _each(actor, differences, _send, "mapping.keep", "以本院为准")


@transaction.atomic
def ignore(actor: Actor, *, differences: Iterable[Difference], reason: str) -> Settled:
    """不处理: set differences aside until one of the two sides changes. Raises NotAllowed, MappingError."""
    actor.must("mapping.decide")
    words = reason.strip()
    if not words:
        raise MappingError("不处理须填写原因。")

    def set_aside(actor: Actor, one: Difference, settled: Settled) -> str:
        one.state = WorkState.IGNORED
        return words

    return _each(actor, differences, set_aside, "mapping.ignore", "不处理")


def _each(actor: Actor, differences: Iterable[Difference], act: Act, action: str, word: str) -> Settled:
    settled = Settled()
    rows = Difference.objects.select_for_update(of=("self",)).filter(
        institution=actor.institution, pk__in=[one.pk for one in differences]
    )
    for one in rows.select_related("item", "mapping__item", "platform").order_by("pk"):
        try:
            with transaction.atomic():
                _settle(actor, one, act, settled)
            settled.done.append(one)
        except (MappingError, NotAllowed) as error:
            settled.skipped.append((one, str(error)))
        except IntegrityError:
            settled.skipped.append((one, "与本院另一条对照的有效期或待审核申请冲突，请先处理那一条"))
    if settled.done:
        subjects = [one.mapping or one.item or one for one in settled.done]
        record(actor, action, subjects, label=f"{word} {len(settled.done)} 条", reason=settled.done[0].reason)
    return settled


def _settle(actor: Actor, one: Difference, act: Act, settled: Settled) -> None:
    if one.state not in (WorkState.OPEN, WorkState.IGNORED):
        raise MappingError(f"已是「{one.get_state_display()}」，不用再处理")
    one.state = WorkState.HANDLED
    one.reason = act(actor, one, settled)[:300]
    one.settled_by, one.settled_at = actor.person, timezone.now()
    one.save(update_fields=["state", "reason", "settled_by", "settled_at"])


# ——— 以平台为准 ———


def _adopt(actor: Actor, one: Difference, settled: Settled) -> str:
    must_map(actor, one.list_type)
    settled.waiting += 1
    if one.kind == DifferenceKind.MISSING:
        _propose_end(actor, _ours(one), EndingKind.REMOVE, None, "平台没有这条对照，以平台为准", quiet=True)
        return "以平台为准：本院对照撤销，待审核"
    if one.kind == DifferenceKind.EXTRA:
        return _take_over(actor, one)
    ours, theirs = _ours(one), _theirs(one)
    if ours.state == MappingState.ENDED:
        raise MappingError("本院已终止这条对照。请「以本院为准」在平台再次终止，或重新对码")
    if (ours.med_list_codg, ours.begndate) == (theirs.med_list_codg, theirs.begndate):
        return _take_end(actor, ours, theirs)
    if theirs.begndate < ours.begndate:
        _propose_end(actor, ours, EndingKind.REMOVE, None, "平台是另一条更早的对照，以平台为准", quiet=True)
        return "以平台为准：先撤销本院对照，待审核；通过并重新核对后，再采用平台的"
    return _take_over(actor, one)


def _take_over(actor: Actor, one: Difference) -> str:
    """Propose theirs as ours; once another person lets it go it is in force without a message."""
    theirs = _theirs(one)
    made = propose_mapping(
        actor,
        item=_item(one),
        code=theirs.med_list_codg,
        begndate=theirs.begndate,
        enddate=min(theirs.enddate or OPEN_END, OPEN_END),
        source=Source.ADOPTED,
        memo="以平台为准（平台核对）",
    )
    PlatformMapping.objects.filter(pk=theirs.pk).update(mapping=made)
    return "以平台为准：采用平台的对照，待审核"


def _take_end(actor: Actor, ours: Mapping, theirs: PlatformMapping) -> str:
    """Let ours end when theirs does; where theirs was taken back, yesterday is the last day it held."""
    last = theirs.enddate or OPEN_END
    if theirs.vali_flag == "0":
        last = min(last, timezone.localdate() - MINUS_ONE)
    if last < ours.begndate:
        _propose_end(actor, ours, EndingKind.REMOVE, None, "平台已失效，以平台为准", quiet=True)
        return "以平台为准：本院对照撤销，待审核"
    if words := too_long(ours, last):
        raise MappingError(f"不能采用平台的结束日期 {last}：{words}。请「以本院为准」")
    _propose_end(actor, ours, EndingKind.END, last, "与平台的结束日期一致", quiet=True)
    return f"以平台为准：本院对照的结束日期改为 {last}，待审核"


# ——— 以本院为准 ———


def _send(actor: Actor, one: Difference, settled: Settled) -> str:
    if one.kind == DifferenceKind.EXTRA:
        settled.waiting += 1
        return _end_theirs(actor, one, None)
    ours = _ours(one)
    if one.kind == DifferenceKind.MISSING or one.platform is None:
        return _again(actor, ours, settled)
    theirs = _theirs(one)
    if (ours.med_list_codg, ours.begndate) != (theirs.med_list_codg, theirs.begndate):
        settled.waiting += 1
        return _end_theirs(actor, one, ours)
    if theirs.vali_flag == "0":
        return _again(actor, ours, settled)
    return _end_again(actor, ours, theirs, settled)


def _again(actor: Actor, ours: Mapping, settled: Settled) -> str:
    settled.queued += _sure(queue_mappings(actor, mappings=[ours], again=True))
    return "以本院为准：重新上传（3301）"


def _end_again(actor: Actor, ours: Mapping, theirs: PlatformMapping, settled: Settled) -> str:
    """Say our end again: by the ending that two persons approved, else by one that still needs the second."""
    before = ours.endings.filter(state=EndingState.DONE, kind=EndingKind.END, enddate=ours.enddate).last()
    if before is not None:
        Ending.objects.filter(pk=before.pk).update(state=EndingState.APPROVED)
        settled.queued += _sure(queue_endings(actor, endings=[before]))
        return "以本院为准：重新上传终止（3360）"
    if ours.state == MappingState.ENDED:
        raise MappingError("本院已终止，但没有可重传的终止申请。请在平台网页改结束日期后重新核对")
    settled.waiting += 1
    made = _propose_end(actor, ours, EndingKind.END, ours.enddate, "平台的结束日期与本院不同，以本院为准")
    Ending.objects.filter(pk=made.pk).update(enddate_before=theirs.enddate)
    return "以本院为准：上传结束日期（3360），待审核"


def _end_theirs(actor: Actor, one: Difference, ours: Mapping | None) -> str:
    """Propose to end or remove what the platform has too much; where ours takes its place, it is sent afterwards."""
    theirs = _theirs(one)
    until = (ours.begndate if ours is not None else timezone.localdate()) - MINUS_ONE
    kind = EndingKind.END if until >= theirs.begndate else EndingKind.REMOVE
    carrier = Mapping.objects.create(
        institution=one.institution, item=_item(one), list_type=one.list_type, med_list_codg=theirs.med_list_codg,
        begndate=theirs.begndate, enddate=theirs.enddate or OPEN_END, state=MappingState.REMOVED,
        source=Source.ADOPTED, proposed_by=actor.person, proposed_at=timezone.now(), told_at=timezone.now(),
        memo="平台多出，本院没有", words="平台多出的对照，申请在平台终止",
    )  # fmt: skip
    last = until if kind == EndingKind.END else None
    _propose_end(actor, carrier, kind, last, "平台多出，以本院为准", made_for=ours)
    word = "终止（3360）" if kind == EndingKind.END else "撤销（3302）"
    after = "，受理后自动上传本院的" if ours is not None else ""
    return f"以本院为准：在平台{word}，待审核{after}"


def _sure(queued: Queued) -> int:
    """Return how many were queued. Raises MappingError with the reason where none was."""
    if not queued.queued:
        reasons = [words for _, words in queued.left_out]
        raise MappingError(reasons[0] if reasons else "没有可上传的内容")
    return len(queued.queued)


def _propose_end(
    actor: Actor,
    mapping: Mapping,
    kind: EndingKind,
    enddate: dt.date | None,
    reason: str,
    *,
    quiet: bool = False,
    made_for: Mapping | None = None,
) -> Ending:
    open_one = mapping.endings.filter(state__in=[EndingState.PROPOSED, EndingState.APPROVED]).first()
    if open_one is not None:
        raise MappingError(f"已有一条「{open_one.get_kind_display()}」（{open_one.get_state_display()}），请先处理它")
    mapping.endings.filter(state=EndingState.RETURNED).update(state=EndingState.CANCELLED)
    made: Ending = Ending.objects.create(
        institution=mapping.institution, mapping=mapping, kind=kind, enddate=enddate, reason=reason, quiet=quiet,
        made_for=made_for, proposed_by=actor.person,
    )  # fmt: skip
    return made


def _ours(one: Difference) -> Mapping:
    if one.mapping is None:
        raise MappingError(GONE)
    return one.mapping


def _theirs(one: Difference) -> PlatformMapping:
    if one.platform is None:
        raise MappingError(GONE)
    return one.platform


def _item(one: Difference) -> HospitalItem:
    if one.item is None:
        raise MappingError(NO_ITEM)
    return one.item
