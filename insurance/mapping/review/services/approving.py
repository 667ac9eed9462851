"""The second person: letting relations go, handing them back, and taking back what never came to the platform."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from collections.abc import Mapping as Values
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone

from insurance.mapping import rules
from insurance.mapping.choices import EndingKind, EndingState, MappingState, Source
from insurance.mapping.delivery.outcomes import held_row, note_ended
from insurance.mapping.delivery.submitting import (
    Queued,
    give_up_refused,
    morning_of,
    on_its_way,
    queue_mappings,
)
from insurance.mapping.errors import MappingError
from insurance.mapping.models import Ending, HospitalItem, Mapping
from insurance.mapping.review.facts import digest_of
from portal.approvals.rules import must_differ
from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed

CHANGED = "内容在您看到之后有变化，没有通过。请刷新后重新查看"
DAY_BEFORE = dt.timedelta(days=1)


@dataclass
class Approved:
    """What became of an approval: relations let go, those left out with the reason, and what was queued."""

    approved: list[Mapping] = field(default_factory=list)
    left_out: list[tuple[Mapping, str]] = field(default_factory=list)
    queued: int = 0
    held_back: list[str] = field(default_factory=list)


@transaction.atomic
def approve_mappings(
    actor: Actor,
    *,
    mappings: Iterable[Mapping],
    looked_at: Iterable[int] = (),
    shown: Values[int, str] | None = None,
) -> Approved:
    """Let proposals go, as the second person; each goes out at once, those of a change of codes on its day.

    `shown` (key → digest, see `review.facts.digest_of`) is what was on the screen: what has changed since is left out.
    `looked_at` are keys looked at one by one. What cannot go hinders no other. Raises NotAllowed when none may.
    """
    actor.must("mapping.approve")
    done, drawn = Approved(), set(looked_at)
    locked = _locked(actor, mappings)
    ground = rules.ground_for(actor.institution, [(one.item, one.med_list_codg) for one in locked])
    refused: list[NotAllowed] = []
    for mapping in locked:
        try:
            with transaction.atomic():
                _must_be_second(actor, mapping)
                _judge(mapping, shown, ground)
                _let_go(actor, mapping, drawn)
            _keep_up(ground, mapping)
            done.approved.append(mapping)
        except NotAllowed as error:
            refused.append(error)
            done.left_out.append((mapping, str(error)))
        except MappingError as error:
            done.left_out.append((mapping, str(error)))
        except IntegrityError:
            done.left_out.append((mapping, f"{mapping}：有效期与刚通过的另一条对照重叠，没有通过。请刷新后重新查看"))
    if refused and len(refused) == len(locked):
        raise refused[0]
    if done.approved:
        record(actor, "mapping.approve", done.approved, label=_label(done.approved), sampled=len(drawn))
        _queue(actor, done)
    return done


def _label(approved: list[Mapping]) -> str:
    return f"通过对照 {approved[0]}" if len(approved) == 1 else f"通过对照 {len(approved):,} 条"


def _locked(actor: Actor, mappings: Iterable[Mapping]) -> list[Mapping]:
    """Lock items, then relations, in one order for everybody."""
    wanted = list(mappings)
    items = HospitalItem.objects.select_for_update().filter(
        pk__in={one.item_id for one in wanted}, institution=actor.institution
    )
    list(items.order_by("pk").values_list("pk", flat=True))
    # what they replace is held too: whether the platform has taken it must not change while it is judged
    replaced = {one.replaces_id for one in wanted if one.replaces_id is not None}
    list(Mapping.objects.select_for_update().filter(pk__in=replaced).order_by("pk").values_list("pk", flat=True))
    rows = Mapping.objects.select_for_update(of=("self",)).filter(
        institution=actor.institution, pk__in={one.pk for one in wanted}
    )
    return list(rows.select_related("item__institution", "replaces", "proposed_by", "approved_by").order_by("pk"))


def _must_be_second(actor: Actor, mapping: Mapping) -> None:
    if mapping.proposed_by is None:
        raise NotAllowed("这条对照没有对码人，不能审核。请退回后由人员重新对码。")
    # for one who stands in for others each row is asked anew
    actor.must("mapping.approve")
    must_differ(actor, mapping.proposed_by)


def _judge(mapping: Mapping, shown: Values[int, str] | None, ground: rules.Ground) -> None:
    """Raise MappingError where a proposal cannot go any more as it stands."""
    if mapping.state != MappingState.PROPOSED:
        raise MappingError(f"{mapping}：{_gone(mapping)}")
    if shown is not None and shown.get(mapping.pk) != digest_of(mapping):
        raise MappingError(f"{mapping}：{CHANGED}")
    if mapping.source == Source.ADOPTED and ((held := held_row(mapping)) is None or held.vali_flag == "0"):
        # it would come into force unsaid, and nobody holds it
        raise MappingError(f"{mapping}：平台现在已没有这条对照，不能「以平台为准」。请退回，核对后重新处理")
    faults = rules.faults_of(
        mapping.item, mapping.med_list_codg, mapping.begndate, mapping.enddate,
        replaces=mapping.replaces, reason=mapping.memo, ground=ground,
    )  # fmt: skip
    if faults:
        raise MappingError(f"{mapping}：" + "；".join(str(fault) for fault in faults))


def _gone(mapping: Mapping) -> str:
    if mapping.approved_by is not None and mapping.approved_at is not None:
        return f"已由 {mapping.approved_by} {timezone.localtime(mapping.approved_at):%m-%d %H:%M} 通过，没有重复执行"
    return f"已是「{mapping.get_state_display()}」，没有通过。请刷新列表"


def _let_go(actor: Actor, mapping: Mapping, drawn: set[int]) -> None:
    now = timezone.now()
    if mapping.replaces is not None and mapping.replaces.state in (MappingState.APPROVED, MappingState.IN_FORCE):
        _make_way(actor, mapping, mapping.replaces, now)
    mapping.state, mapping.approved_by, mapping.approved_at = MappingState.APPROVED, actor.person, now
    mapping.sampled, mapping.words = mapping.pk in drawn, ""
    mapping.save(update_fields=["state", "approved_by", "approved_at", "sampled", "words", "changed_at"])


def _make_way(actor: Actor, mapping: Mapping, old: Mapping, now: dt.datetime) -> None:
    """End what stood before on the day before; where it began no earlier, it is taken back as a mistake.

    What has been ended earlier meanwhile stays as it is: nothing may be made longer by making way.
    """
    if old.enddate < mapping.begndate:
        return
    mistake = mapping.begndate <= old.begndate
    ending = Ending(
        institution=mapping.institution, mapping=old, kind=EndingKind.REMOVE if mistake else EndingKind.END,
        enddate=None if mistake else mapping.begndate - DAY_BEFORE, enddate_before=old.enddate, made_for=mapping,
        reason=f"更换为 {mapping.med_list_codg}", state=EndingState.APPROVED, proposed_by=mapping.proposed_by,
        approved_by=actor.person, approved_at=now,
    )  # fmt: skip
    if Ending.objects.filter(mapping=old, state__in=["proposed", "returned", "approved"]).exists():
        raise MappingError(f"{mapping}：原对照 {old} 有一条终止或撤销还没有处理完，请先处理它")
    if mistake:
        _take_out(old, ending)
        return
    assert ending.enddate is not None
    ending.save()
    old.enddate = ending.enddate
    old.save(update_fields=["enddate", "changed_at"])


def _take_out(old: Mapping, ending: Ending) -> None:
    """Free the period of a relation that is replaced from its first day on."""
    if old.told_at is None:
        if on_its_way(old):
            raise MappingError(f"原对照 {old} 正在上传，结果出来以前不能更换。请稍后再审核")
        ending.save()
        note_ended(ending, told=False)
        return
    ending.save()
    old.state, old.ended_at = MappingState.REMOVED, timezone.now()
    old.save(update_fields=["state", "ended_at", "changed_at"])


def _keep_up(ground: rules.Ground, mapping: Mapping) -> None:
    """Let what is judged after this one see it stand."""
    ground.standing.setdefault(mapping.item_id, []).append(mapping)


def _queue(actor: Actor, done: Approved) -> None:
    """Hand over to delivery; without a connection they stay approved and are uploaded later."""
    today = timezone.localdate()
    days: dict[dt.date | None, list[Mapping]] = {}
    for mapping in done.approved:
        ahead = mapping.switch_id is not None and mapping.begndate > today
        days.setdefault(mapping.begndate if ahead else None, []).append(mapping)
    for day, group in days.items():
        try:
            queued: Queued = queue_mappings(actor, mappings=group, not_before=morning_of(day) if day else None)
        except MappingError as error:
            done.held_back.append(str(error))
            continue
        done.queued += len(queued.queued)
        done.held_back += [f"{one}：{words}" for one, words in queued.left_out]


@transaction.atomic
def return_mappings(actor: Actor, *, mappings: Iterable[Mapping], reason: str) -> list[Mapping]:
    """Hand proposals back to who made them, with a reason, all or none. Raises NotAllowed, MappingError."""
    actor.must("mapping.approve")
    words = reason_of(reason, "退回")
    locked = _locked(actor, mappings)
    for mapping in locked:
        _must_be_second(actor, mapping)
        if mapping.state != MappingState.PROPOSED:
            raise MappingError(f"{mapping}：{_gone(mapping)}")
        mapping.state = MappingState.RETURNED
        mapping.words = f"{words}（{actor.signature}退回）"[:500]
        mapping.save(update_fields=["state", "words", "changed_at"])
    if locked:
        label = f"退回对照 {locked[0]}" if len(locked) == 1 else f"退回对照 {len(locked):,} 条"
        record(actor, "mapping.return", locked, label=label, reason=words)
    return locked


@transaction.atomic
def cancel_mapping(actor: Actor, *, mapping: Mapping, reason: str) -> Mapping:
    """作废: take back a proposal, or an approved relation that the platform never took (3301 refused).

    What it would have replaced stands again as before, unless the platform has already ended that. The item can then be
    mapped anew. Raises NotAllowed, MappingError.
    """
    rules.must_map(actor, mapping.item.list_type)
    found = _locked(actor, [mapping])
    if not found:
        raise NotAllowed("该对照不属于当前机构。请切换机构后再操作。")
    locked = found[0]
    words = reason.strip() or "撤回"
    if words_why := not_cancellable(locked):
        raise MappingError(f"{locked}：{words_why}。")
    approved = locked.state == MappingState.APPROVED
    locked.state, locked.words = MappingState.CANCELLED, words[:500]
    locked.save(update_fields=["state", "words", "changed_at"])
    if approved:
        give_up_refused(actor, Mapping, [locked.pk])
        try:
            with transaction.atomic():
                _restore(locked)
        except IntegrityError as error:
            words_why = "原对照的有效期现在与另一条对照重叠，不能恢复，本条没有作废。请先处理另一条"
            raise MappingError(f"{locked}：{words_why}。") from error
    record(actor, "mapping.cancel", [locked, locked.item], label=f"作废对照 {locked}", reason=words)
    return locked


def not_cancellable(mapping: Mapping) -> str:
    """Return why a relation cannot simply be taken back, "" when it can."""
    if mapping.state in (MappingState.PROPOSED, MappingState.RETURNED):
        return ""
    if mapping.state != MappingState.APPROVED:
        return f"已是「{mapping.get_state_display()}」，不能作废"
    if mapping.told_at is not None:
        return "平台已受理，不能作废。请用「终止」或「撤销（登记有误）」"
    return "正在上传队列中，结果出来以前不能作废。请先撤回上传" if on_its_way(mapping) else ""


def _restore(mapping: Mapping) -> None:
    for ending in mapping.endings_made.filter(state=EndingState.APPROVED).select_related("mapping"):
        if on_its_way(ending):
            raise MappingError(f"{mapping}：原对照的终止正在上传，结果出来以前不能作废。请稍后再试。")
        old = ending.mapping
        if ending.kind == EndingKind.END and ending.enddate_before is not None:
            old.enddate = ending.enddate_before
        elif old.state == MappingState.REMOVED and old.told_at is not None:
            old.state, old.ended_at = MappingState.IN_FORCE, None
        old.save(update_fields=["enddate", "state", "ended_at", "changed_at"])
        ending.state = EndingState.CANCELLED
        ending.save(update_fields=["state"])


def reason_of(reason: str, verb: str) -> str:
    """Return a reason as it is kept. Raises MappingError where there is none."""
    words = reason.strip()
    if len(words) < 2:
        raise MappingError(f"没有{verb}：请填写{verb}原因，对码人要据此改正。")
    return words[:300]
