"""Everything that changes an approval. What was approved happens in the approving transaction, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from portal.approvals.choices import ApprovalState
from portal.approvals.contents import canonical, digest_of
from portal.approvals.errors import ApprovalRefused, CannotExecute
from portal.approvals.models import Approval
from portal.approvals.registry import ApprovalKind, kind_of
from portal.approvals.rules import must_differ
from portal.audit.services import record, subject_of
from portal.people import login
from portal.people.actor import Actor, NotAllowed, Standing
from portal.privacy.traces import frames_of

log = logging.getLogger(__name__)

LEAST_REASON = 2
BROKEN = "系统执行时出错，没有做任何更改。请联系信息科查看运行日志，排除后可再次通过；也可退回。"


@transaction.atomic
def propose(
    actor: Actor,
    *,
    kind: str,
    label: str,
    subjects: Iterable[models.Model | str] = (),
    payload: Mapping[str, Any] | None = None,
    reason: str,
) -> Approval:
    """Ask for another person's yes. `payload` is JSON (it rests encrypted); `label` says it in a line, masked.

    Raises NotAllowed, ApprovalRefused (no reason), LookupError (unknown kind).
    """
    what = kind_of(kind)
    actor.must(what.propose)
    if actor.person is None:
        raise NotAllowed("双人审核须由人员提出，系统账号不能代替。")
    names = [thing if isinstance(thing, str) else subject_of(thing) for thing in subjects]
    content, reason, label = canonical(payload or {}), _reason(reason, "申请原因"), label[:200]
    made: Approval = Approval.objects.create(
        institution=actor.institution,
        kind=kind,
        label=label,
        subjects=names,
        content=content,
        digest=digest_of(actor.institution.pk, kind, label, names, content, reason),
        reason=reason,
        proposed_by=actor.person,
        proposed_as=actor.signature[:50],
        proposed_for=next(iter(actor.standing.absent), None),
        held_by=actor.person,
        expires_at=timezone.now() + what.lasts,
    )
    record(actor, "approvals.propose", [made, *names], label=f"提交审核：{label}", reason=reason, kind=kind)
    return made


def approve(actor: Actor, *, approval: Approval, words: str = "", seen: str = "", on_site: bool = False) -> Approval:
    """Say yes as the second person and carry it out, both or neither. Twice by the same person is once.

    `seen` is the digest that stood on the person's page: something else is never approved. Raises NotAllowed and
    ApprovalRefused; when `execute` failed, the proposal stays 待审核 and keeps the reason.
    """
    try:
        with transaction.atomic():
            locked, done = _locked(actor, approval), False
            done = locked.state == ApprovalState.APPROVED and _same(actor, locked.decided_by_id)
            if not done:
                _approve(actor, locked, words, seen, on_site)
    except _Failed as failed:
        Approval.objects.filter(pk=approval.pk, state=ApprovalState.WAITING).update(
            trouble=failed.words, trouble_at=timezone.now()
        )
        raise ApprovalRefused(f"没有执行，仍为待审核：{failed.words}") from failed.__cause__
    return _fresh(approval)


@transaction.atomic
def refuse(actor: Actor, *, approval: Approval, reason: str) -> Approval:
    """Send it back with a reason. Raises NotAllowed, ApprovalRefused."""
    locked = _locked(actor, approval)
    actor.must(kind_of(locked.kind).approve)
    must_differ(actor, locked.proposed_by, locked.proposed_for, locked.held_by)
    _must_wait(locked)
    _end(actor, locked, ApprovalState.REFUSED, words=_reason(reason, "退回原因"))
    record(actor, "approvals.refuse", _things(locked), label=f"退回：{locked.label}", reason=locked.words)
    return _fresh(approval)


@transaction.atomic
def withdraw(actor: Actor, *, approval: Approval, reason: str = "") -> Approval:
    """Take one's own proposal back while nobody has decided. Raises NotAllowed, ApprovalRefused."""
    actor.must("approvals.view")
    locked = _locked(actor, approval)
    if actor.person is not None and not _same(actor, locked.proposed_by_id) and not _same(actor, locked.held_by_id):
        raise NotAllowed("只有提出人（或接手的经办人）可以撤销这项申请。")
    _must_wait(locked)
    _end(actor, locked, ApprovalState.WITHDRAWN, words=reason.strip())
    record(actor, "approvals.withdraw", _things(locked), label=f"撤销申请：{locked.label}", reason=reason)
    return _fresh(approval)


def countersign(
    actor: Actor, *, approval: Approval, username: str, password: str, code: str, seen: str = ""
) -> Approval:
    """就地双签: the second person approves at the proposer's seat with an own login name, password and code.

    No session is started for them. Raises NotAllowed (not the proposer's page), LoginRefused, ApprovalRefused.
    """
    actor.must("approvals.view")
    if not _same(actor, approval.proposed_by_id) and not _same(actor, approval.held_by_id):
        raise NotAllowed("就地双签只能在提出人自己的页面上进行。")
    if approval.institution_id != actor.institution.pk:
        raise NotAllowed("这项申请属于另一机构。")
    second = login.authenticate_second(username, password, code, actor.ip)
    signer = replace(Actor.of(second, approval.institution), ip=actor.ip)
    if not signer.may(kind_of(approval.kind).approve):
        raise ApprovalRefused(f"{second} 没有审核这项申请的权限，没有执行。请换一位第二人。")
    return approve(signer, approval=approval, seen=seen, on_site=True)


