"""Taking a wave of submissions: claim, build, check, cut into messages, and commit them as prepared calls."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from insurance.exchange import ledger
from insurance.exchange.choices import SubmissionState
from insurance.exchange.contents import attach_subjects, infno_of, is_direct, message_of, row_of
from insurance.exchange.errors import Undelivered
from insurance.exchange.ledger import Draft, Prepared
from insurance.exchange.lines import Line
from insurance.exchange.models import Drain, Submission
from insurance.specification.model import Transaction

log = logging.getLogger(__name__)


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
    row: dict[str, Any]


def prepare_wave(line: Line, lease: Drain | None, candidates: QuerySet[Submission], room: int) -> Wave:
    """Claim up to `room` messages' worth of `candidates` and commit them as prepared calls.

    Sign-ins come first, outside the transaction, because they use the network. With a `lease`, nothing is claimed
    unless its fence still stands.
    """
    first = list(candidates.select_related("requested_by")[:room])
    wave = Wave()
    if not first:
        return wave
    signs = _sign_in(line, first)
    with transaction.atomic():
        if lease is not None and not _fence_stands(lease):
            return wave
        locked = candidates.select_related("requested_by").select_for_update(skip_locked=True, of=("self",))
        claimed = list(locked[: _reach(line, first, room)])
        wave.taken = len(claimed)
        items = list(_read(line, claimed, wave))
        drafts = []
        for group in _messages(line, items):
            draft = _draft(line, group, signs)
            if draft is not None:
                drafts.append(draft)
        drafts = drafts[:room]
        if drafts:
            wave.calls = ledger.prepare(line.connection, drafts)
            _mark_sending(drafts, wave.calls)
    return wave


def _fence_stands(lease: Drain) -> bool:
    return (
        Drain.objects.select_for_update(no_key=True)
        .filter(pk=lease.pk, fence=lease.fence, lease_until__gt=timezone.now())
        .exists()
    )


def _reach(line: Line, first: Sequence[Submission], room: int) -> int:
    """Return how many rows may be claimed: where batches are due, many rows make one message."""
    batches = any(not is_direct(item) and line.book.route(item.purpose).form == "batch" for item in first)
    return room * settings.BATCH_ROWS if batches else room


def _sign_in(line: Line, candidates: Iterable[Submission]) -> dict[str, str | Undelivered]:
    """Return the sign-in number of each operator among the candidates, or why there is none."""
    signs: dict[str, str | Undelivered] = {}
    for item in candidates:
        opter, name = item.opter or line.connection.opter, item.opter_name or line.connection.opter_name
        if opter not in signs:
            try:
                signs[opter] = line.sign_no_for(line.book.transaction(infno_of(item, line.book)), opter, name)
            except Undelivered as error:
                signs[opter] = error
    return signs


def _read(line: Line, claimed: Sequence[Submission], wave: Wave) -> Iterator[_Item]:
    """Yield what each claimed submission says; one that changed since it was approved, or is invalid, goes back."""
    attach_subjects(claimed)
    for submission in claimed:
        transaction_ = line.book.transaction(infno_of(submission, line.book))
        row, digest = row_of(submission, line.book)
        if digest != submission.digest:
            _send_back(submission, "内容在提交后被改动，已退回，请重新核对并上传")
            continue
        yield _Item(submission, transaction_, row)


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
        length = len(json.dumps(item.row, ensure_ascii=False, default=str)) + 2
        if part and (len(part) >= most_rows or (most_chars and size + length > most_chars)):
            yield part
            part, size = [], 0
        part.append(item)
        size += length
    if part:
        yield part


def _draft(line: Line, group: Sequence[_Item], signs: dict[str, str | Undelivered]) -> Draft | None:
    first = group[0].submission
    kind = group[0].transaction
    opter, name = first.opter or line.connection.opter, first.opter_name or line.connection.opter_name
    sign = signs.get(opter)
    if sign is None:
        return None  # its operator was not among those signed in for this wave; the next wave takes it
    if isinstance(sign, Undelivered):
        _hold(group, sign)
        return None
    message = (
        group[0].row
        if is_direct(first)
        else message_of(line.book.route(first.purpose), [item.row for item in group], kind)
    )
    faults = [fault for fault in line.problems(kind, message, first.insuplc_admdvs) if fault.level == "error"]
    if faults:
        for item in group:
            _send_back(item.submission, "；".join(str(fault) for fault in faults)[:1000])
        return None
    return Draft(
        transaction=kind,
        message=line.written(kind, message),
        purpose=first.purpose,
        opter=opter,
        opter_name=name,
        sign_no=sign,
        insuplc_admdvs=first.insuplc_admdvs,
        actor_name=first.requested_by.name if first.requested_by_id and first.requested_by else "系统",
        requested_by_id=first.requested_by_id,
        submissions=[item.submission for item in group],
    )


def _hold(group: Sequence[_Item], error: Undelivered) -> None:
    until = timezone.now() + dt.timedelta(seconds=settings.VERIFY_EVERY)
    for item in group:
        ledger.move(
            item.submission.pk,
            (SubmissionState.QUEUED,),
            attempts=item.submission.attempts + 1,
            words=error.words[:1000],
            not_before=until,
        )


def _mark_sending(drafts: Sequence[Draft], calls: Sequence[Prepared]) -> None:
    now = timezone.now()
    changed = []
    for draft, prepared in zip(drafts, calls, strict=True):
        for submission in draft.submissions:
            submission.state = SubmissionState.SENDING
            submission.last_call_id = prepared.call_id
            submission.state_at = now
            changed.append(submission)
    Submission.objects.bulk_update(changed, ["state", "last_call", "state_at"])
