"""Queuing what is to be said: one record, many at once, or a message that a person wrote."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db import connection as database

from insurance.exchange import ledger
from insurance.exchange.bell import ring_for
from insurance.exchange.choices import OPEN_STATES, DeliveryClass, SubmissionState
from insurance.exchange.connections import book_of
from insurance.exchange.contents import DIRECT, direct_subject, said_by
from insurance.exchange.errors import AlreadyOpen
from insurance.exchange.handlers import Handler, handler_of
from insurance.exchange.models import Connection, Submission
from insurance.exchange.queries import connection_of, not_done, type_of
from insurance.specification.books import Book
from portal.audit.services import record
from portal.people.actor import Actor

CHUNK = 1000


def submit(
    actor: Actor,
    *,
    purpose: str,
    subject: models.Model,
    label: str = "",
    delivery: DeliveryClass | None = None,
    insuplc_admdvs: str = "",
    not_before: dt.datetime | None = None,
) -> Submission:
    """Queue one record for the platform and ring on commit. Call it inside the transaction of the approval.

    The digest of what the record says now is stored: if it says something else when its turn comes, it goes back.
    Raises AlreadyOpen when the record has one of this purpose on its way.
    """
    connection = connection_of(actor.institution)
    submission = _made(
        actor,
        connection,
        book_of(connection),
        handler_of(purpose),
        subject,
        label,
        delivery=delivery,
        insuplc_admdvs=insuplc_admdvs,
        not_before=not_before,
    )
    return _queue(submission)


def _made(
    actor: Actor,
    connection: Connection,
    book: Book,
    handler: Handler,
    subject: models.Model,
    label: str,
    *,
    delivery: DeliveryClass | None,
    insuplc_admdvs: str,
    not_before: dt.datetime | None,
) -> Submission:
    submission = Submission(
        institution=actor.institution,
        connection=connection,
        purpose=handler.purpose,
        subject_type=type_of(subject),
        subject_id=str(subject.pk),
        label=(label or str(subject))[:200],
        thread=handler.thread(subject)[:120],
        delivery=delivery or handler.delivery,
        priority=handler.priority,
        insuplc_admdvs=insuplc_admdvs,
        opter=actor.opter,
        opter_name=actor.opter_name,
        requested_by=actor.person,
        not_before=not_before,
    )
    submission.subject = subject
    submission.digest = said_by(submission, book).digest
    return submission


def submit_many(
    actor: Actor,
    *,
    purpose: str,
    subjects: Sequence[models.Model],
    label: Callable[[Any], str] = str,
    delivery: DeliveryClass | None = None,
    insuplc_admdvs: str = "",
    not_before: dt.datetime | None = None,
) -> list[Submission]:
    """Queue many records for one purpose, as `submit` would one after the other, in a few statements a thousand.

    All or nothing: raises AlreadyOpen, naming up to three, when any of them is on its way or stands twice in
    `subjects`. Call it inside the transaction of the approval, before any `submit` there. Returns the submissions in
    the order of `subjects`.
    """
    if not subjects:
        return []
    connection, handler = connection_of(actor.institution), handler_of(purpose)
    book = book_of(connection)
    made = [
        _made(
            actor, connection, book, handler, subject, label(subject),
            delivery=delivery, insuplc_admdvs=insuplc_admdvs, not_before=not_before,
        )
        for subject in subjects
    ]  # fmt: skip
    try:
        with transaction.atomic():
            _refuse_open(made, {key for key, number in Counter(item.subject_id for item in made).items() if number > 1})
            hold_kinds(connection.pk, {item.thread for item in made})
            for start in range(0, len(made), CHUNK):
                _queue_chunk(made[start : start + CHUNK])
            _set_ready(connection.pk, made)
    except IntegrityError as error:
        raise AlreadyOpen("所选记录中有的已在上传队列中，无需重复上传") from error
    for kind in {item.delivery for item in made}:
        transaction.on_commit(partial(ring_for, connection.pk, kind))
    return made


def _refuse_open(made: Sequence[Submission], open_ids: set[str]) -> None:
    named = [item.label for item in made if item.subject_id in open_ids]
    if named:
        more = f"等 {len(named):,} 条" if len(named) > 3 else ""
        raise AlreadyOpen(f"{'、'.join(named[:3])}{more}已在上传队列中，无需重复上传")


def _queue_chunk(chunk: Sequence[Submission]) -> None:
    """Insert a part; what replaces refused ones takes their earliest place in the order."""
    first = chunk[0]
    standing = Submission.objects.filter(
        subject_type=first.subject_type,
        subject_id__in=[item.subject_id for item in chunk],
        purpose=first.purpose,
        superseded=False,
        state__in=[*OPEN_STATES, SubmissionState.REFUSED],
    )
    found = list(standing.values_list("pk", "subject_id", "state", "position"))
    _refuse_open(chunk, {subject for _, subject, state, _ in found if state != SubmissionState.REFUSED})
    places: dict[str, int] = {}
    for _, subject, _, position in found:
        places[subject] = min(position, places.get(subject, position))
    if found:
        Submission.objects.filter(pk__in=[pk for pk, *_ in found]).update(superseded=True)
    Submission.objects.bulk_create(chunk)
    for item in chunk:
        item.position = places.get(item.subject_id, item.pk)


READY = """
WITH mine AS (
  UPDATE exchange_submission AS submission SET position = given.position
  FROM unnest(%s::bigint[], %s::bigint[]) AS given (id, position) WHERE submission.id = given.id
  RETURNING submission.id, submission.thread, given.position)
