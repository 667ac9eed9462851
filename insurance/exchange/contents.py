"""What a submission says: the handler's row, under the node and transaction that the edition's route names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps

from insurance.exchange.bodies import body_of
from insurance.exchange.handlers import Handler, handler_of, purposes
from insurance.exchange.ledger import digest_of
from insurance.exchange.models import CallRow, Connection, Submission
from insurance.specification.books import Book
from insurance.specification.model import Route, Transaction
from insurance.specification.writing import write

DIRECT = "direct."  # purposes of messages that a person wrote without a record: direct.<infno>


def is_direct(submission: Submission) -> bool:
    """Say whether a submission carries a message of its own instead of a record."""
    return submission.purpose.startswith(DIRECT)


def direct_subject(connection: Connection, infno: str, message: Mapping[str, Any]) -> str:
    """Return the subject under which a connection's direct message stands: the same content, the same intention."""
    return digest_of(infno, {"connection": connection.pk, "message": message})


def infno_of(submission: Submission, book: Book) -> str:
    """Return the transaction by which a submission travels in this edition."""
    if is_direct(submission):
        return submission.purpose.removeprefix(DIRECT)
    return book.route(submission.purpose).infno


def attach_subjects(submissions: Iterable[Submission]) -> None:
    """Fetch the subjects of many submissions, one query a model; missing ones stay None."""
    by_type: dict[str, list[Submission]] = {}
    for submission in submissions:
        if not is_direct(submission):
            by_type.setdefault(submission.subject_type, []).append(submission)
    for label, group in by_type.items():
        found = apps.get_model(label)._default_manager.in_bulk([item.subject_id for item in group])
        by_text = {str(key): value for key, value in found.items()}
        for item in group:
            item.subject = by_text.get(item.subject_id)


def message_of(route: Route, rows: Sequence[Mapping[str, Any]], transaction: Transaction) -> dict[str, Any]:
    """Return the message that carries `rows` under the route's node, in the shape (object or array) of its table."""
    node = transaction.input.children.get(route.node)
    many = node.many if node is not None else route.form == "batch"
    return {route.node: list(rows) if many else rows[0]}


@dataclass(frozen=True)
class Said:
    """What a submission says now: its row (or a direct message whole), that as it travels alone, and its digest.

    The digest is that of what would travel, so that 10 and 10.00, or one moment in two time zones, are the same.
    """

    row: dict[str, Any]
    written: dict[str, Any]
    digest: str


def said_by(submission: Submission, book: Book) -> Said:
    """Return what a submission says now."""
    if is_direct(submission):
        message = json.loads(submission.payload)
        return Said(message, message, digest_of(infno_of(submission, book), message))
    route = book.route(submission.purpose)
    transaction = book.transaction(route.infno)
    row = handler_of(submission.purpose).message(submission)
    written = write(transaction, message_of(route, [row], transaction))
    return Said(row, written, digest_of(submission.purpose, written))


def sent_rows(submissions: Sequence[Submission], book: Book) -> dict[int, list[dict[str, Any]]]:
    """Return for each submission the rows of its last call as they travelled (JSON values)."""
    found: dict[int, list[dict[str, Any]]] = {}
    places = {
        (row.call_id, row.submission_id): row.place
        for row in CallRow.objects.filter(submission__in=[item.pk for item in submissions])
    }
    bodies: dict[int, dict[str, Any]] = {}
    for submission in submissions:
        call_id = submission.last_call_id
        if call_id is None:
            continue
        if call_id not in bodies:
            bodies[call_id] = json.loads(body_of(call_id, "request") or b"{}").get("input", {})
        rows = _rows(bodies[call_id], submission, book)
        place = places.get((call_id, submission.pk))
        if is_direct(submission):
            found[submission.pk] = rows
        elif place is None:
            # It follows one that fell with its batch: what it says now is what is looked for.
            found[submission.pk] = _rows(said_by(submission, book).written, submission, book)
        else:
            found[submission.pk] = rows[place : place + 1]
    return found


def _rows(message: Mapping[str, Any], submission: Submission, book: Book) -> list[dict[str, Any]]:
    node = next(iter(message), "") if is_direct(submission) else book.route(submission.purpose).node
    rows = message.get(node, [])
    return rows if isinstance(rows, list) else [rows]


def judges(submission: Submission, book: Book) -> list[Handler]:
    """Return the handlers that can judge a submission's unknown outcome: its own, or those of the same transaction."""
    if not is_direct(submission):
        return [handler_of(submission.purpose)]
    infno = infno_of(submission, book)
    own = {infno, infno.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
    return [handler_of(name) for name in purposes() if name in book.routes and book.route(name).infno in own]
