"""The second person's word on a change of codes, and taking it back as a whole before its day."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from insurance.mapping.choices import EndingState, LineState, MappingState, SwitchState
from insurance.mapping.models import CodeSwitch, Ending, SwitchLine
from insurance.mapping.review.facts import digest_of
from insurance.mapping.review.services import (
    approve_endings,
    approve_mappings,
    return_endings,
    return_mappings,
)
from insurance.mapping.switching.errors import SwitchingError
from insurance.mapping.switching.services.assessing import assess
from insurance.mapping.switching.services.switches import hold
from insurance.mapping.switching.services.undoing import take_back
from portal.approvals.rules import must_differ
from portal.audit.services import record
from portal.people.actor import Actor

SAMPLE = 20
# Nobody who prepares shall know which ones are drawn.
_chance = random.SystemRandom()


@transaction.atomic
def draw_sample(actor: Actor, *, switch: CodeSwitch) -> list[SwitchLine]:
    """Return the prepared lines that the second person compares before approving all; drawn once, then kept.

    Everything that a person chose among several successors, what is above the ceiling or of another class first, and
    of the rest by chance, up to SAMPLE. Whatever is prepared afterwards makes it be drawn anew. Raises NotAllowed.
    """
    actor.must("mapping.approve")
    locked = hold(actor, switch)
    lines = list(_waiting(locked).filter(hindrance="").select_related("item", "mapping", "proposal", "ending"))
    if lines and not any(line.drawn for line in lines):
        chosen = [line.pk for line in lines if line.candidates]
        risky = [line.pk for line in lines if not line.candidates and (line.over or line.warnings)]
        rest = [line.pk for line in lines if line.pk not in {*chosen, *risky}]
        keys = [*chosen, *_some(risky, SAMPLE // 2)]
        keys += _some(rest, SAMPLE - min(len(risky), SAMPLE // 2))
        SwitchLine.objects.filter(pk__in=keys).update(drawn=True)
        for line in lines:
            line.drawn = line.pk in keys
    return [line for line in lines if line.drawn]


def _some(keys: list[int], most: int) -> list[int]:
    return _chance.sample(keys, min(most, len(keys)))


def _waiting(switch: CodeSwitch) -> QuerySet[SwitchLine]:
    found: QuerySet[SwitchLine] = SwitchLine.objects.filter(switch=switch, state=LineState.PROPOSED)
    return found.order_by("-over", "-item__revenue", "pk")


def digest_of_waiting(switch: CodeSwitch) -> str:
    """Return a fingerprint of what the second person would let go now: another line or code in it has another."""
    return _digest(_waiting(switch).select_related("proposal__item", "ending"))


def _digest(lines: Iterable[SwitchLine]) -> str:
    told = sorted(
        [line.pk, digest_of(line.proposal) if line.proposal else "", line.ending_id or 0, line.hindrance]
        for line in lines
    )
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@dataclass
class Decided:
    """What became of an approval as a whole: how many went, those left out, and what delivery did not take yet."""

    mappings: int = 0
    endings: int = 0
    left_out: list[str] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)


@transaction.atomic
def approve_switch(
    actor: Actor, *, switch: CodeSwitch, looked_at: Collection[int] = (), shown: str | None = None
) -> Decided:
    """Approve everything prepared of a switch as one act.

    `looked_at` are keys of lines that the second person compared; all of `draw_sample` must be among them. `shown` is
    the `digest_of_waiting` of what was on the screen: nothing goes when anything has changed since. What a corrected
    table contradicts is left out. What was approved goes to the platform on the day and not before. Raises NotAllowed
    (the same person, no right), SwitchingError.
    """
    actor.must("mapping.approve")
    locked = hold(actor, switch)
    if locked.state not in (SwitchState.PROPOSED, SwitchState.READY):
        raise SwitchingError(f"「{locked.name}」是「{locked.get_state_display()}」，没有待审核的内容。")
    lines = list(_waiting(locked).select_related("item", "proposal__item", "ending"))
    if not lines:
        raise SwitchingError(f"「{locked.name}」没有待审核的明细，可能刚由他人处理。请刷新后再看。")
    if shown is not None and shown != _digest(lines):
        raise SwitchingError(f"「{locked.name}」的待审核内容在您看到之后有变化，没有通过。请重新核对下列抽查后再通过。")
    must_differ(actor, locked.proposed_by)
    decided = Decided(left_out=[f"{line.item}：{line.hindrance}" for line in lines if line.hindrance])
    lines = [line for line in lines if not line.hindrance]
    missing = {line.pk for line in draw_sample(actor, switch=locked)} - set(looked_at)
    if missing:
        raise SwitchingError(f"抽查的明细还有 {len(missing)} 项没有核对。请逐项核对并勾选后再通过。")
    mappings = [line.proposal for line in lines if line.proposal is not None]
    endings = [line.ending for line in lines if line.ending is not None and line.proposal is None]
    seen = [line.proposal_id for line in lines if line.pk in set(looked_at) and line.proposal_id]
    if mappings:
        passed = approve_mappings(actor, mappings=mappings, looked_at=seen)
        decided.mappings, decided.held_back = len(passed.approved), passed.held_back
        decided.left_out += [words for _, words in passed.left_out]
    if endings:
        ended = approve_endings(actor, endings=endings)
        decided.endings = len(ended.approved)
        decided.left_out += [words for _, words in ended.left_out]
        decided.held_back += ended.held_back
    count = decided.mappings + decided.endings
    if not count:
        raise SwitchingError(decided.left_out[0] if decided.left_out else "没有可以通过的明细。请刷新后再看。")
    locked.approved_by, locked.approved_at = actor.person, timezone.now()
    locked.save(update_fields=["approved_by", "approved_at"])
    record(actor, "mapping.switch_approve", [locked], label=f"通过目录切换 {count} 项：{locked.name}", looked=len(seen))
    SwitchLine.objects.filter(switch=locked).update(drawn=False)
    assess(locked)
    return decided


@transaction.atomic
def return_switch(actor: Actor, *, switch: CodeSwitch, reason: str) -> int:
    """Give everything prepared back to who prepared it, with a reason; return how many lines. Raises NotAllowed."""
    actor.must("mapping.approve")
    locked = hold(actor, switch)
    reason = needed(reason, "退回")
    lines = list(_waiting(locked).select_related("proposal", "ending"))
    if not lines:
        raise SwitchingError(f"「{locked.name}」没有待审核的明细，可能刚由他人处理。请刷新后再看。")
    mappings = [line.proposal for line in lines if line.proposal is not None]
    endings = [line.ending for line in lines if line.ending is not None and line.proposal is None]
    if mappings:
        return_mappings(actor, mappings=mappings, reason=reason)
    if endings:
        return_endings(actor, endings=endings, reason=reason)
    locked.words = reason
    locked.save(update_fields=["words"])
    record(
        actor, "mapping.switch_return", [locked], label=f"退回目录切换 {len(lines)} 项：{locked.name}", reason=reason
    )
    assess(locked)
    return len(lines)


@transaction.atomic
def undo_switch(actor: Actor, *, switch: CodeSwitch, reason: str) -> int:
    """Take back everything prepared or approved of a switch before its day, as one act; return how many lines.

    The old relations stand as before, nothing goes to the platform. Raises NotAllowed, SwitchingError (the day has
    come, something is on its way).
    """
    actor.must("mapping.decide")
    locked = hold(actor, switch)
    reason = needed(reason, "撤回")
    if locked.day <= timezone.localdate():
        raise SwitchingError(f"切换日 {locked.day} 已到，不能整体撤回。请在「已对照」中逐项处理。")
    mappings = list(locked.mappings.exclude(state__in=[MappingState.CANCELLED, MappingState.REMOVED]))
    endings = list(
        Ending.objects.filter(pk__in=locked.lines.exclude(ending=None).values("ending"))
        .exclude(state__in=[EndingState.CANCELLED, EndingState.DONE])
    )  # fmt: skip
    if not mappings and not endings:
        raise SwitchingError(f"「{locked.name}」还没有准备任何对照，不需要撤回。")
    take_back(actor, mappings=mappings, endings=endings, reason=reason)
    locked.proposed_by = locked.proposed_at = locked.approved_by = locked.approved_at = None
    locked.save(update_fields=["proposed_by", "proposed_at", "approved_by", "approved_at"])
    count = len(mappings) + len(endings)
    record(actor, "mapping.switch_undo", [locked], label=f"整体撤回目录切换 {count} 项：{locked.name}", reason=reason)
    assess(locked)
    return count


@transaction.atomic
def cancel_switch(actor: Actor, *, switch: CodeSwitch, reason: str) -> None:
    """Call a switch off for good; what was prepared is taken back first. Raises NotAllowed, SwitchingError."""
    actor.must("mapping.decide")
    locked = hold(actor, switch)
    reason = needed(reason, "作废")
    if locked.state in (SwitchState.CANCELLED, SwitchState.DONE):
        raise SwitchingError(f"「{locked.name}」已是「{locked.get_state_display()}」，不能作废。")
    ends = locked.lines.filter(ending__state__in=[EndingState.PROPOSED, EndingState.RETURNED, EndingState.APPROVED])
    if locked.mappings.exclude(state=MappingState.CANCELLED).exists() or ends.exists():
        undo_switch(actor, switch=locked, reason=reason)
    CodeSwitch.objects.filter(pk=locked.pk).update(state=SwitchState.CANCELLED, words=reason)
    record(actor, "mapping.switch_cancel", [locked], label=f"作废目录切换：{locked.name}", reason=reason)


def needed(reason: str, verb: str) -> str:
    """Return a reason as it is kept. Raises SwitchingError without one."""
    reason = reason.strip()
    if not reason:
        raise SwitchingError(f"{verb}须填写原因。")
    return reason[:300]