SELECT mine.id FROM mine WHERE EXISTS (
  SELECT 1 FROM exchange_submission AS earlier
  WHERE earlier.connection_id = %s AND earlier.thread = mine.thread AND earlier.position < mine.position
    AND earlier.id <> ALL(%s)
    AND (earlier.state || '' IN ('queued', 'sending', 'unknown')
         OR (earlier.state || '' = 'refused' AND NOT earlier.superseded)))
"""


def _set_ready(connection_id: int, made: Sequence[Submission]) -> None:
    """Write the places and find out who waits: behind an earlier one of the thread, kept before or queued just now."""
    ids = [item.pk for item in made]
    with database.cursor() as cursor:
        cursor.execute(READY, [ids, [item.position for item in made], connection_id, ids])
        waiting = {pk for (pk,) in cursor.fetchall()}
    by_thread: dict[str, int] = {}
    for item in sorted(made, key=lambda item: item.position):
        first = by_thread.setdefault(item.thread, item.pk)
        item.ready = item.pk not in waiting and first == item.pk
    held = [item.pk for item in made if not item.ready]
    if held:
        Submission.objects.filter(pk__in=held).update(ready=False)


def submit_message(
    actor: Actor, *, infno: str, message: Mapping[str, Any], insuplc_admdvs: str = "", held: bool = False
) -> Submission:
    """Queue a message that a person wrote without a record (接口调试, `manage.py call`).

    The same content on its way twice is the same intention: raises AlreadyOpen. `held` leaves it for the caller to
    deliver. `message` must be JSON-ready.
    """
    digest = ledger.digest_of(infno, message)
    connection = connection_of(actor.institution)
    submission = Submission(
        institution=actor.institution,
        connection=connection,
        purpose=f"{DIRECT}{infno}",
        subject_type="direct",
        subject_id=direct_subject(connection, infno, message),
        label=_label_of(infno, message),
        thread=f"direct:{digest}",
        payload=json.dumps(message, ensure_ascii=False, default=str),
        insuplc_admdvs=insuplc_admdvs,
        opter=actor.opter,
        opter_name=actor.opter_name,
        requested_by=actor.person,
        digest=digest,
    )
    with transaction.atomic():
        made = _queue(submission, ring=not held)
        record(actor, "exchange.submit", [made], label=f"直接发送 {infno}")
    return made


# What a person would recognise a message by.
TELLING = ("mdtrt_id", "setl_id", "hosp_dept_codg", "fixmedins_hilist_id", "fixmedins_bchno", "hosp_rxno")


def _label_of(infno: str, message: Mapping[str, Any]) -> str:
    told = next(iter(ledger.identifiers(message, TELLING).values()), "")
    return f"{infno} 直接发送 {told}".strip()


def _queue(submission: Submission, ring: bool = True) -> Submission:
    same = Submission.objects.filter(
        subject_type=submission.subject_type, subject_id=submission.subject_id, purpose=submission.purpose
    )
    try:
        with transaction.atomic():
            hold_thread(submission.connection_id, submission.thread)
            standing = same.filter(superseded=False, state__in=[*OPEN_STATES, SubmissionState.REFUSED])
            refused = []
            for state, position in standing.order_by("position").values_list("state", "position"):
                if state != SubmissionState.REFUSED:
                    raise AlreadyOpen(f"{submission.label} 已在上传队列中，无需重复上传")
                refused.append(position)
            if refused:
                standing.update(superseded=True)
            submission.save()
            # What replaces a refused one takes its place in the order, or what waited behind it would go first.
            submission.position = refused[0] if refused else submission.pk
            before = not_done(submission.connection_id, submission.thread).exclude(pk=submission.pk)
            submission.ready = not before.filter(position__lt=submission.position).exists()
            submission.save(update_fields=["position", "ready"])
    except IntegrityError as error:
        raise AlreadyOpen(f"{submission.label} 已在上传队列中，无需重复上传") from error
    if ring:
        transaction.on_commit(lambda: ring_for(submission.connection_id, submission.delivery))
    return submission


# Who queues one holds its kind of thread shared and the thread itself; who queues many holds the kind alone, however
# many they are: a lock for each thread would fill the server's lock table, and one that is made stronger later in a
# transaction is a deadlock as soon as two do it.
LOCK_KIND = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 1))"
LOCK_KIND_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))"
LOCK_THREAD = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def hold_thread(connection_id: int, thread: str) -> None:
    """Let nobody else queue in this thread until the transaction ends.

    Who touches submissions of a thread before queuing in it takes this first: one that held a row and asked for the
    thread, and one that held the thread and asked for the row, would end each other.
    """
    with database.cursor() as cursor:
        cursor.execute(LOCK_KIND, [_kind(connection_id, thread)])
        cursor.execute(LOCK_THREAD, [f"{connection_id}/{thread}"])


def hold_queue(actor: Actor, *, purpose: str, subjects: Sequence[models.Model]) -> None:
    """Keep others from queuing in the threads of `subjects` until the transaction ends.

    For who changes submissions of these threads before queuing in them (see hold_thread).
    """
    connection, handler = connection_of(actor.institution), handler_of(purpose)
    hold_kinds(connection.pk, {handler.thread(subject)[:120] for subject in subjects})


def hold_kinds(connection_id: int, threads: set[str]) -> None:
    """Let nobody else queue in any thread of these kinds until the transaction ends; before rows, see hold_thread."""
    with database.cursor() as cursor:
        for kind in sorted({_kind(connection_id, thread) for thread in threads}):
            cursor.execute(LOCK_KIND_ALONE, [kind])


def _kind(connection_id: int, thread: str) -> str:
    return f"{connection_id}/{thread.partition(':')[0]}"
