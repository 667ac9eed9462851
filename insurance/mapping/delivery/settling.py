"""What a look at the platform proves about a lost 3301, 3302 or 3360; judged by the row as it travelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings

from insurance.exchange.choices import CallState
from insurance.exchange.connections import book_of
from insurance.exchange.handlers import Ask, Finding, Settled
from insurance.exchange.models import Submission
from insurance.mapping.delivery.looking import IN_FORCE, VERDICTS, Held, day_of, held_by
from insurance.mapping.models.relations import OPEN_END
from insurance.specification.books import Book, open_book

Values = Mapping[str, Any]
Judge = Callable[["Sent", Sequence[Held], "Look"], Settled]
# Up to so many rows are asked for one by one; more are looked up in all that the platform holds.
FEW = 60


class Sent:
    """One row as it travelled."""

    def __init__(self, pk: int, row: Values) -> None:
        self.pk = pk
        self.list_type = str(row.get("list_type") or "")
        self.hilist_id = str(row.get("fixmedins_hilist_id") or "")
        self.code = str(row.get("med_list_codg") or "")
        self.begndate = day_of(row.get("begndate"))
        self.enddate = day_of(row.get("enddate")) or OPEN_END

    def __str__(self) -> str:
        return f"{self.hilist_id} 与 {self.code} 的对照"


class Look:
    """One look: by which transaction, in which edition, and what is known of the submissions it serves."""

    def __init__(self, step: str, sent: Mapping[int, Values]) -> None:
        self.step = step
        found = Submission.objects.filter(pk__in=[pk for pk in sent if pk > 0]).select_related(
            "connection", "institution", "last_call"
        )
        self.submissions = {one.pk: one for one in found}
        first = next(iter(self.submissions.values()), None)
        edition = (settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR)
        self.book: Book = book_of(first.connection) if first else open_book(*edition)
        self.own: str = first.institution.fixmedins_code if first else ""

    @property
    def purpose(self) -> str:
        """The purpose by which the step's transaction is asked."""
        named = (VERDICTS, IN_FORCE)
        return next((name for name in named if self.book.route(name).infno == self.step), "")

    @property
    def hides_unaudited(self) -> bool:
        """Whether what still waits for the bureau cannot be seen by this transaction (1317)."""
        return self.purpose == IN_FORCE or not any("chk_stas" in node.fields for node in self._output)

    @property
    def _output(self) -> Sequence[Any]:
        return list(self.book.transaction(self.step).output.walk())

    def goes_on(self, infno: str) -> bool:
        """Say whether the edition's index names another look after this one for a lost `infno`."""
        steps = [step for step in self.book.transaction(infno).unknown_outcome if step.kind == "verify"]
        places = [place for place, step in enumerate(steps) if step.infno == self.step]
        return bool(places) and places[-1] + 1 < len(steps)

    def was_refused(self, pk: int) -> bool:
        """Say whether the platform clearly refused the batch in which this row fell."""
        submission = self.submissions.get(pk)
        call = submission.last_call if submission is not None else None
        return call is not None and call.state == CallState.REFUSED


def judge_all(ask: Ask, step: str, sent: Mapping[int, Values], judge: Judge) -> dict[int, Settled]:
    """Look once for all rows and judge each; {} where the step is none of this room's queries."""
    look = Look(step, sent)
    if not look.purpose or not sent:
        return {}
    rows = [Sent(pk, row) for pk, row in sent.items()]
    found = _found(ask, look, rows)
    return {row.pk: judge(row, found.get((row.list_type, row.hilist_id), []), look) for row in rows}


def _found(ask: Ask, look: Look, rows: Sequence[Sent]) -> dict[tuple[str, str], list[Held]]:
    items = {(row.list_type, row.hilist_id) for row in rows}
    found: dict[tuple[str, str], list[Held]] = {}
    if len(items) <= FEW:
        asked = [
            held
            for kind, item in sorted(items)
            for held in held_by(ask, look.book, look.purpose, own=look.own, list_type=kind, hilist_id=item)
        ]
    else:
        asked = list(held_by(ask, look.book, look.purpose, own=look.own))
    for held in asked:
        found.setdefault((held.list_type, held.hilist_id), []).append(held)
    return found


def judge_added(sent: Sent, rows: Sequence[Held], look: Look) -> Settled:
    """3301: the same code and dates prove that it arrived, whatever the bureau thinks of it.

    1317 hides what nobody audited yet, so its silence proves nothing by itself: another look follows, or a person.
    """
    same = [row for row in rows if row.valid and row.code == sent.code and row.begndate == sent.begndate]
    exact = next((row for row in same if row.enddate == min(sent.enddate, OPEN_END)), None)
    if exact is not None:
        return Settled(Finding.ADOPTED, _told(exact), f"{look.step} 中有{sent}，日期相同")
    if same:
        words = f"{look.step} 中有{sent}，但结束日期是 {same[0].enddate}，上传的是 {sent.enddate}"
        return Settled(Finding.UNDECIDED, evidence=words)
    if not look.hides_unaudited or look.goes_on("3301") or look.was_refused(sent.pk):
        return Settled(Finding.ABSENT, evidence=f"{look.step} 中没有{sent}")
    return Settled(Finding.UNDECIDED, evidence=f"{look.step} 中没有{sent}；它只含已审核的，不能证明没有收到")


def judge_ended(sent: Sent, rows: Sequence[Held], look: Look) -> Settled:
    """3360: the end that was sent proves that it arrived, another end that it did not."""
    same = [row for row in rows if row.valid and row.code == sent.code]
    if sent.begndate is not None:
        same = [row for row in same if row.begndate == sent.begndate]
    if any(row.enddate == sent.enddate for row in same):
        return Settled(Finding.ADOPTED, evidence=f"{look.step} 中{sent}已于 {sent.enddate} 结束")
    if same:
        return Settled(Finding.ABSENT, evidence=f"{look.step} 中{sent}的结束日期仍是 {same[0].enddate}")
    return Settled(Finding.UNDECIDED, evidence=f"{look.step} 中没有{sent}，无法判断是否已终止")


def judge_removed(sent: Sent, rows: Sequence[Held], look: Look) -> Settled:
    """3302: still valid means that it did not arrive, shown as invalid that it did; silence proves nothing."""
    same = [row for row in rows if row.code == sent.code]
    if any(row.valid for row in same):
        return Settled(Finding.ABSENT, evidence=f"{look.step} 中{sent}仍有效")
    if same:
        return Settled(Finding.ADOPTED, evidence=f"{look.step} 中{sent}已无效")
    return Settled(Finding.UNDECIDED, evidence=f"{look.step} 中没有{sent}；未审核的本来就不显示，无法判断")


def _told(held: Held) -> dict[str, Any]:
    return {"chk_stas": held.chk_stas, "verdict": held.verdict, "words": held.words, "rid": held.rid}
