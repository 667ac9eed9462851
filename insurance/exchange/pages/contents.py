"""What a submission says, for its page; looking at a stored body is audited (design 5)."""

from __future__ import annotations

import json
from typing import Any

from insurance.exchange.contents import infno_of, is_direct, message_of, said_by, sent_rows
from insurance.exchange.models import Call, Submission
from insurance.exchange.pages.calls import READ
from insurance.exchange.pages.messages import Shown, labelled, shorten
from insurance.specification.books import Book
from insurance.specification.errors import SpecificationError
from portal.audit.services import record
from portal.people.actor import Actor


def said(actor: Actor, submission: Submission, book: Book) -> Shown | None:
    """Return what a submission says: as it travelled, else as it would travel now. None when nobody can tell any more.

    A message read from the ledger or written by a person is audited as read.
    """
    try:
        transaction = book.transaction(infno_of(submission, book))
        message, title = _travelled(submission, book), "上传内容（按实际发出的报文）"
        if message is None:
            message, title = _now(submission, book), "上传内容（尚未发出，按目前的记录）"
    except (SpecificationError, LookupError):
        return None
    if message is None:
        return None
    if submission.last_call_id or is_direct(submission):
        note_read(actor, submission, f"查看上传内容 {submission.label}")
    return Shown(title, groups=labelled(transaction, "input", shorten(message), book))


def _travelled(submission: Submission, book: Book) -> dict[str, Any] | None:
    if is_direct(submission):
        return dict(json.loads(submission.payload))
    rows = sent_rows([submission], book).get(submission.pk)
    if not rows:
        return None
    route = book.route(submission.purpose)
    return message_of(route, rows, book.transaction(route.infno))


def _now(submission: Submission, book: Book) -> dict[str, Any] | None:
    return None if submission.subject is None else said_by(submission, book).written


def note_read(actor: Actor, thing: Submission | Call, label: str) -> None:
    """Audit that somebody looked at what was said."""
    record(actor, READ, [thing], label=label)
