"""交接: a person's open items go to another. Rooms register what they have.

register_handover(HandoverKind("sheets.ready", "待确认的导入", count=…, items=…, hand=hand_over_imports))
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from portal.approvals.choices import ApprovalState
from portal.approvals.errors import ApprovalRefused
from portal.approvals.models import Approval, Handover
from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Person
from portal.tasks.models import Task
from portal.tasks.registry import signed_kinds
from portal.tasks.services import hand_over as hand_over_tasks

MOST = 200


@dataclass(frozen=True)
class Item:
    """One open item: its key within its kind, what it is in a line (masked), and its page."""

    key: int
    title: str
    url: str = ""


@dataclass(frozen=True)
class HandoverKind:
    """One kind of open item. `count` and `items` are a person's at an institution.

    `hand(actor, giver, taker, keys)` moves those of `keys` that are still the giver's and open, and returns how many.
    """

    code: str
    label: str
    count: Callable[[Person, Institution], int]
    items: Callable[[Person, Institution], list[Item]]
    hand: Callable[[Actor, Person, Person, Collection[int]], int]


_kinds: dict[str, HandoverKind] = {}


def register_handover(kind: HandoverKind) -> None:
    """Let a kind of open item be handed over; the same code again replaces the first."""
    _kinds[kind.code] = kind


def handover_kinds() -> list[HandoverKind]:
    """Return all kinds by label."""
    return sorted(_kinds.values(), key=lambda kind: kind.label)


def may_hand(actor: Actor, giver: Person) -> bool:
    """Say whether the actor may hand over `giver`'s items: one's own, or with `approvals.handover` anybody's here."""
    return (actor.person is not None and actor.person.pk == giver.pk) or actor.may("approvals.handover")


@transaction.atomic
def hand_over(actor: Actor, *, giver: Person, taker: Person, chosen: dict[str, set[int]], note: str) -> Handover:
    """Hand the chosen items (kind → keys) to `taker` with a note, all or nothing of what is still open.

    Raises NotAllowed, ApprovalRefused.
    """
    if actor.person is None or not may_hand(actor, giver):
        raise NotAllowed("approvals.handover")
    actor.must("approvals.view" if actor.person.pk == giver.pk else "approvals.handover")
    _check(actor.institution, giver, taker, note)
    moved, titles = _move(actor, giver, taker, chosen)
    if not moved:
        raise ApprovalRefused("没有交接：没有勾选事项，或所选事项已经处理完。请刷新页面后重新勾选。")
    made: Handover = Handover.objects.create(
        institution=actor.institution,
        giver=giver,
        taker=taker,
        made_by=actor.person,
        note=note.strip()[:500],
        items=titles,
        count=moved,
    )
    label = f"{giver} 的 {moved} 项交接给 {taker}"
    record(actor, "approvals.handover", [giver, taker, made], label=label, reason=made.note)
    return made


def _move(actor: Actor, giver: Person, taker: Person, chosen: dict[str, set[int]]) -> tuple[int, list[str]]:
    """Hand over what of the chosen is still open; how many went, and what they were."""
    moved, titles = 0, []
    for kind in handover_kinds():
        open_now = {item.key: item for item in kind.items(giver, actor.institution)}
        keys = chosen.get(kind.code, set()) & set(open_now)
        if keys:
            moved += kind.hand(actor, giver, taker, keys)
            titles += [f"{kind.label}：{open_now[key].title}" for key in sorted(keys)]
    return moved, titles


@transaction.atomic
def acknowledge(actor: Actor, *, handover: Handover) -> None:
    """The taker has seen it; a second time changes nothing. Raises NotAllowed."""
    actor.must("approvals.view")
    if actor.person is None or handover.taker_id != actor.person.pk:
        raise NotAllowed("只有接手人可以确认已阅。")
    if Handover.objects.filter(pk=handover.pk, seen_at=None).update(seen_at=timezone.now()):
        record(actor, "approvals.handover_seen", [handover], label=f"已阅 {handover.giver} 的交接")


def _check(institution: Institution, giver: Person, taker: Person, note: str) -> None:
    if giver.pk == taker.pk:
        raise ApprovalRefused("没有交接：接手人不能是交出人本人。")
    if not taker.is_active or not taker.memberships_at(institution):
        raise ApprovalRefused("没有交接：接手人须是本机构在用的人员。")
    if not giver.memberships.filter(institution=institution).exists():
        raise NotAllowed("交出人不属于当前机构。")
    if len(note.strip()) < 2:
        raise ApprovalRefused("没有交接：请填写交接说明（如调岗、离职，注意事项）。")


def open_approvals(person: Person, institution: Institution) -> list[Item]:
    """Return the proposals that a person looks after and nobody has decided."""
    rows = Approval.objects.filter(institution=institution, held_by=person, state=ApprovalState.WAITING)
    return [Item(row.pk, row.label, row.get_absolute_url()) for row in rows.order_by("pk")]


def hand_approvals(actor: Actor, giver: Person, taker: Person, keys: Collection[int]) -> int:
    """Let `taker` look after the giver's proposals; who proposed them stays, and the taker cannot approve them."""
    rows = Approval.objects.filter(
        institution=actor.institution, held_by=giver, state=ApprovalState.WAITING, pk__in=keys
    )
    return int(rows.update(held_by=taker))


OWN = HandoverKind(
    "approvals.open",
    "待审核的申请",
    lambda person, institution: len(open_approvals(person, institution)),
    open_approvals,
    hand_approvals,
)


def open_tasks(person: Person, institution: Institution) -> list[Item]:
    """Return the tasks that a person asked for and that are not over; what is done under their name stays theirs."""
    rows = Task.objects.filter(institution=institution, requested_by=person, ended_at=None)
    rows = rows.exclude(kind__in=signed_kinds())
    return [Item(row.pk, row.label, row.get_absolute_url()) for row in rows.order_by("pk")[:MOST]]


TASKS = HandoverKind(
    "tasks.open",
    "没结束的任务",
    lambda person, institution: len(open_tasks(person, institution)),
    open_tasks,
    lambda actor, giver, taker, keys: hand_over_tasks(actor, giver=giver, taker=taker, keys=keys),
)
