"""Ending a relation by a date (3360), or removing it as a mistake (3302): two persons, then delivery."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone

from insurance.mapping import rules
from insurance.mapping.choices import EndingKind, EndingState, MappingState
from insurance.mapping.delivery.outcomes import is_carrier
from insurance.mapping.delivery.submitting import morning_of, queue_endings
from insurance.mapping.errors import MappingError
from insurance.mapping.models import Ending, HospitalItem, Mapping, SwitchLine
from insurance.mapping.review.services.approving import reason_of
from portal.approvals.rules import must_differ
from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed

OPEN = (EndingState.PROPOSED, EndingState.RETURNED, EndingState.APPROVED)


@dataclass
class EndingsApproved:
    """What became of approved endings: those let go, those left out with the reason, and what was queued."""

    approved: list[Ending] = field(default_factory=list)
    left_out: list[tuple[Ending, str]] = field(default_factory=list)
    queued: int = 0
    held_back: list[str] = field(default_factory=list)


@transaction.atomic
def propose_ending(actor: Actor, *, mapping: Mapping, kind: str, enddate: dt.date | None = None, reason: str) -> Ending:
    """Propose that a relation ends on `enddate` (last day it holds), or is removed. Raises NotAllowed, MappingError."""
    rules.must_map(actor, mapping.item.list_type)
    locked = _mapping(actor, mapping)
    words = reason_of(reason, "提交")
    if why := not_endable(locked):
        raise MappingError(f"{locked}：{why}。")
    last = _last_day(locked, enddate) if kind == EndingKind.END else None
    Ending.objects.filter(mapping=locked, state=EndingState.RETURNED).update(state=EndingState.CANCELLED)
    made: Ending = Ending.objects.create(
        institution=locked.institution, mapping=locked, kind=kind, enddate=last, reason=words, proposed_by=actor.person
    )
    label = f"申请{made.get_kind_display()} {locked}" + (f"，最后有效日 {last}" if last else "")
    record(actor, "mapping.propose_ending", [locked, made], label=label, reason=words)
    return made


def not_endable(mapping: Mapping) -> str:
    """Return why neither an end nor a removal of a relation can be asked for, "" when it can."""
    if mapping.state == MappingState.APPROVED and mapping.told_at is None:
        return "还没有上传成功，平台没有这条对照。上传失败的可「作废」后重新对码"
    if mapping.state not in (MappingState.IN_FORCE, MappingState.APPROVED):
        return f"已是「{mapping.get_state_display()}」，不能终止或撤销"
    waiting = Ending.objects.filter(mapping=mapping, state__in=[EndingState.PROPOSED, EndingState.APPROVED]).first()
    if waiting is not None:
        return f"已有一条「{waiting.get_kind_display()}」（{waiting.get_state_display()}）"
    if Mapping.objects.filter(replaces=mapping, state=MappingState.PROPOSED).exists():
        return "有一条更换编码的对照待审核，通过后本条会自动终止"
    return ""


def _last_day(mapping: Mapping, enddate: dt.date | None) -> dt.date:
    if enddate is None:
        raise MappingError("没有提交：请填写最后有效日。")
    if not mapping.begndate <= enddate < mapping.enddate:
        words = f"最后有效日 {enddate} 应不早于开始日期 {mapping.begndate}，且早于现在的结束日期 {mapping.enddate}"
        raise MappingError(f"没有提交：{words}。从未使用过的请用「撤销（登记有误）」。")
    return enddate


@transaction.atomic
def approve_endings(actor: Actor, *, endings: Iterable[Ending]) -> EndingsApproved:
    """Let endings go, as the second person. What cannot go hinders no other. Raises NotAllowed when none may."""
    actor.must("mapping.approve")
    done = EndingsApproved()
    refused: list[NotAllowed] = []
    locked = _locked(actor, endings)
    for ending in locked:
        try:
            with transaction.atomic():
                _must_be_second(actor, ending)
                _let_go(actor, ending)
            done.approved.append(ending)
        except (NotAllowed, MappingError) as error:
            done.left_out.append((ending, str(error)))
            refused += [error] if isinstance(error, NotAllowed) else []
        except IntegrityError:
            done.left_out.append((ending, f"{ending}：有效期与另一条对照重叠，没有通过。请先处理另一条"))
    if refused and len(refused) == len(locked):
        raise refused[0]
    if done.approved:
        subjects = [thing for one in done.approved for thing in (one, one.mapping)]
        record(actor, "mapping.approve_ending", subjects, label=f"通过终止或撤销 {len(done.approved):,} 条")
        _queue(actor, done)
    return done


def _let_go(actor: Actor, ending: Ending) -> None:
    mapping = ending.mapping
    if ending.state != EndingState.PROPOSED:
        raise MappingError(f"{ending}：已是「{ending.get_state_display()}」，没有重复执行")
    if mapping.state not in (MappingState.IN_FORCE, MappingState.APPROVED) and not is_carrier(mapping):
        raise MappingError(f"{ending}：对照已是「{mapping.get_state_display()}」，不用再{ending.get_kind_display()}")
    if words := too_long(mapping, ending.enddate):
        raise MappingError(f"{ending}：{words}")
    ending.state, ending.approved_by, ending.approved_at = EndingState.APPROVED, actor.person, timezone.now()
    ending.enddate_before = mapping.enddate
    ending.save(update_fields=["state", "approved_by", "approved_at", "enddate_before"])
    if ending.enddate is not None:
        mapping.enddate = ending.enddate
        mapping.save(update_fields=["enddate", "changed_at"])


def too_long(mapping: Mapping, enddate: dt.date | None) -> str:
    """Return why a relation cannot hold until a later day than now (以平台为准), "" when it can or ends earlier."""
    if enddate is None or enddate <= mapping.enddate or is_carrier(mapping):
        return ""
    faults = rules.faults_of(
        mapping.item, mapping.med_list_codg, mapping.begndate, enddate, replaces=mapping, reason="以平台为准"
    )
    return "；".join(str(fault) for fault in faults)


def _queue(actor: Actor, done: EndingsApproved) -> None:
    """Hand over to delivery; what a change of codes ends goes on its day and not before."""
    ahead = SwitchLine.objects.filter(ending__in=done.approved, switch__day__gt=timezone.localdate())
    later: dict[int, dt.date] = dict(ahead.values_list("ending_id", "switch__day"))
    days: dict[dt.date | None, list[Ending]] = {}
    for ending in done.approved:
        days.setdefault(later.get(ending.pk), []).append(ending)
    for day, group in days.items():
        try:
            queued = queue_endings(actor, endings=group, not_before=morning_of(day) if day else None)
        except MappingError as error:
            done.held_back.append(str(error))
            continue
        done.queued += len(queued.queued)
        done.held_back += [f"{one}：{words}" for one, words in queued.left_out]


@transaction.atomic
def return_endings(actor: Actor, *, endings: Iterable[Ending], reason: str) -> list[Ending]:
    """Hand endings back with a reason, all or none. Raises NotAllowed, MappingError."""
    actor.must("mapping.approve")
    words = reason_of(reason, "退回")
    locked = _locked(actor, endings)
    for ending in locked:
        _must_be_second(actor, ending)
        if ending.state != EndingState.PROPOSED:
            raise MappingError(f"{ending}：已是「{ending.get_state_display()}」，没有退回")
        ending.state, ending.words = EndingState.RETURNED, f"{words}（{actor.signature}退回）"[:500]
        ending.save(update_fields=["state", "words"])
    if locked:
        subjects = [thing for one in locked for thing in (one, one.mapping)]
        record(actor, "mapping.return_ending", subjects, label=f"退回终止或撤销 {len(locked):,} 条", reason=words)
    return locked


@transaction.atomic
def cancel_ending(actor: Actor, *, ending: Ending, reason: str = "") -> Ending:
    """Take back an ending that was not approved yet. Raises NotAllowed, MappingError."""
    rules.must_map(actor, ending.mapping.list_type)
    locked = next(iter(_locked(actor, [ending])), None)
    if locked is None:
        raise NotAllowed("该申请不属于当前机构。请切换机构后再操作。")
    if locked.state not in (EndingState.PROPOSED, EndingState.RETURNED):
        raise MappingError(f"{locked}：已是「{locked.get_state_display()}」，不能撤回。")
    locked.state = EndingState.CANCELLED
    locked.save(update_fields=["state"])
    record(actor, "mapping.cancel_ending", [locked, locked.mapping], label=f"撤回申请 {locked}", reason=reason)
    return locked


def _must_be_second(actor: Actor, ending: Ending) -> None:
    if ending.proposed_by is None:
        raise NotAllowed("这条申请没有提出人，不能审核。请退回后由人员重新提出。")
    actor.must("mapping.approve")
    must_differ(actor, ending.proposed_by)


def _mapping(actor: Actor, mapping: Mapping) -> Mapping:
    HospitalItem.objects.select_for_update().filter(pk=mapping.item_id).first()
    rows = Mapping.objects.select_for_update(of=("self",)).select_related("item", "institution")
    found: Mapping | None = rows.filter(pk=mapping.pk, institution=actor.institution).first()
    if found is None:
        raise NotAllowed("该对照不属于当前机构。请切换机构后再操作。")
    return found


def _locked(actor: Actor, endings: Iterable[Ending]) -> list[Ending]:
    wanted = list(endings)
    keys = {one.mapping_id for one in wanted}
    list(Mapping.objects.select_for_update().filter(pk__in=keys, institution=actor.institution).order_by("pk"))
    rows = Ending.objects.select_for_update(of=("self",)).filter(
        institution=actor.institution, pk__in={one.pk for one in wanted}
    )
    return list(rows.select_related("mapping__item", "proposed_by", "approved_by").order_by("pk"))
