"""Taking a wave of submissions: claim, build, check, cut into messages, and commit them as prepared calls."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, models, transaction
from django.db.models import F, Q
from django.utils import timezone

from insurance.exchange import breaker, ledger
from insurance.exchange.choices import SubmissionState
from insurance.exchange.contents import DIRECT, Said, attach_subjects, infno_of, is_direct, message_of, said_by
from insurance.exchange.errors import Refused, Undelivered, Withheld
from insurance.exchange.ledger import Draft, Prepared
from insurance.exchange.lines import Line
from insurance.exchange.models import Drain, Submission
from insurance.specification.errors import SpecificationError
from insurance.specification.model import Transaction
from portal.privacy.traces import frames_of

log = logging.getLogger(__name__)


class Unsaid(Exception):
    """Asking what a submission says broke the transaction in which it was asked."""

    def __init__(self, submission: Submission) -> None:
        super().__init__(submission.pk)
        self.submission = submission


@dataclass
class Wave:
    """What was taken: committed calls ready to be sent, and how many submissions were claimed or sent back."""

    calls: list[Prepared] = field(default_factory=list)
    taken: int = 0


@dataclass
class _Item:
    """A claimed submission with what it says."""

    submission: Submission
    transaction: Transaction
    said: Said


def prepare_wave(line: Line, lease: Drain | None, room: int, only: int | None = None) -> Wave:
    """Claim up to `room` messages' worth of what is due and commit them as prepared calls.

    With a `lease`, its connection and class are served, and nothing is claimed unless its fence still stands; without
    one, the submission `only` is. Operators not yet signed in today are signed in first, outside the transaction.
    """
    try:
        return _prepare(line, lease, room, only)
    except Unsaid as unsaid:
        # The database refused what was asked for it, and with it everything in that transaction.
        cause = unsaid.__cause__
        if isinstance(cause, OperationalError | InterfaceError):
            raise cause from None
        _set_aside(unsaid.submission, unsaid)
        return Wave(taken=1)


def _prepare(line: Line, lease: Drain | None, room: int, only: int | None) -> Wave:
    wave = Wave()
    for _ in range(2):
        missing: dict[str, tuple[str, Transaction]] = {}
        with transaction.atomic():
            claimed = _claim(line, lease, room, only)
            wave.taken = len(claimed)
            items = list(_read(line, claimed))
            drafts = [draft for group in _messages(line, items) if (draft := _draft(line, group, missing))][:room]
            if drafts:
                wave.calls = ledger.prepare(line.connection, drafts)
                _mark_sending(drafts, wave.calls)
        if not missing or not all(_sign_in(line, claimed, opter, *rest) for opter, rest in missing.items()):
            break
        if wave.calls:
            break
    return wave


CLAIM = """
SELECT submission.*, person.name AS requested_name
FROM exchange_submission AS submission LEFT JOIN people_person AS person ON person.id = submission.requested_by_id
WHERE {which} AND submission.state = 'queued'
ORDER BY {first} submission.priority, submission.position LIMIT %s
FOR UPDATE OF submission SKIP LOCKED
"""
DUE = """
submission.connection_id = %s AND submission.delivery = %s AND submission.ready
AND (submission.not_before IS NULL OR submission.not_before <= now())
AND EXISTS (SELECT 1 FROM exchange_drain WHERE id = %s AND fence = %s AND lease_until > now() FOR SHARE)
"""


def _claim(line: Line, lease: Drain | None, room: int, only: int | None) -> list[Submission]:
    if lease is None:
        return _fetch(CLAIM.format(which="submission.id = %s", first=""), [only, 1])
    values: list[Any] = [lease.connection_id, lease.delivery, lease.pk, lease.fence]
    first = ""
    if breaker.is_shut_out(line.connection):
        # What probes is of another transaction, or one that alone is barred would keep all others waiting.
        values.append(_turned_away(line))
        first = "submission.purpose = ANY(%s),"
    statement = CLAIM.format(which=DUE, first=first)
    claimed = _fetch(statement, [*values, room])
    # Where batches are due, many rows make one message, so more are claimed.
    if any(_goes_in_batches(line, item) for item in claimed):
        claimed = _fetch(statement, [*values, room * settings.BATCH_ROWS])
    for item in claimed:
        item.connection = line.connection
    return claimed


def _turned_away(line: Line) -> list[str]:
    """Return the purposes of the transactions that the gateway turned away last."""
    barred = line.connection.shut_out_infnos
    own = [name for name, route in line.book.routes.items() if route.infno in barred]
    return own + [f"{DIRECT}{infno}" for infno in barred]


def _goes_in_batches(line: Line, submission: Submission) -> bool:
    route = line.book.routes.get(submission.purpose)
    return route is not None and route.form == "batch"


def _fetch(statement: str, values: list[Any]) -> list[Submission]:
    return list(Submission.objects.raw(statement, values))


def _sign_in(line: Line, claimed: Sequence[Submission], opter: str, name: str, kind: Transaction) -> bool:
    """Sign an operator in; where that fails, what waits for it is held back for a while. Says whether it worked."""
    try:
        line.sign_no_for(kind, opter, name)
        return True
    except Undelivered as error:
        # Only the platform's own no counts as an attempt; a closed platform is the breaker's business.
        refused = isinstance(error.__cause__, Refused)
        own = [item for item in claimed if (item.opter or line.connection.opter) == opter]
        pause = min(5 * 2 ** max(item.attempts for item in own), 300) if refused else 1
        # The whole queue of this operator waits, or each wave of it would ask for the same sign-in again.
        until = timezone.now() + dt.timedelta(seconds=pause)
        _queue_of(own[0]).filter(Q(not_before=None) | Q(not_before__lt=until)).update(
            attempts=F("attempts") + (1 if refused else 0), words=error.words[:1000], not_before=until
        )
        return False


def _queue_of(submission: Submission) -> models.QuerySet[Submission]:
    """Return what waits in the same queue under the same operator."""
    found: models.QuerySet[Submission] = Submission.objects.filter(
        connection=submission.connection_id,
        delivery=submission.delivery,
        opter=submission.opter,
        state=SubmissionState.QUEUED,
    )
    return found


def _read(line: Line, claimed: Sequence[Submission]) -> Iterator[_Item]:
    """Yield what each claimed submission says; one whose record changed since it was approved, or is gone, goes back.

    One that cannot be said at all (an edition without its purpose, a fault of ours) is set aside for a while, so that
    it does not hold the queue.
    """
    attach_subjects(claimed)
    for submission in claimed:
        if submission.subject is None and not is_direct(submission):
            _send_back(submission, "记录已不存在，已退回，没有上传")
            continue
        try:
            item = _item(line, submission)
        except DatabaseError as error:
            raise Unsaid(submission) from error
        except Withheld as error:
            _send_back(submission, error.words[:1000])
            continue
        except Exception as error:
            _set_aside(submission, error)
            continue
        if item.said.digest != submission.digest:
            _send_back(submission, "内容在提交后被改动，已退回，请重新核对并上传")
            continue
        yield item


def _item(line: Line, submission: Submission) -> _Item:
    kind = line.book.transaction(infno_of(submission, line.book))
    return _Item(submission, kind, said_by(submission, line.book))


def _set_aside(submission: Submission, error: Exception) -> None:
    log.error("submission %s cannot be said: %s", submission.pk, frames_of(error))
    reason = str(error) if isinstance(error, SpecificationError) else "程序出错，请联系信息科"
    ledger.move(
        submission.pk,
        (SubmissionState.QUEUED,),
        attempts=F("attempts") + 1,
        words=f"组不成报文，没有发出：{reason}"[:1000],
        not_before=timezone.now() + dt.timedelta(seconds=min(10 * 2 ** min(submission.attempts, 6), 300)),
    )


def _send_back(submission: Submission, words: str) -> None:
    ledger.move(submission.pk, (SubmissionState.QUEUED,), state=SubmissionState.WITHDRAWN, words=words)


def _messages(line: Line, items: Sequence[_Item]) -> Iterator[list[_Item]]:
    """Cut the items into messages: alone, or batches of one purpose, area and operator under both limits."""
    batches: dict[tuple[str, str, str], list[_Item]] = {}
    for item in items:
        submission = item.submission
        route = None if is_direct(submission) else line.book.route(submission.purpose)
        if route is None or route.form != "batch" or submission.alone:
            yield [item]
        else:
            key = (submission.purpose, submission.insuplc_admdvs, submission.opter)
            batches.setdefault(key, []).append(item)
    for (purpose, _, _), group in batches.items():
        route = line.book.route(purpose)
        yield from _cut(group, route.max_rows or settings.BATCH_ROWS, route.max_chars)


def _cut(group: Sequence[_Item], most_rows: int, most_chars: int | None) -> Iterator[list[_Item]]:
    part: list[_Item] = []
    size = 0
    for item in group:
        length = len(json.dumps(item.said.written, ensure_ascii=False, separators=(",", ":"))) + 2
        if part and (len(part) >= most_rows or (most_chars and size + length > most_chars)):
            yield part
            part, size = [], 0
        part.append(item)
        size += length
    if part:
        yield part


def _draft(line: Line, group: Sequence[_Item], missing: dict[str, tuple[str, Transaction]]) -> Draft | None:
    """Build one message, or None: it is invalid (sent back) or its operator is not signed in (noted in `missing`)."""
    first = group[0].submission
    kind = group[0].transaction
    opter, name = first.opter or line.connection.opter, first.opter_name or line.connection.opter_name
    sign = line.known_sign_no(opter)
    if sign is None:
        missing[opter] = (name, kind)
        return None
    message = _message(line, group)
    faults = _faults(line, message, group[0])
    if faults:
        sound = _send_back_faulty(line, group, faults)
        return _draft(line, sound, missing) if sound else None
    return Draft(
        transaction=kind,
        message=group[0].said.written if len(group) == 1 else line.written(kind, message),
        purpose=first.purpose,
        opter=opter,
        opter_name=name,
        sign_no=sign,
        insuplc_admdvs=first.insuplc_admdvs,
        actor_name=getattr(first, "requested_name", None) or "系统",
        requested_by_id=first.requested_by_id,
        submissions=[item.submission for item in group],
    )


def _message(line: Line, group: Sequence[_Item]) -> dict[str, Any]:
    first = group[0]
    if is_direct(first.submission):
        return first.said.row
    rows = [item.said.row for item in group]
    return message_of(line.book.route(first.submission.purpose), rows, first.transaction)


def _faults(line: Line, message: dict[str, Any], item: _Item) -> str:
    found = line.problems(item.transaction, message, item.submission.insuplc_admdvs)
    return "；".join(str(fault) for fault in found if fault.level == "error")


def _send_back_faulty(line: Line, group: Sequence[_Item], faults: str) -> list[_Item]:
    """Send back the rows that are at fault and return the sound ones; all go back when no row alone explains it."""
    own = [_faults(line, _message(line, [item]), item) for item in group]
    for item, words in zip(group, own, strict=True):
        if words or not any(own):
            _send_back(item.submission, (words or faults)[:1000])
    return [item for item, words in zip(group, own, strict=True) if not words] if any(own) else []


SENDING = """
UPDATE exchange_submission AS submission
SET state = 'sending', last_call_id = pair.call, state_at = clock_timestamp()
FROM unnest(%s::bigint[], %s::bigint[]) AS pair (submission, call) WHERE submission.id = pair.submission
"""


def _mark_sending(drafts: Sequence[Draft], calls: Sequence[Prepared]) -> None:
    submissions, heads = [], []
    for draft, prepared in zip(drafts, calls, strict=True):
        for submission in draft.submissions:
            submission.state = SubmissionState.SENDING
            submission.last_call_id = prepared.call_id
            submissions.append(submission.pk)
            heads.append(prepared.call_id)
    ledger.run(SENDING, [submissions, heads])
