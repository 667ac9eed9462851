"""What became of a send: from the submission or the task that carries it, without a query per row of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from insurance.exchange.choices import SubmissionState
from insurance.exchange.debugging.choices import ENDED, SendState
from insurance.exchange.models import Call, DebugSend, Submission
from insurance.exchange.pages.submissions import more_words
from insurance.specification.books import Book

OF_SUBMISSION = {
    SubmissionState.QUEUED: SendState.WAITING,
    SubmissionState.SENDING: SendState.SENDING,
    SubmissionState.ACCEPTED: SendState.ACCEPTED,
    SubmissionState.REFUSED: SendState.REFUSED,
    SubmissionState.UNKNOWN: SendState.UNKNOWN,
    SubmissionState.WITHDRAWN: SendState.STOPPED,
}


@dataclass(frozen=True)
class Standing:
    """Where a send stands: state, the words beside it, the message in the ledger, whether anything may still change."""

    state: SendState
    words: str
    call: Call | None
    submission: Submission | None
    moving: bool

    @property
    def shown(self) -> SendState | SubmissionState:
        """The state in the words of its kind: a write has those of every upload, a query those of the ledger."""
        if self.submission is None or self.state == SendState.APPROVAL:
            return self.state
        return SubmissionState(self.submission.state)

    @property
    def seconds(self) -> str:
        """How long the platform took, "" while it has not answered."""
        call = self.call
        if call is None or call.sent_at is None or call.answered_at is None:
            return ""
        return f"{(call.answered_at - call.sent_at).total_seconds():.2f}"


def standing_of(send: DebugSend, book: Book) -> Standing:
    """Return where one send stands now."""
    submission = _submission(send)
    if submission is not None:
        state = OF_SUBMISSION[SubmissionState(submission.state)]
        moving = state not in ENDED and not (state == SendState.UNKNOWN and submission.needs_person)
        return Standing(state, more_words(submission, book), submission.last_call, submission, moving)
    call = Call.objects.filter(pk=send.call_id).first() if send.call_id else None
    state, words = _of_task(send)
    return Standing(state, words, call, None, state in (SendState.WAITING, SendState.SENDING))


def _submission(send: DebugSend) -> Submission | None:
    if not send.submission_id:
        return None
    found = Submission.objects.select_related("last_call", "connection").defer("payload")
    return found.filter(pk=send.submission_id).first()


def _of_task(send: DebugSend) -> tuple[SendState, str]:
    """Return the state of a question; one whose task ended without an answer did not leave."""
    state, task = SendState(send.state), send.task
    if state not in (SendState.WAITING, SendState.SENDING) or task is None or not task.ended:
        return state, send.words
    return SendState.STOPPED, task.message or f"任务{task.get_state_display()}，没有得到答复"


def show_states(sends: Sequence[DebugSend]) -> None:
    """Set on a page's sends the state and words of now; one query for all."""
    wanted = [send.submission_id for send in sends if send.submission_id]
    found = {item.pk: item for item in Submission.objects.filter(pk__in=wanted).defer("payload")}
    for send in sends:
        submission = found.get(send.submission_id or 0)
        if submission is None:
            send.state, send.words = _of_task(send)
        else:
            send.state = OF_SUBMISSION[SubmissionState(submission.state)]
            send.words = submission.settled_words or submission.words


def settle(send: DebugSend, state: SendState, words: str, call_id: int | None, file: str = "") -> None:
    """Write down how a question ended."""
    ended = timezone.now()
    DebugSend.objects.filter(pk=send.pk).update(
        state=state, words=words[:1000], call_id=call_id, file=file, ended_at=ended
    )
