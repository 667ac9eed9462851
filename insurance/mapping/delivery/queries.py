"""Where relations stand on their way: which wait, were refused, are unknown, or wait for the bureau."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone

from insurance.exchange.choices import OPEN_STATES, SubmissionState
from insurance.exchange.models import Submission
from insurance.exchange.queries import HOLDS, attach_latest, predecessor
from insurance.mapping.choices import EndingState, MappingState, Verdict
from insurance.mapping.delivery.advice import UNKNOWN as UNKNOWN_WORDS
from insurance.mapping.delivery.advice import Advice, advice_for
from insurance.mapping.delivery.outcomes import TOLD
from insurance.mapping.models import Ending, Mapping

WAITING = (SubmissionState.QUEUED, SubmissionState.SENDING)
TURNED_DOWN = (Verdict.FAILED, Verdict.RETURNED)


def _keys(kind: str, states: Iterable[str]) -> QuerySet[Any]:
    """Return the keys of records whose standing upload is in one of `states`; few, by an index on the states."""
    found = Submission.objects.filter(subject_type=kind, state__in=[*states], superseded=False)
    return found.annotate(key=Cast("subject_id", BigIntegerField())).values("key")


def on_the_way(*states: str) -> Q:
    """Return which relations have an upload, or one of an ending, in one of `states`."""
    endings = Ending.objects.filter(pk__in=_keys("mapping.ending", states), state=EndingState.APPROVED)
    return Q(pk__in=_keys("mapping.mapping", states)) | Q(pk__in=endings.values("mapping"))


REFUSED = Q(state__in=[*TOLD, MappingState.APPROVED, MappingState.REMOVED]) & on_the_way(SubmissionState.REFUSED)
QUEUED = on_the_way(*WAITING)
UNKNOWN = on_the_way(SubmissionState.UNKNOWN)
# Approved, and yet nothing is on its way: taken back, sent back by a change, or approved without a connection.
IDLE = Q(state=MappingState.APPROVED) & ~on_the_way(*OPEN_STATES, SubmissionState.REFUSED)
FOR_BUREAU = Q(state__in=TOLD, verdict=Verdict.WAITING)
BAD = Q(state__in=TOLD, verdict__in=TURNED_DOWN)
# The tabs of 对照上传: what a person must see to comes first.
TABS: dict[str, tuple[str, Q]] = {
    "refused": ("上传失败", REFUSED),
    "unknown": ("结果待查", UNKNOWN),
    "failed": ("局方不通过", BAD),
    "idle": ("未上传", IDLE),
    "queued": ("待上传", QUEUED),
    "waiting": ("待局方", FOR_BUREAU),
    "all": ("全部", Q()),
}


def relations_on_their_way(relations: QuerySet[Mapping]) -> QuerySet[Mapping]:
    """Return the relations that this corner is about: approved, told, or with an upload of an ending."""
    carried = Q(state=MappingState.REMOVED, endings__state=EndingState.APPROVED)
    return relations.filter(Q(state__in=[*TOLD, MappingState.APPROVED]) | Q(pk__in=_carriers(carried)))


def _carriers(which: Q) -> QuerySet[Any]:
    return Mapping.objects.filter(which).values("pk")


def late_before() -> dt.datetime:
    """Return the moment before which what still waits for the bureau was sent too long ago."""
    return timezone.now() - dt.timedelta(days=settings.MAPPING_VERDICT_DAYS)


def days_waiting(mapping: Mapping) -> int | None:
    """Return for how many days a relation has waited for the bureau, None where it does not."""
    if mapping.verdict != Verdict.WAITING or mapping.told_at is None:
        return None
    return max(0, (timezone.localdate() - timezone.localtime(mapping.told_at).date()).days)


def attach_delivery(mappings: Iterable[Any]) -> None:
    """Give each relation `submission` (that of an open ending, where one is there), `delivery`, `days`, `advice`.

    Four queries however many there are.
    """
    rows = list(mappings)
    attach_latest(rows)
    open_ones = {one.mapping_id: one for one in Ending.objects.filter(mapping__in=rows, state=EndingState.APPROVED)}
    endings = list(open_ones.values())
    attach_latest(endings)
    for row in rows:
        ending: Any = open_ones.get(row.pk)
        row.ending = ending
        said = getattr(ending, "submission", None) if ending is not None else None
        own = row.submission
        row.submission = said if said is not None and (own is None or own.state not in OPEN_STATES) else own
        row.delivery = row.submission.state if row.submission else None
        row.days = days_waiting(row)
        row.advice = advice_of(row, row.submission)
    _attach_before([row.submission for row in rows if row.submission is not None])


def _attach_before(submissions: Iterable[Any]) -> None:
    """Give each held one `before`: the earliest of its thread that is not done."""
    held = [one for one in submissions if one.state == SubmissionState.QUEUED and not one.ready]
    threads = {one.thread for one in held}
    first: dict[tuple[int, str], Submission] = {}
    found = Submission.objects.filter(HOLDS, connection__in={one.connection_id for one in held}, thread__in=threads)
    for one in found.order_by("-position") if held else ():
        first[one.connection_id, one.thread] = one
    for one in held:
        before = first.get((one.connection_id, one.thread))
        one.before = before if before is not None and before.position < one.position else None


def advice_of(mapping: Mapping, submission: Submission | None) -> Advice | None:
    """Return what to do about a relation now, None where nothing is wrong."""
    if submission is None and mapping.state == MappingState.APPROVED:
        return Advice("审核通过，还没有上传", "点「上传」；仍上传不了的会写明原因", "", "")
    if submission is not None and submission.state == SubmissionState.REFUSED:
        return advice_for(submission.words)
    if submission is not None and submission.state == SubmissionState.WITHDRAWN and submission.words:
        return Advice(submission.words, "改正后点「重新上传」", "", "")
    if submission is not None and submission.state == SubmissionState.UNKNOWN and submission.needs_person:
        return Advice("平台没有给出结果", "在平台网页查这一条，再到「结果待查」写下结论", "exchange:unknown", "去核实")
    if mapping.verdict in TURNED_DOWN:
        known = advice_for(mapping.verdict_words)
        return (
            known
            if known is not None and known is not UNKNOWN_WORDS
            else Advice(
                "局方没有通过",
                "按局方意见更正：编码不对就重新对码，资料不全就补齐后重新上传",
                "mapping:review",
                "去对码",
            )
        )
    return None


def delivery_words(mapping: Any) -> str:
    """Return what stands after the upload's state: since when, why it waits, the platform's words, the bureau's turn.

    「上传成功」 alone can never stand where the bureau has not spoken (ui.md).
    """
    submission: Submission | None = mapping.submission
    if submission is None:
        return _verdict_words(mapping)
    since = f"{timezone.localtime(submission.state_at):%m-%d %H:%M}"
    what = "终止：" if submission.purpose != "mapping.add" else ""
    if submission.state == SubmissionState.QUEUED:
        return f"{what}{since} 起{held_by(submission)}"
    if submission.state == SubmissionState.REFUSED:
        return f"{what}{'整批被拒，' if submission.whole else ''}平台返回：{submission.words}"
    if submission.state == SubmissionState.UNKNOWN:
        return what + ("等人工核实" if submission.needs_person else "正在向平台查证，查清前不会重发")
    if submission.state == SubmissionState.WITHDRAWN:
        return f"{what}{submission.words or '已撤回'}"
    return _verdict_words(mapping) or f"{what}{submission.settled_words or since}"


def verdict_words(mapping: Any) -> str:
    """Return what stands after the bureau's verdict: for how many days it has been waited for, or its words."""
    days = days_waiting(mapping)
    return (f"已 {days} 天" if days else "") if days is not None else mapping.verdict_words


def held_by(submission: Submission) -> str:
    """Return why a queued upload has not left: its day, what it waits behind, or how often it could not be sent."""
    if submission.not_before is not None and submission.not_before > timezone.now() and not submission.attempts:
        return f"，{timezone.localtime(submission.not_before):%m-%d %H:%M} 发出"
    if submission.ready:
        return f"，未发出，第 {submission.attempts} 次" if submission.attempts else ""
    before = submission.before if hasattr(submission, "before") else predecessor(submission)
    if before is None:
        return "，即将发出"
    if before.state == SubmissionState.REFUSED:
        return f"，被挡住：前一条（{before.label}）上传失败。请先处理它：重新上传，或撤回"
    return f"，排在同一项目的前一条之后（{before.get_state_display()}）"


def _verdict_words(mapping: Mapping) -> str:
    if mapping.state not in TOLD or mapping.told_at is None:
        return ""
    days = days_waiting(mapping)
    if days is not None:
        return f"待局方审核 {days} 天" if days else "待局方审核"
    words = f"：{mapping.verdict_words}" if mapping.verdict_words else ""
    return f"{mapping.get_verdict_display()}{words}"
