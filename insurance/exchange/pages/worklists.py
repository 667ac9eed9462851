"""待处理 and 结果待查: what needs a person, how long it has waited, until when, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from insurance.exchange.choices import SubmissionState
from insurance.exchange.models import STUCK, TO_DO, Call, Submission
from insurance.exchange.pages.acts import next_step
from insurance.exchange.pages.links import clock, stopped_words
from insurance.exchange.pages.submissions import person_at, submissions_for
from portal.desk.working import age
from portal.lists.views import Tab
from portal.people.actor import Actor
from portal.people.models import Institution

MOST_STUCK = 500
UNAPPLIED = Q(state__in=[SubmissionState.SENDING])

TODO_TABS: Sequence[Tab] = (
    Tab("all", "全部待处理", empty="没有待处理的上传。"),
    Tab("person", "待人工核实", Q(state=SubmissionState.UNKNOWN, needs_person=True), "没有待人工核实的上传。"),
    Tab("refused", "上传失败", Q(state=SubmissionState.REFUSED, superseded=False), "没有上传失败的记录。"),
    Tab("contradicted", "答复前后不符", Q(contradicted=True), "没有前后不符的答复。"),
    Tab("unapplied", "答复写入失败", UNAPPLIED, "没有写入失败的答复。"),
    Tab("held", "排在未完成之后", Q(state=SubmissionState.QUEUED, ready=False), "没有被挡住的上传。"),
)
UNKNOWN_TABS: Sequence[Tab] = (
    Tab("all", "全部", empty="没有结果待查的上传：每一条发出去的都有结果。", order=("-needs_person", "pk")),
    Tab("person", "待人工核实", Q(needs_person=True), "没有待人工核实的上传。", ("pk",)),
    Tab("asking", "系统正在核实", Q(needs_person=False), "没有正在核实的上传。", ("pk",)),
)


def stuck_calls(institution: Institution) -> models.QuerySet[Call]:
    """Return the calls whose answer could not be written into the records yet; a partial index holds the few."""
    found: models.QuerySet[Call] = Call.objects.filter(STUCK, institution=institution)
    return found


def contradicted(institution: Institution) -> int:
    """Return how many late answers contradict what had been settled, and nobody has compared them yet."""
    return int(Submission.objects.filter(institution=institution, contradicted=True).count())


def to_do_for(actor: Actor) -> models.QuerySet[Submission]:
    """Return everything that needs a person: refused, to be settled by hand, contradicted, unapplied, held behind."""
    stuck = list(stuck_calls(actor.institution).values_list("pk", flat=True)[:MOST_STUCK])
    rows = submissions_for(actor)
    if not stuck:
        return rows.filter(TO_DO)
    carried = Submission.objects.filter(last_call__in=stuck, state=SubmissionState.SENDING).values_list("pk", flat=True)
    return rows.filter(TO_DO | Q(pk__in=list(carried)))


def unknown_for(actor: Actor) -> models.QuerySet[Submission]:
    """Return what nobody knows the outcome of."""
    return submissions_for(actor).filter(state=SubmissionState.UNKNOWN)


def attach_deadlines(submissions: Sequence[Submission]) -> None:
    """Set `age`, `deadline` and `next` on a page's submissions; no query."""
    now = timezone.now()
    for submission in submissions:
        shown: Any = submission
        shown.age = age(submission.state_at, now)
        shown.deadline = deadline_words(submission)
        shown.next = next_step(submission)


def deadline_words(submission: Submission) -> str:
    """Return until when the portal itself goes on, or that nothing moves without a person."""
    if submission.state == SubmissionState.UNKNOWN and not submission.needs_person:
        if stopped_words(submission.connection):
            return "暂停中，恢复后继续核实"
        return f"最迟 {clock(person_at(submission))} 转人工"
    if submission.state == SubmissionState.SENDING:
        return "系统自动再试"
    return "等人处理"
