"""Sending by hand: checked, allowed, once, and by the same ledger and recovery rules as everything else."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from insurance.exchange import ledger
from insurance.exchange.connections import book_of
from insurance.exchange.contents import DIRECT, direct_subject
from insurance.exchange.debugging import files
from insurance.exchange.debugging.choices import SendState
from insurance.exchange.debugging.drafting import Content
from insurance.exchange.debugging.judging import Finding, errors, judge
from insurance.exchange.debugging.rules import DEBUG, must_be_open
from insurance.exchange.errors import AlreadyOpen
from insurance.exchange.models import Connection, DebugDraft, DebugSend, Submission
from insurance.exchange.outgoing import written_for
from insurance.exchange.queries import connection_of
from insurance.exchange.services import submit_message
from insurance.specification.books import Book
from insurance.specification.model import Transaction
from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed
from portal.tasks.services import start

ASK = "exchange.debug_ask"


class SendRefused(Exception):
    """Nothing was sent; the words say why and what to do."""


class Faulty(SendRefused):
    """The message has errors; `findings` are all of them."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(f"报文有 {len(findings)} 处错误，没有发送。请按提示改正。")
        self.findings = findings


class SentBefore(SendRefused):
    """The very same content went before; whoever wants it twice must say so."""

    def __init__(self, at: dt.datetime, refmsgid: str) -> None:
        when = timezone.localtime(at).strftime("%m-%d %H:%M")
        self.at, self.refmsgid = at, refmsgid
        self.told = f"完全相同的内容已于 {when} 上传成功{f'（接收方报文ID {refmsgid}）' if refmsgid else ''}，"
        super().__init__(f"{self.told}没有再次发送。确需再传一次的，请勾选「仍要再上传一次」。")


@dataclass(frozen=True)
class Ready:
    """A checked message: `kept` is its JSON text as it may rest in the database, `digest` that of what travels."""

    connection: Connection
    book: Book
    transaction: Transaction
    message: Mapping[str, Any]
    kept: str
    digest: str
    insuplc_admdvs: str


def ready(actor: Actor, infno: str, content: Content) -> Ready:
    """Return the checked message of a draft. Raises Faulty, NotJson, SpecificationError, NoConnection."""
    connection = connection_of(actor.institution)
    book = book_of(connection)
    what = book.transaction(infno)
    message = content.message(what)
    wrong = errors(judge(connection, book, what, message, content.insuplc_admdvs, content.files))
    if wrong:
        raise Faulty(wrong)
    return _ready(connection, book, what, files.filled(what.input, message, content.files), content.insuplc_admdvs)


def _ready(connection: Connection, book: Book, what: Transaction, message: Any, insuplc_admdvs: str) -> Ready:
    written = written_for(connection, what, message)
    kept = json.dumps(files.as_text(message), ensure_ascii=False, default=str)
    return Ready(connection, book, what, message, kept, ledger.digest_of(what.infno, written), insuplc_admdvs)


def restored(send: DebugSend) -> Ready:
    """Return the message of a send as it was checked, from the database alone."""
    connection = connection_of(send.institution)
    book = book_of(connection)
    what = book.transaction(send.infno)
    message = files.filled(what.input, json.loads(send.message), {})
    return _ready(connection, book, what, message, send.insuplc_admdvs)


@transaction.atomic
def send(
    actor: Actor,
    *,
    infno: str,
    content: Content,
    draft: DebugDraft | None = None,
    digest: str = "",
    again: bool = False,
) -> DebugSend:
    """Send a message now: a write is queued and rung for, anything that only asks becomes a task of a worker.

    `digest` is that of the confirmed panel: something else is not sent. Raises NotAllowed, NotFromHere, Faulty,
    SentBefore (unless `again`), SendRefused, NotJson.
    """
    actor.must(DEBUG)
    said = ready(actor, infno, content)
    must_be_open(said.connection, said.transaction)
    if digest and digest != said.digest:
        raise SendRefused("内容在确认之后又改动过，没有发送。请重新核对后再发送。")
    if not again:
        must_be_new(said)
    made = note_send(actor, said, draft)
    dispatch(actor, made, said)
    if not again:
        # The same from another window may have been accepted between the look and the queuing: then nothing goes.
        must_be_new(said)
    return made


def must_be_new(said: Ready, since: dt.datetime | None = None) -> None:
    """Raise SentBefore when the same write was accepted before (or after `since`); asking twice does no harm."""
    if said.transaction.effect in ledger.READING:
        return
    subject = direct_subject(said.connection, said.transaction.infno, written(said))
    before = Submission.objects.filter(
        subject_type="direct", subject_id=subject, purpose=f"{DIRECT}{said.transaction.infno}", state="accepted"
    )
    if since is not None:
        before = before.filter(state_at__gte=since)
    found = before.order_by("-pk").only("state_at", "refmsgid").first()
    if found is not None:
        raise SentBefore(found.state_at, found.refmsgid)


def written(said: Ready) -> dict[str, Any]:
    """Return the message as it travels."""
    return written_for(said.connection, said.transaction, said.message)


def note_send(
    actor: Actor, said: Ready, draft: DebugDraft | None, *, state: SendState = SendState.WAITING, reason: str = ""
) -> DebugSend:
    """Write down that a person sends this, or asks to."""
    if actor.person is None:
        raise NotAllowed("接口调试由人员使用，系统账号请用 manage.py call。")
    made: DebugSend = DebugSend.objects.create(
        institution=actor.institution,
        person=actor.person,
        draft=draft,
        infno=said.transaction.infno,
        effect=said.transaction.effect,
        label=(draft.name if draft else "") or said.transaction.name,
        message=said.kept,
        digest=said.digest,
        insuplc_admdvs=said.insuplc_admdvs,
        state=state,
        reason=reason[:500],
    )
    words = "申请发送" if state == SendState.APPROVAL else "发送"
    record(
        actor, "exchange.debug_send", [made], label=f"接口调试{words} {made.infno}", reason=reason, digest=said.digest
    )
    return made


def dispatch(actor: Actor, made: DebugSend, said: Ready) -> None:
    """Hand a noted send to whatever carries it; rung when the transaction commits."""
    if said.transaction.effect in ledger.READING:
        label = f"接口调试：{said.transaction.name}（{made.infno}）"
        made.task = start(actor, kind=ASK, params={"send": made.pk}, label=label)
    else:
        made.submission_id = _queued(actor, said).pk
    made.state = SendState.WAITING
    made.save(update_fields=["task", "submission_id", "state"])


def _queued(actor: Actor, said: Ready) -> Submission:
    message = written(said)
    infno = said.transaction.infno
    try:
        with transaction.atomic():
            return submit_message(actor, infno=infno, message=message, insuplc_admdvs=said.insuplc_admdvs)
    except AlreadyOpen:
        # The same content is on its way already, from another window or another person: one message, one outcome.
        subject = direct_subject(said.connection, infno, message)
        found: Submission = Submission.objects.filter(subject_type="direct", subject_id=subject).latest("pk")
        return found
