"""The three commits of a call: prepared (and `sent` before its first byte), answered, applied (design 3).

Written as single statements because they are the hot path: each is one round trip and one commit.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from insurance.exchange.answers import Answer
from insurance.exchange.bodies import seal_body
from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.envelope import build, encode, next_msgids, url_of
from insurance.exchange.models import Call, CallBody, CallEvent, Connection, Submission
from insurance.specification.model import Transaction

# Effects that change nothing at the platform: their answer is stored and there is nothing to apply.
READING = frozenset({"query", "download", "session", "file"})
IDENTIFIERS = ("psn_no", "mdtrt_id", "setl_id")


class Reaped(Exception):
    """The call was taken away from its sender (its lease ran out) before a byte left; it must not be sent."""


@dataclass
class Draft:
    """One message about to become a call: `message` as specification.writing made it."""

    transaction: Transaction
    message: Mapping[str, Any]
    purpose: str = ""
    opter: str = ""
    opter_name: str = ""
    sign_no: str = ""
    insuplc_admdvs: str = ""
    actor_name: str = ""
    requested_by_id: int | None = None
    submissions: Sequence[Submission] = field(default_factory=list)


@dataclass(frozen=True)
class Prepared:
    """A committed call, ready to be sent."""

    call_id: int
    transaction: Transaction
    url: str
    body: bytes
    msgid: str
    opter: str
    sign_no: str = ""
    submissions: Sequence[Submission] = ()

    @property
    def reading(self) -> bool:
        """True when there is nothing to apply."""
        return self.transaction.effect in READING


def digest_of(infno: str, message: Mapping[str, Any]) -> str:
    """Return the digest of what is said, independent of key order; the msgid is not part of it."""
    text = json.dumps([infno, message], ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def prepare(connection: Connection, drafts: Sequence[Draft]) -> list[Prepared]:
    """Write the calls, their rows, events and encrypted requests in one transaction; nothing is sent yet."""
    numbers = next_msgids(connection.institution.fixmedins_code, len(drafts))
    lease = timezone.now() + dt.timedelta(seconds=settings.LEASE_SECONDS)
    heads, envelopes = [], []
    for draft, (msgid, inf_time) in zip(drafts, numbers, strict=True):
        head, envelope = _head(connection, draft, msgid, inf_time)
        head.lease_until = lease
        heads.append(head)
        envelopes.append(encode(envelope))
    with transaction.atomic():
        Call.objects.bulk_create(heads)
        _write_requests(heads, drafts, envelopes)
    return [
        Prepared(
            head.pk,
            draft.transaction,
            url_of(connection, head.infno),
            body,
            head.msgid,
            head.opter,
            draft.sign_no,
            draft.submissions,
        )
        for head, draft, body in zip(heads, drafts, envelopes, strict=True)
    ]


def _head(connection: Connection, draft: Draft, msgid: str, inf_time: str) -> tuple[Call, dict[str, Any]]:
    opter = draft.opter or connection.opter
    opter_name = draft.opter_name or connection.opter_name
    envelope = build(
        connection,
        infno=draft.transaction.infno,
        msgid=msgid,
        inf_time=inf_time,
        message=draft.message,
        opter=opter,
        opter_name=opter_name,
        sign_no=draft.sign_no,
        insuplc_admdvs=draft.insuplc_admdvs,
    )
    head = Call(
        institution_id=connection.institution_id,
        connection=connection,
        infno=draft.transaction.infno,
        purpose=draft.purpose,
        effect=draft.transaction.effect,
        msgid=msgid,
        opter=opter,
        opter_name=opter_name,
        insuplc_admdvs=draft.insuplc_admdvs,
        digest=digest_of(draft.transaction.infno, draft.message),
        row_count=max(len(draft.submissions), 1),
        requested_by_id=draft.requested_by_id,
        actor_name=draft.actor_name[:50],
        **identifiers(draft.message),
    )
    return head, envelope


def identifiers(message: Mapping[str, Any], names: Sequence[str] = IDENTIFIERS) -> dict[str, str]:
    """Return the first value of each of the fields `names` in any node of a message, as text; {} for those absent."""
    found: dict[str, str] = {}
    for key, value in message.items():
        if isinstance(value, (str, int)):
            if key in names and value != "":
                found.setdefault(key, str(value)[:30])
            continue
        for row in value if isinstance(value, list) else [value]:
            if isinstance(row, Mapping):
                found = identifiers(row, names) | found
    return found


# One statement for what belongs to a wave's calls: request bodies, their events, and the rows they carry.
REQUESTS = """
WITH body AS (
  INSERT INTO exchange_callbody (call_id, part, month, at, sealed, digest, size)
  SELECT call, 'request', %s, clock_timestamp(), sealed, digest, size
  FROM unnest(%s::bigint[], %s::bytea[], %s::text[], %s::int[]) AS new (call, sealed, digest, size)),
event AS (
  INSERT INTO exchange_callevent (call_id, at, kind, detail)
  SELECT call, clock_timestamp(), 'prepared', jsonb_build_object('digest', digest)
  FROM unnest(%s::bigint[], %s::text[]) AS new (call, digest))
