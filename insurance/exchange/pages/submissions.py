"""A submission in words: what it is, where it stands and why, what the platform said, what may be done next."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from insurance.exchange.choices import SubmissionState
from insurance.exchange.contents import DIRECT, attach_subjects, is_direct
from insurance.exchange.debugging.rules import AGAIN, FREE
from insurance.exchange.handlers import handler_of, purposes
from insurance.exchange.masking import DATA
from insurance.exchange.models import Connection, Submission
from insurance.exchange.pages.links import clock, stopped_words
from insurance.exchange.queries import HOLDS
from insurance.exchange.recovery import MOST_LOOKS, step_of
from insurance.specification.books import Book
from insurance.specification.errors import SpecificationError
from insurance.specification.model import Step
from portal.lists.views import Tab
from portal.people.actor import Actor
from portal.people.roles import describe

DEFAULT_ADVICE = "按平台返回的原因改正记录后「重新上传」；看不懂时，把接收方报文ID和上面这句话发给医保局。"
WHOLE_ADVICE = "整批被拒：本条自己不一定有错。核对无误后「重新上传」，会单独发送。"
LIVE = Q(superseded=False)

TABS: Sequence[Tab] = (
    Tab(
        "unknown",
        "结果待查",
        Q(state=SubmissionState.UNKNOWN),
        "没有结果待查的上传：每一条发出去的都有结果。",
        ("-needs_person", "pk"),
    ),
    Tab("refused", "上传失败", Q(state=SubmissionState.REFUSED) & LIVE, "没有上传失败的记录。"),
    Tab("queued", "待上传", Q(state=SubmissionState.QUEUED), "没有待上传的记录。", ("priority", "position")),
    Tab("sending", "上传中", Q(state=SubmissionState.SENDING), "此刻没有正在上传的记录。"),
    Tab("accepted", "上传成功", Q(state=SubmissionState.ACCEPTED), "还没有上传成功的记录。"),
    Tab("withdrawn", "已撤销", Q(state=SubmissionState.WITHDRAWN), "没有撤销过的上传。"),
    Tab("all", "全部"),
)


def submissions_for(actor: Actor) -> models.QuerySet[Submission]:
    """Return the submissions of the institution at hand that the actor may see, without their encrypted content."""
    visible = Submission.objects.visible_to(actor.person) if actor.person else Submission.objects.all()
    found: models.QuerySet[Submission] = visible.filter(institution=actor.institution)
    return found.select_related("last_call", "requested_by").defer("payload")


def purpose_words(purpose: str, book: Book) -> str:
    """Return a purpose as the screen names it: 科室信息上传（3401）; an unknown one shows itself."""
    try:
        if purpose.startswith(DIRECT):
            infno = purpose.removeprefix(DIRECT)
            return f"{book.transaction(infno).name}（{infno}），直接发送"
        label = handler_of(purpose).label
    except (LookupError, SpecificationError):
        label = purpose
    return f"{label}（{book.routes[purpose].infno}）" if purpose in book.routes else label


def purpose_choices(book: Book) -> list[tuple[str, str]]:
    """Return the purposes that rooms registered, and what persons sent directly, for the query form."""
    return [*((name, purpose_words(name, book)) for name in purposes()), (DIRECT, "直接发送（不属于任何记录）")]


def attach(submissions: Sequence[Submission], connection: Connection | None, book: Book) -> None:
    """Set on a page's submissions what the table shows: `title`, `after` and `more`. A constant number of queries."""
    if connection is not None:
        for submission in submissions:
            submission.connection = connection
    before = predecessors(submissions)
    for submission in submissions:
        shown: Any = submission
        shown.title = purpose_words(submission.purpose, book)
        shown.after = before.get(submission.pk)
        shown.more = more_words(submission, book, shown.after)


def predecessors(submissions: Iterable[Submission]) -> dict[int, Submission]:
    """Return for each waiting submission what it waits for: the earliest one before it in its thread, not done."""
    waiting = [item for item in submissions if item.state == SubmissionState.QUEUED and not item.ready]
    if not waiting:
        return {}
    ahead = (
        Submission.objects.filter(connection__in={item.connection_id for item in waiting})
        .filter(thread__in={item.thread for item in waiting})
        .filter(HOLDS)
        .defer("payload")
        .order_by("position", "pk")
    )
    by_thread: dict[tuple[int, str], list[Submission]] = {}
    for item in ahead:
        by_thread.setdefault((item.connection_id, item.thread), []).append(item)
    found = {}
    for item in waiting:
        earlier = [one for one in by_thread.get((item.connection_id, item.thread), []) if one.position < item.position]
        if earlier:
            found[item.pk] = earlier[0]
    return found


def more_words(submission: Submission, book: Book, after: Submission | None = None) -> str:
    """Return the line beside a submission's state (ui.md, States)."""
    state = submission.state
    if state == SubmissionState.QUEUED:
        return _queued(submission, after)
    if state == SubmissionState.SENDING:
        return f"{clock(submission.state_at)} 发出，等待答复"
    if state == SubmissionState.UNKNOWN:
        return unknown_words(submission, book)
    if state == SubmissionState.REFUSED:
        words = f"{'整批被拒，' if submission.whole else ''}平台返回：{submission.words or '未说明原因'}"
        return f"{words}（已由后来的上传代替）" if submission.superseded else words
    if state == SubmissionState.ACCEPTED:
        return submission.settled_words or (f"接收方报文ID {submission.refmsgid}" if submission.refmsgid else "")
    return submission.settled or submission.words


