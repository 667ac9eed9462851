"""Queuing relations and their endings for the platform, and taking back what has not left yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models, transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from insurance.exchange.choices import OPEN_STATES, SubmissionState
from insurance.exchange.connections import book_of
from insurance.exchange.errors import AlreadyOpen, PlatformError
from insurance.exchange.models import Connection, Submission
from insurance.exchange.queries import connection_of
from insurance.exchange.services import hold_queue, resend, submit_many, withdraw
from insurance.mapping.choices import EndingState, MappingState, Source, Verdict
from insurance.mapping.delivery.checks import code_faults
from insurance.mapping.delivery.messages import ADD, ending_row, mapping_row, problems_of, purpose_of
from insurance.mapping.delivery.outcomes import note_ended, note_in_force
from insurance.mapping.errors import MappingError
from insurance.mapping.models import Ending, Mapping
from insurance.specification.books import Book
from portal.audit.services import record
from portal.people.actor import Actor

ALREADY = "已在上传队列中"
NO_CONNECTION = "本机构尚未建立平台连接，不能上传。请联系信息科在「系统 · 平台连接」中建立。"
REPLACED = "已由后来的操作代替"
# A relation in force goes again only where the bureau turned it down or does not hold it.
AGAIN = (Verdict.FAILED, Verdict.RETURNED)


@dataclass
class Queued:
    """What became of a wish to upload: what waits now, what came into force without a message, and what did not go."""

    queued: list[Submission] = field(default_factory=list)
    settled: list[models.Model] = field(default_factory=list)
    hindered: list[tuple[Any, str]] = field(default_factory=list)
    faulty: list[tuple[Any, str]] = field(default_factory=list)

    @property
    def left_out(self) -> list[tuple[Any, str]]:
        """Everything that did not go, with its reason."""
        return [*self.hindered, *self.faulty]


def _must(actor: Actor) -> None:
    """Approving is what lets a relation go; sending again needs the right of its own."""
    if not actor.may("mapping.approve"):
        actor.must("mapping.submit")


@transaction.atomic
def queue_mappings(
    actor: Actor, *, mappings: Iterable[Mapping], not_before: dt.datetime | None = None, again: bool = False
) -> Queued:
    """Queue the upload of approved relations (mapping.add); endings made for them go before them in their threads.

    Those of the platform's own (以平台为准) come into force without a message. `again`: also what is in force, because
    the platform lacks it. Raises NotAllowed, MappingError without a connection.
    """
    _must(actor)
    wanted = _locked(Mapping, actor, mappings)
    done = Queued()
    _merge(done, _endings_before(actor, wanted, not_before))
    # read after that: an ending may just have taken one of them out
    locked = _locked(Mapping, actor, wanted, "item", "institution")
    prefetch_related_objects(locked, "endings")
    adopted = [one for one in locked if one.source == Source.ADOPTED and one.state == MappingState.APPROVED]
    for mapping in adopted:
        note_in_force(mapping, quiet=True)
        done.settled.append(mapping)
    rest = [one for one in locked if one not in adopted]
    able = _sieve(done, rest, lambda one: _mapping_hindrance(one, again))
    able = _sound(done, able, actor, lambda one, book: problems_of(mapping_row(one, book), ADD, book))
    _queue(actor, ADD, able, done, not_before)
    _note(actor, done, "上传对照")
    return done


@transaction.atomic
def queue_endings(actor: Actor, *, endings: Iterable[Ending], not_before: dt.datetime | None = None) -> Queued:
    """Queue approved endings (mapping.end, mapping.remove). What the platform never had ends without a message.

    Raises NotAllowed, MappingError without a connection.
    """
    _must(actor)
    locked = _locked(Ending, actor, endings, "mapping__item", "mapping__institution", "made_for")
    done = Queued()
    standing = _standing(Mapping, [one.mapping_id for one in locked])
    able = _sieve(done, locked, _ending_hindrance)
    for ending in [one for one in able if _is_silent(one, standing)]:
        able.remove(ending)
        note_ended(ending, told=False)
        done.settled.append(ending)
    for purpose in sorted({purpose_of(one) for one in able}):
        group = [one for one in able if purpose_of(one) == purpose]
        group = _sound(done, group, actor, lambda one, book: problems_of(ending_row(one, book), purpose_of(one), book))
        _queue(actor, purpose, group, done, not_before)
    _note(actor, done, "上传对照终止")
    return done


def _endings_before(actor: Actor, mappings: Sequence[Mapping], not_before: dt.datetime | None) -> Queued:
    waiting = Ending.objects.filter(made_for__in=mappings, state=EndingState.APPROVED)
    own = list(waiting)
    on_their_way = _standing(Ending, [one.pk for one in own])
    idle = [one for one in own if on_their_way.get(str(one.pk)) not in OPEN_STATES]
    return queue_endings(actor, endings=idle, not_before=not_before) if idle else Queued()


def _merge(done: Queued, other: Queued) -> None:
    done.queued += other.queued
    done.settled += other.settled
    done.hindered += other.hindered
    done.faulty += other.faulty


def _locked(model: type[Any], actor: Actor, wanted: Iterable[Any], *related: str) -> list[Any]:
    """Read the records anew and lock them: the digest of what is queued must be that of the stored values."""
    rows = model.objects.select_for_update(of=("self",)).select_related(*related)
    return list(rows.filter(institution=actor.institution, pk__in=[one.pk for one in wanted]).order_by("pk"))


def _standing(model: type[models.Model], keys: Iterable[int]) -> dict[str, str]:
    """Return pk (as text) → state of the newest submission of records."""
    newest = (
        Submission.objects.filter(subject_type=model._meta.label_lower, subject_id__in=[str(key) for key in keys])
        .order_by("subject_id", "-id")
        .distinct("subject_id")
    )
    return dict(newest.values_list("subject_id", "state"))


def _sieve(done: Queued, rows: Iterable[Any], hindrance: Callable[[Any], str]) -> list[Any]:
    rows = list(rows)
    states = _standing(type(rows[0]), [one.pk for one in rows]) if rows else {}
    able = []
    for one in rows:
        words = ALREADY if states.get(str(one.pk)) in OPEN_STATES else hindrance(one)
        if words:
            done.hindered.append((one, words))
        else:
            able.append(one)
    return able


def _mapping_hindrance(mapping: Mapping, again: bool) -> str:
    if mapping.state == MappingState.APPROVED:
        return ""
    if mapping.state == MappingState.IN_FORCE:
        return "" if again or mapping.verdict in AGAIN else "平台已受理，无需重复上传"
    return f"{mapping.get_state_display()}的对照不能上传，须先审核通过"


def _ending_hindrance(ending: Ending) -> str:
    return "" if ending.state == EndingState.APPROVED else f"{ending.get_state_display()}的终止不能上传，须先审核通过"


def _is_silent(ending: Ending, standing: dict[str, str]) -> bool:
    """Say whether the platform need not be told: it never had the relation, or it is its own (以平台为准)."""
    successor = ending.made_for
    if ending.quiet:
        return True
    if successor is not None and successor.source == Source.ADOPTED and successor.state == MappingState.APPROVED:
        return True
    return ending.mapping.told_at is None and standing.get(str(ending.mapping_id)) not in OPEN_STATES


def _sound(done: Queued, rows: list[Any], actor: Actor, problems: Callable[[Any, Book], Sequence[Any]]) -> list[Any]:
    """Leave out what the catalogue or the specification would not let through, with every fault in words."""
    if not rows:
        return rows
    book = _book(actor)
    faults = code_faults([one for one in rows if isinstance(one, Mapping)])
    able = []
    for one in rows:
        words = [faults[one.pk]] if isinstance(one, Mapping) and one.pk in faults else []
        words += [str(problem) for problem in problems(one, book)]
        if words:
            done.faulty.append((one, "；".join(words)))
        else:
            able.append(one)
    return able


def _book(actor: Actor) -> Book:
    try:
        return book_of(connection_of(actor.institution))
    except Connection.DoesNotExist:
        raise MappingError(NO_CONNECTION) from None


def _queue(actor: Actor, purpose: str, rows: list[Any], done: Queued, not_before: dt.datetime | None) -> None:
    if not rows:
        return
    hold_queue(actor, purpose=purpose, subjects=rows)
    _give_up(actor, rows)
    rows = _alone_after_their_batch(actor, purpose, rows, done)
    groups: dict[dt.datetime | None, list[Any]] = {}
    for row in rows:
        groups.setdefault(not_before or _own_moment(row), []).append(row)
    for moment, group in groups.items():
        _queue_group(actor, purpose, group, done, moment)


def _own_moment(row: Mapping | Ending) -> dt.datetime | None:
    """Return before when a change of codes may not be sent: taken back and queued again, it still has its day."""
    relation = row if isinstance(row, Mapping) else row.made_for
    if relation is None or relation.switch_id is None or relation.begndate <= timezone.localdate():
        return None
    return morning_of(relation.begndate)


def _queue_group(actor: Actor, purpose: str, rows: list[Any], done: Queued, not_before: dt.datetime | None) -> None:
    try:
        done.queued += submit_many(actor, purpose=purpose, subjects=rows, not_before=not_before)
    except AlreadyOpen as error:
        # A colleague was quicker with some of them; their number is small, so each is told by itself.
        for one in rows:
            try:
                with transaction.atomic():
                    done.queued += submit_many(actor, purpose=purpose, subjects=[one], not_before=not_before)
            except AlreadyOpen:
                done.hindered.append((one, ALREADY))
        if not done.queued and not done.hindered:
            raise MappingError(error.words) from error


def _alone_after_their_batch(actor: Actor, purpose: str, rows: list[Any], done: Queued) -> list[Any]:
    """Send what fell with its batch one by one, after a look at the platform; returns the rest.

    Together again they would fall again, and nobody would learn which of them is at fault.
    """
    fallen = Submission.objects.filter(
        subject_type=type(rows[0])._meta.label_lower, subject_id__in=[str(one.pk) for one in rows], purpose=purpose,
        state=SubmissionState.REFUSED, whole=True, superseded=False,
    ).select_related("connection__institution", "institution")  # fmt: skip
    sender = actor if actor.may("exchange.submit") else Actor.system(actor.institution, actor.name)
    gone = set()
    for submission in fallen.order_by("pk"):
        done.queued.append(resend(sender, submission=submission, reason="整批被拒后逐条重发"))
        gone.add(submission.subject_id)
    return [one for one in rows if str(one.pk) not in gone]


def _give_up(actor: Actor, rows: Sequence[Any]) -> None:
    """Take refused uploads of relations that are not to go any more out of these threads: they would hold for ever.

    A refused ending stays: what follows it must wait until it is seen to.
    """
    items = {(one if isinstance(one, Mapping) else one.mapping).item_id for one in rows}
    dead = Mapping.objects.filter(
        item__in=items, told_at=None, state__in=[MappingState.REMOVED, MappingState.CANCELLED, MappingState.RETURNED]
    ).values_list("pk", flat=True)
    give_up_refused(actor, Mapping, list(dead))


def give_up_refused(actor: Actor, model: type[models.Model], keys: Iterable[int]) -> None:
    """Withdraw the refused uploads of records that are not to go any more."""
    refused = Submission.objects.filter(
        subject_type=model._meta.label_lower,
        subject_id__in=[str(key) for key in keys],
        state=SubmissionState.REFUSED,
        superseded=False,
    )
    for submission in refused:
        withdraw(Actor.system(actor.institution, actor.name), submission=submission, reason=REPLACED)


def _note(actor: Actor, done: Queued, word: str) -> None:
    if done.queued:
        subjects = [f"{one.subject_type}:{one.subject_id}" for one in done.queued]
        record(actor, "mapping.submit", subjects, label=f"{word} {len(subjects)} 条")


@transaction.atomic
def recall(actor: Actor, *, records: Iterable[Mapping | Ending], reason: str = "") -> Queued:
    """撤回: take back what waits in the queue or was refused; the relations stay approved. Raises NotAllowed."""
    actor.must("mapping.submit")
    done = Queued()
    wanted = list(records)
    for model in (Mapping, Ending):
        keys = [str(one.pk) for one in wanted if isinstance(one, model)]
        waiting = Submission.objects.filter(
            institution=actor.institution, subject_type=model._meta.label_lower, subject_id__in=keys, superseded=False,
            state__in=[SubmissionState.QUEUED, SubmissionState.REFUSED],
        )  # fmt: skip
        found = {one.subject_id: one for one in waiting.order_by("pk")}
        for one in (one for one in wanted if isinstance(one, model)):
            _recall(actor, one, found.get(str(one.pk)), reason, done)
    if done.settled:
        record(actor, "mapping.recall", done.settled, label=f"撤回上传 {len(done.settled)} 条", reason=reason)
    return done


def _recall(actor: Actor, one: Any, submission: Submission | None, reason: str, done: Queued) -> None:
    if submission is None:
        done.hindered.append((one, "没有等待上传或上传失败的，无可撤回"))
        return
    try:
        with transaction.atomic():
            withdraw(Actor.system(actor.institution, actor.name), submission=submission, reason=reason)
        done.settled.append(one)
    except PlatformError as error:
        done.hindered.append((one, error.words))


def morning_of(day: dt.date) -> dt.datetime:
    """Return the first moment of a day at the hospital: what is to take effect that day goes from then on."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))


def on_its_way(subject: models.Model) -> bool:
    """Say whether a record's newest submission is still open."""
    return _standing(type(subject), [int(subject.pk)]).get(str(subject.pk)) in OPEN_STATES
