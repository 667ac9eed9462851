"""The exception: a write from 接口调试 where only queries may leave needs another person's yes to the exact message."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from insurance.exchange.debugging.choices import SendState
from insurance.exchange.debugging.drafting import Content
from insurance.exchange.debugging.rules import APPROVE, DEBUG, EFFECTS, gate_of
from insurance.exchange.debugging.sending import (
    SendRefused,
    SentBefore,
    dispatch,
    must_be_new,
    note_send,
    ready,
    restored,
)
from insurance.exchange.debugging.state import rows_in
from insurance.exchange.errors import PlatformError
from insurance.exchange.models import DebugDraft, DebugSend
from portal.approvals.choices import ApprovalState
from portal.approvals.errors import CannotExecute
from portal.approvals.models import Approval
from portal.approvals.registry import ApprovalKind, register_kind
from portal.approvals.services import propose
from portal.people.actor import Actor

KIND = "exchange.debug_write"


@transaction.atomic
def propose_write(
    actor: Actor,
    *,
    infno: str,
    content: Content,
    reason: str,
    draft: DebugDraft | None = None,
    digest: str = "",
    again: bool = False,
) -> DebugSend:
    """Ask for a second person's yes to send exactly this message once.

    `digest` is that of the confirmed panel. Raises NotAllowed, SendRefused (Faulty; SentBefore unless `again`; needs
    no approval here), ApprovalRefused (no reason), NotJson.
    """
    actor.must(DEBUG)
    said = ready(actor, infno, content)
    gate = gate_of(said.connection, said.transaction)
    if gate.open or said.transaction.direction == "inbound":
        raise SendRefused(gate.reason or "这里可以直接发送，无需另一人审核。")
    if digest and digest != said.digest:
        raise SendRefused("内容在确认之后又改动过，没有提交。请重新核对后再提交。")
    if not again:
        must_be_new(said)
    send = note_send(actor, said, draft, state=SendState.APPROVAL, reason=reason)
    payload = {"send": send.pk, "infno": infno, "digest": said.digest, "message": said.kept}
    label = f"接口调试发送 {said.transaction.name}（{infno}）"
    approval = propose(actor, kind=KIND, label=label, subjects=[send], payload=payload, reason=reason)
    send.approval_id = approval.pk
    send.save(update_fields=["approval_id"])
    return send


def execute(actor: Actor, approval: Approval) -> str:
    """Send what was approved, once, in the name of who asked. Raises CannotExecute."""
    payload = approval.payload
    send = (
        DebugSend.objects.select_for_update(of=("self",))
        .select_related("institution", "person")
        .filter(pk=int(payload.get("send") or 0), institution=actor.institution, approval_id=approval.pk)
        .first()
    )
    if send is None or send.state != SendState.APPROVAL:
        raise CannotExecute("这条报文已经发送过或已撤销，没有再次发送。")
    said = restored(send)
    if send.message != payload["message"] or said.digest != payload["digest"]:
        raise CannotExecute("报文与申请时不一致（可能规范版本已改变），没有发送。请退回，由申请人重新提交。")
    asker = Actor.of(send.person, send.institution)
    if not asker.may(DEBUG):
        raise CannotExecute(f"申请人{send.person.name}已没有接口调试的权限，没有发送。")
    try:
        dispatch(asker, send, said)
        # What the asker was told of before the proposal is theirs to want; what was accepted since then nobody knew.
        must_be_new(said, since=send.created_at)
    except SentBefore as before:
        raise CannotExecute(f"{before.told}没有再次发送。仍需再传一次的，请由申请人重新提交。") from before
    except PlatformError as error:
        raise CannotExecute(error.words) from error
    return f"已提交上传{said.transaction.name}（{send.infno}），结果见接口调试的发送记录。"


def shown(approval: Approval) -> list[tuple[str, str]]:
    """Return what the second person sees beside the masked message on the send's own page."""
    payload = approval.payload
    send = DebugSend.objects.select_related("institution").filter(pk=int(payload.get("send") or 0)).first()
    if send is None:
        return []
    said = restored(send)
    rows = "；".join(f"{path} {number} 行" for path, number in rows_in(said.transaction.input, said.message).items())
    return [
        ("交易", f"{said.transaction.name}（{send.infno}）"),
        ("在平台上", EFFECTS.get(said.transaction.effect, said.transaction.effect)),
        ("行数", rows or "单笔"),
        ("参保地医保区划", send.insuplc_admdvs or "—"),
        ("内容摘要", f"{said.digest[:16]}…"),
    ]


def address(approval: Approval) -> str:
    """Return the page of the send, with the message masked."""
    return reverse("exchange:debug_send", args=[approval.payload.get("send", 0)])


def follow(send: DebugSend) -> None:
    """Let a send that waits for a decision end when the proposal was sent back, withdrawn or has run out."""
    if send.state != SendState.APPROVAL or not send.approval_id:
        return
    approval = Approval.objects.filter(pk=send.approval_id).first()
    if approval is None or approval.state in (ApprovalState.WAITING, ApprovalState.APPROVED):
        return
    words = f"审核{approval.get_state_display()}：{approval.words}" if approval.words else approval.get_state_display()
    DebugSend.objects.filter(pk=send.pk, state=SendState.APPROVAL).update(
        state=SendState.STOPPED, words=words[:1000], ended_at=timezone.now()
    )
    send.refresh_from_db()


def register_approval() -> None:
    """Hand the kind over to 双人审核."""
    register_kind(
        ApprovalKind(
            code=KIND,
            label="接口调试发送写入交易",
            propose=DEBUG,
            approve=APPROVE,
            execute=execute,
            show=shown,
            url=address,
        )
    )