def expire_due() -> int:
    """End what nobody decided in time and return how many; each is ended once, whoever sweeps."""
    ended = 0
    due = Approval.objects.filter(state=ApprovalState.WAITING, expires_at__lte=timezone.now())
    for pk in due.values_list("pk", flat=True)[:500]:
        ended += _expire(pk)
    return ended


@transaction.atomic
def _expire(pk: int) -> int:
    found = Approval.objects.select_for_update(skip_locked=True).filter(
        pk=pk, state=ApprovalState.WAITING, expires_at__lte=timezone.now()
    )
    approval = found.select_related("institution").first()
    if approval is None:
        return 0
    actor = Actor.system(approval.institution)
    _end(actor, approval, ApprovalState.EXPIRED, words="到期没有审核")
    record(actor, "approvals.expire", _things(approval), label=f"申请过期：{approval.label}")
    return 1


class _Failed(Exception):
    """What `execute` said when it could not; ends the approving transaction."""

    def __init__(self, words: str) -> None:
        self.words = words[:500]
        super().__init__(words)


def _approve(actor: Actor, locked: Approval, words: str, seen: str, on_site: bool) -> None:
    """Check everything again under the lock, then execute and settle."""
    kind = kind_of(locked.kind)
    actor.must(kind.approve)
    must_differ(actor, locked.proposed_by, locked.proposed_for, locked.held_by)
    _must_wait(locked)
    if not locked.intact or (seen and seen != locked.digest):
        raise ApprovalRefused("内容与提出时不一致，没有执行。请退回，由提出人重新提交。")
    standing = replace(actor, standing=Standing(actor.standing.absent))
    result = _execute(actor, kind, locked)
    locked.result, locked.trouble, locked.trouble_at, locked.on_site = result[:500], "", None, on_site
    _end(standing, locked, ApprovalState.APPROVED, words=words.strip())
    record(
        standing,
        "approvals.approve",
        _things(locked),
        label=f"{'就地双签通过' if on_site else '通过'}：{locked.label}",
        reason=locked.words,
        kind=locked.kind,
        digest=locked.digest,
    )


def _execute(actor: Actor, kind: ApprovalKind, locked: Approval) -> str:
    """Do it in a savepoint of its own. Raises _Failed with words for the person."""
    expected: tuple[type[Exception], ...] = (CannotExecute, NotAllowed, ApprovalRefused, *kind.refusals)
    try:
        with transaction.atomic():
            return kind.execute(actor, locked)
    except expected as error:
        raise _Failed(str(error)) from error
    except Exception as error:
        log.error("approval %s (%s): %s", locked.pk, kind.code, frames_of(error))
        raise _Failed(BROKEN) from error


def _locked(actor: Actor, approval: Approval) -> Approval:
    """Return the row as it is now, held against everybody else. Raises NotAllowed (another institution)."""
    locked: Approval | None = (
        Approval.objects.select_for_update(of=("self",))
        .select_related("institution", "proposed_by", "proposed_for", "held_by")
        .filter(pk=approval.pk, institution=actor.institution)
        .first()
    )
    if locked is None:
        raise NotAllowed("这项申请不属于当前机构。")
    return locked


def _must_wait(locked: Approval) -> None:
    if locked.state != ApprovalState.WAITING:
        by = f"由{locked.decided_as}" if locked.decided_as else ""
        raise ApprovalRefused(f"这项申请{by}{locked.get_state_display()}，不能再处理。")
    if locked.expires_at <= timezone.now():
        raise ApprovalRefused("这项申请已过有效期，不能再处理。仍需要时请由提出人重新提交。")


def _end(actor: Actor, locked: Approval, state: ApprovalState, *, words: str) -> None:
    locked.state, locked.words = state, words[:500]
    locked.decided_by, locked.decided_as, locked.decided_at = actor.person, actor.signature[:50], timezone.now()
    locked.save()


def _reason(text: str, label: str) -> str:
    text = text.strip()
    if len(text) < LEAST_REASON:
        raise ApprovalRefused(f"请填写{label}（至少 {LEAST_REASON} 个字）。")
    return text[:500]


def _things(approval: Approval) -> list[models.Model | str]:
    return [approval, *approval.subjects]


def _same(actor: Actor, person_id: int | None) -> bool:
    return actor.person is not None and actor.person.pk == person_id


def _fresh(approval: Approval) -> Approval:
    """Bring the caller's own object up to date and return it."""
    approval.refresh_from_db()
    return approval
