"""What pages and other rooms read of departments and staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast
from django.urls import reverse

from insurance.directory.choices import DepartmentState, Verdict
from insurance.directory.models import ComparisonRow, Department, Practitioner
from insurance.exchange.choices import OPEN_STATES, SubmissionState
from insurance.exchange.handlers import handler_of
from insurance.exchange.models import Call, Submission
from insurance.exchange.queries import submissions_of
from portal.audit.queries import history as audit_history
from portal.people.models import Institution
from portal.tasks.models import Task

SUBJECT = "directory.department"


def touched_since(institution: Institution, at: datetime) -> set[tuple[str, datetime]]:
    """Return (code, begntime) of departments whose submission moved at or after a moment."""
    ids = Submission.objects.filter(institution=institution, subject_type=SUBJECT, state_at__gte=at).values_list(
        "subject_id", flat=True
    )
    keys = Department.objects.filter(institution=institution, pk__in=[int(pk) for pk in ids])
    return set(keys.values_list("hosp_dept_codg", "begntime"))


def with_delivery(departments: QuerySet[Department]) -> QuerySet[Department]:
    """Annotate `delivery` (state of the newest submission, None) and `verdict` (of the last comparison, None)."""
    newest = Submission.objects.filter(subject_type=SUBJECT, subject_id=Cast(OuterRef("pk"), CharField())).order_by(
        "-id"
    )
    compared = ComparisonRow.objects.filter(department=OuterRef("pk"))
    return departments.annotate(
        delivery=Subquery(newest.values("state")[:1]),
        verdict=Subquery(compared.values("verdict")[:1]),
        set_aside=Subquery(compared.filter(ignored_digest=F("digest")).values("pk")[:1]),
    )


# A plain NOT IN would lose those never uploaded: their delivery is NULL.
NOT_OPEN = Q(delivery=None) | Q(delivery__in=[state for state in SubmissionState if state not in OPEN_STATES])
WAITING = [SubmissionState.QUEUED, SubmissionState.SENDING]
# The tabs of the list over `with_delivery`: a department may stand under several, 待处理 is what a person must see to.
TABS: dict[str, tuple[str, Q]] = {
    "todo": (
        "待处理",
        Q(delivery__in=[SubmissionState.REFUSED, SubmissionState.UNKNOWN])
        | (
            Q(verdict__in=[Verdict.DIFFERENT, Verdict.OURS], set_aside=None)
            & ~Q(state=DepartmentState.DRAFT)
            & NOT_OPEN
        ),
    ),
    "draft": ("草稿", Q(state=DepartmentState.DRAFT)),
    "queued": ("待上传", Q(delivery__in=WAITING)),
    "refused": ("失败", Q(delivery=SubmissionState.REFUSED)),
    "unknown": ("结果待查", Q(delivery=SubmissionState.UNKNOWN)),
    "held": ("已上传", Q(platform__isnull=False, state=DepartmentState.IN_FORCE)),
    "ended": ("停用", Q(state__in=[DepartmentState.ENDED, DepartmentState.WITHDRAWN])),
    "all": ("全部", Q()),
}


IGNORED = Q(ignored_digest=F("digest"))
# A difference set aside stands under 不处理 alone, so that the other tabs are what is left to do.
VERDICT_TABS: dict[str, tuple[str, Q]] = {
    **{
        verdict.value: (str(verdict.label), Q(verdict=verdict) & ~IGNORED)
        for verdict in (Verdict.DIFFERENT, Verdict.OURS, Verdict.THEIRS)
    },
    Verdict.SAME.value: (str(Verdict.SAME.label), Q(verdict=Verdict.SAME)),
    "ignored": ("不处理", IGNORED & ~Q(verdict=Verdict.SAME)),
    "all": ("全部", Q()),
}


def with_comparison(practitioners: QuerySet[Practitioner]) -> QuerySet[Practitioner]:
    """Annotate `compared`: the verdict against the hospital's own list, None where that list is empty."""
    rows = ComparisonRow.objects.filter(practitioner=OuterRef("pk"))
    return practitioners.annotate(compared=Subquery(rows.values("verdict")[:1]))


def latest_task(institution: Institution, kind: str) -> Task | None:
    """Return the newest task of a kind, for the line that says when the platform was last asked."""
    found: Task | None = Task.objects.filter(institution=institution, kind=kind).order_by("-pk").first()
    return found


@dataclass(frozen=True)
class Moment:
    """One line of a record's history: a decision of a person, an upload, or a call that carried it (`url` shows it)."""

    at: datetime
    who: str
    text: str
    reason: str = ""
    url: str = ""


def history(department: Department, limit: int = 50) -> list[Moment]:
    """Return what happened to a department, newest first: audit, submissions and calls in one line of time."""
    moments = [
        Moment(event.at, event.actor_name, event.label, event.reason) for event in audit_history(department)[:limit]
    ]
    submissions = list(submissions_of(department).select_related("requested_by")[:limit])
    for submission in submissions:
        words = submission.settled_words or submission.words
        text = f"{handler_of(submission.purpose).label}：{submission.get_state_display()}"
        url = reverse("exchange:submission", args=[submission.pk])
        moments.append(Moment(submission.state_at, str(submission.requested_by or "系统"), text, words, url))
    calls = Call.objects.filter(rows__submission__in=submissions).distinct().order_by("-id")[:limit]
    for call in calls:
        text, url = f"{call.infno}：{call.get_state_display()}", reverse("exchange:call", args=[call.pk])
        moments.append(Moment(call.sent_at or call.prepared_at, call.opter_name, text, call.words, url))
    return sorted(moments, key=lambda moment: moment.at, reverse=True)[:limit]


def comparison_counts(institution: Institution, kind: str) -> dict[str, Any]:
    """Return verdict → number of the last comparison of a kind."""
    rows = ComparisonRow.objects.filter(institution=institution, kind=kind).values("verdict").annotate(n=Count("pk"))
    return {row["verdict"]: row["n"] for row in rows.order_by()}
