"""What other rooms and pages read of the exchange."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from insurance.exchange.choices import OPEN_STATES, SubmissionState
from insurance.exchange.connections import first_connection
from insurance.exchange.errors import PlatformError
from insurance.exchange.models import Call, Connection, Submission
from portal.people.models import Institution


class NoConnection(PlatformError, Connection.DoesNotExist):
    """The institution has no connection to the platform yet."""


def connection_of(institution: Institution) -> Connection:
    """Return the institution's connection; the first institution's is made from the settings when it has none yet.

    Raises NoConnection for another institution without one.
    """
    known = Connection.objects.select_related("institution").filter(institution=institution).first()
    if known is not None:
        return known
    first = first_connection()
    if first.institution_id != institution.pk:
        raise NoConnection(f"{institution} 尚未建立平台连接，请联系信息科")
    return first


def type_of(subject: models.Model) -> str:
    """Return the subject type under which a record's submissions stand."""
    return subject._meta.label_lower


def submissions_of(subject: models.Model) -> models.QuerySet[Submission]:
    """Return all submissions of a record, newest first."""
    found: models.QuerySet[Submission] = Submission.objects.filter(
        subject_type=type_of(subject), subject_id=str(subject.pk)
    ).order_by("-id")
    return found


def attach_latest(objects: Iterable[Any]) -> None:
    """Set `.submission` (newest Submission or None) on each of a page's records of one model, in one query."""
    records = list(objects)
    if not records:
        return
    newest = (
        Submission.objects.filter(subject_type=type_of(records[0]), subject_id__in=[str(item.pk) for item in records])
        .order_by("subject_id", "-id")
        .distinct("subject_id")
    )
    by_id = {item.subject_id: item for item in newest}
    for record in records:
        record.submission = by_id.get(str(record.pk))


def calls_of(submission: Submission) -> models.QuerySet[Call]:
    """Return the calls that carried a submission, newest first."""
    found: models.QuerySet[Call] = Call.objects.filter(rows__submission=submission).order_by("-id")
    return found


def to_look_for(connection: Connection, delivery: str) -> models.QuerySet[Submission]:
    """Return the submissions of unknown outcome that are due for a look at the platform."""
    found: models.QuerySet[Submission] = (
        Submission.objects.filter(
            connection=connection, delivery=delivery, state=SubmissionState.UNKNOWN, needs_person=False
        )
        .filter(Q(not_before=None) | Q(not_before__lte=timezone.now()))
        .order_by("position")
    )
    return found


def predecessor(submission: Submission) -> Submission | None:
    """Return what a submission waits for in its thread: the earliest one before it that is not done."""
    found: Submission | None = (
        not_done(submission.connection_id, submission.thread).filter(position__lt=submission.position).first()
    )
    return found


# What holds later ones of its thread: an open one, and a refused one that nothing has replaced.
HOLDS = Q(state__in=[state.value for state in OPEN_STATES]) | Q(state=SubmissionState.REFUSED, superseded=False)


def not_done(connection_id: int, thread: str) -> models.QuerySet[Submission]:
    """Return a thread's submissions that hold later ones, in their order."""
    found: models.QuerySet[Submission] = Submission.objects.filter(
        HOLDS, connection_id=connection_id, thread=thread
    ).order_by("position")
    return found