INSERT INTO exchange_callrow (call_id, submission_id, place, words)
SELECT call, submission, place, '' FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS new (call, submission, place)
"""


def _write_requests(heads: Sequence[Call], drafts: Sequence[Draft], envelopes: Sequence[bytes]) -> None:
    sealed = [seal_body(body) for body in envelopes]
    calls = [head.pk for head in heads]
    digests = [body.digest for body in sealed]
    rows = [
        (head.pk, item.pk, place)
        for head, draft in zip(heads, drafts, strict=True)
        for place, item in enumerate(draft.submissions)
    ]
    carried: list[list[int]] = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], []]
    bodies = [calls, [body.sealed for body in sealed], digests, [body.size for body in sealed]]
    run(REQUESTS, [sealed[0].month, *bodies, calls, digests, *carried])


# `state || ''` below: see applying.SETTLE.
SENT = """
WITH head AS (
  UPDATE exchange_call SET state = 'sent', sent_at = clock_timestamp(),
         lease_until = clock_timestamp() + make_interval(secs => %s)
  WHERE id = %s AND state || '' = 'prepared' RETURNING id)
INSERT INTO exchange_callevent (call_id, at, kind, detail)
SELECT id, clock_timestamp(), 'sent', '{}'::jsonb FROM head RETURNING call_id
"""

ANSWERED = """
WITH head AS (
  UPDATE exchange_call SET state = %s, words = %s, infcode = %s, inf_refmsgid = %s, http_status = %s,
         answered_at = clock_timestamp(), lease_until = NULL,
         applied_at = CASE WHEN %s THEN clock_timestamp() END
  WHERE id = %s AND state || '' = 'sent' RETURNING id),
body AS (
  INSERT INTO exchange_callbody (call_id, part, month, at, sealed, digest, size)
  SELECT id, 'answer', %s, clock_timestamp(), %s, %s, %s FROM head)
INSERT INTO exchange_callevent (call_id, at, kind, detail)
SELECT id, clock_timestamp(), %s, %s::jsonb FROM head RETURNING call_id
"""

ENDED = """
WITH head AS (
  UPDATE exchange_call SET state = %s, words = %s, answered_at = clock_timestamp(), lease_until = NULL
  WHERE id = %s AND state || '' = %s RETURNING id)
INSERT INTO exchange_callevent (call_id, at, kind, detail)
SELECT id, clock_timestamp(), %s, %s::jsonb FROM head RETURNING call_id
"""


def mark_sent(call_id: int) -> None:
    """Commit that the first byte is about to leave. Raises Reaped when the call is no longer ours to send."""
    if not _run(SENT, [settings.LEASE_SECONDS, call_id]):
        raise Reaped(call_id)


def store_answer(prepared: Prepared, answer: Answer, body: bytes) -> bool:
    """Commit an answer as it came. Returns False when the call had been given up; then it is kept as a late one."""
    sealed = seal_body(body)
    settled = prepared.reading and answer.state is not CallState.UNKNOWN
    done = _run(
        ANSWERED,
        [
            answer.state.value,
            answer.words,
            answer.infcode,
            answer.refmsgid,
            answer.http_status,
            settled,
            prepared.call_id,
            sealed.month,
            sealed.sealed,
            sealed.digest,
            sealed.size,
            answer.state.value,
            json.dumps({"digest": sealed.digest, "http": answer.http_status}),
        ],
    )
    if not done:
        _store_late(prepared.call_id, answer, body)
    return done


def mark_unknown(call_id: int, words: str) -> bool:
    """Commit that the message may have arrived and no whole answer came."""
    return _end(call_id, CallState.SENT, CallState.UNKNOWN, words)


def mark_undelivered(call_id: int, words: str) -> bool:
    """Commit that nothing left this machine."""
    return _end(call_id, CallState.PREPARED, CallState.UNDELIVERED, words)


def _end(call_id: int, before: CallState, after: CallState, words: str) -> bool:
    return _run(ENDED, [after.value, words[:1000], call_id, before.value, after.value, json.dumps({"words": words})])


def _store_late(call_id: int, answer: Answer, body: bytes) -> None:
    sealed = seal_body(body)
    with transaction.atomic():
        CallBody.objects.create(
            call_id=call_id,
            part="late",
            month=sealed.month,
            sealed=sealed.sealed,
            digest=sealed.digest,
            size=sealed.size,
        )
        add_event(
            call_id,
            "late",
            state=answer.state.value,
            refmsgid=answer.refmsgid,
            words=answer.words,
            digest=sealed.digest,
        )


def add_event(call_id: int, kind: str, **detail: Any) -> None:
    """Append one event; `detail` holds no personal data."""
    CallEvent.objects.create(call_id=call_id, kind=kind, detail=detail)


def run(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Run one of the hot statements on this thread's connection, prepared by the server; returns its first row.

    Django's own cursor sends parameters inside the text, so that PostgreSQL plans these long statements anew each
    time; that cost more than running them.
    """
    database.ensure_connection()
    with database.wrap_database_errors, psycopg.Cursor(database.connection) as cursor:
        cursor.execute(statement, values, prepare=True)
        return cursor.fetchone() if cursor.description else None


def _run(statement: str, values: list[Any]) -> bool:
    return run(statement, values) is not None


def move(
    submission_id: int, before: Sequence[SubmissionState], *, carried_by: int | None = None, **changes: Any
) -> bool:
    """Change a submission if it is still in one of `before`; says whether it was. Stamps state_at.

    With `carried_by`, only while that call is its last: who slept may not touch what a later call carries.
    """
    changed = Submission.objects.filter(pk=submission_id, state__in=[state.value for state in before])
    if carried_by is not None:
        changed = changed.filter(last_call=carried_by)
    return bool(changed.update(state_at=timezone.now(), **changes))