def _queued(submission: Submission, after: Submission | None) -> str:
    parts = []
    if after is not None:
        parts.append(f"排在「{after.label}」（{after.get_state_display()}）之后")
    if submission.attempts:
        parts.append(f"未发出，第 {submission.attempts} 次：{submission.words or '连不上平台'}")
    if submission.settled:
        parts.append(submission.settled)
    now = timezone.now()
    if submission.not_before and submission.not_before > now:
        parts.append(f"{clock(submission.not_before)} 再试" if submission.attempts else _due(submission.not_before))
    stopped = stopped_words(submission.connection)
    return "；".join([*parts, *([stopped] if stopped else [])]) or f"自 {clock(submission.state_at)} 起等待"


def _due(moment: dt.datetime) -> str:
    return f"不早于 {clock(moment)} 上传"


def unknown_words(submission: Submission, book: Book) -> str:
    """Return what is being asked about an unknown outcome, and until when before a person is needed."""
    if submission.needs_person:
        return "待人工核实：请在平台查明有没有这条，再点「人工核实」"
    step = _step(submission, book)
    if step is not None and step.kind in ("retry", "resend"):
        return "将自动重新发送：同样内容再传一次不会重复"
    if step is None or step.kind != "verify":
        return "即将转人工核实"
    asked = f"正在用{_named(step.infno, book)}核实，已查 {submission.looks} 次"
    stopped = stopped_words(submission.connection)
    return f"{asked}；{stopped}" if stopped else f"{asked}，最迟 {clock(person_at(submission))} 转人工"


def person_at(submission: Submission) -> dt.datetime:
    """Return when at the latest a person will be asked, as recovery spaces its looks; a platform that does not answer
    puts it off."""
    pauses = sum(settings.VERIFY_EVERY * (1 if look < 3 else look) for look in range(submission.looks + 1, MOST_LOOKS))
    start = max(submission.not_before or timezone.now(), timezone.now())
    return start + dt.timedelta(seconds=pauses)


def _step(submission: Submission, book: Book) -> Step | None:
    try:
        return step_of(submission, book)
    except SpecificationError:
        return None


def _named(infno: str, book: Book) -> str:
    try:
        return f"「{book.transaction(infno).name}（{infno}）」"
    except SpecificationError:
        return f" {infno} "


@lru_cache(maxsize=1)
def _advice() -> tuple[tuple[re.Pattern[str], str], ...]:
    with open(DATA / "advice.csv", encoding="utf-8") as file:
        return tuple((re.compile(row["words"], re.IGNORECASE), row["advice"]) for row in csv.DictReader(file))


def advice_for(submission: Submission) -> str:
    """Return what to do about a refusal, by the platform's words (data/advice.csv, first fitting row)."""
    if submission.whole:
        return WHOLE_ADVICE
    return next((advice for pattern, advice in _advice() if pattern.search(submission.words)), DEFAULT_ADVICE)


RESEND_REASONS = {
    SubmissionState.QUEUED: "已在待上传队列中，轮到就会发出",
    SubmissionState.SENDING: "正在上传，请等结果",
    SubmissionState.ACCEPTED: "已上传成功，无需重新上传",
    SubmissionState.UNKNOWN: "结果待查，请勿重复上传；查明平台没有后才会再发",
    SubmissionState.WITHDRAWN: "已撤销；需要时请在原记录上再次上传",
}
WITHDRAW_REASONS = {
    SubmissionState.SENDING: "正在上传，请等结果",
    SubmissionState.ACCEPTED: "平台已受理；请在原记录上办理变更或撤销",
    SubmissionState.UNKNOWN: "结果待查，先核实平台有没有这条",
    SubmissionState.WITHDRAWN: "已经撤销",
}


def why_not_resend(submission: Submission) -> str:
    """Return why a submission cannot be sent again now, "" when it can."""
    if submission.state != SubmissionState.REFUSED:
        return RESEND_REASONS[SubmissionState(submission.state)]
    if submission.superseded:
        return "已由后来的上传代替"
    # asked of the settings alone, because this is said of every row of a list; the service asks the connection too
    return AGAIN if is_direct(submission) and settings.ENVIRONMENT not in FREE else ""


def why_gone(submission: Submission) -> str:
    """Return that the record spoken of no longer exists; subjects must be attached (contents.attach_subjects)."""
    return "" if is_direct(submission) or submission.subject is not None else "原记录已不存在，不能重新上传"


def why_not_withdraw(submission: Submission) -> str:
    """Return why a submission cannot be taken back now, "" when it can."""
    if submission.state == SubmissionState.REFUSED and submission.superseded:
        return "已由后来的上传代替"
    return WITHDRAW_REASONS.get(SubmissionState(submission.state), "")


def why_not_decide(submission: Submission) -> str:
    """Return why a person cannot settle a submission now, "" when they can."""
    return "" if submission.state == SubmissionState.UNKNOWN else "只有「结果待查」的需要核实"


def without_right(actor: Actor, action: str) -> str:
    """Return which right is missing for `action`, "" when the actor has it."""
    return "" if actor.may(action) else f"您没有{describe(action)}的权限，请联系安全管理员授权"


def fetch_subjects(submissions: Iterable[Submission]) -> None:
    """Fetch the records spoken of, one query a model."""
    attach_subjects(submissions)
