"""How relations travel: the row, what an outcome changes, and what a look at the platform proves."""

from __future__ import annotations

from collections.abc import Mapping as Values
from collections.abc import Sequence
from typing import Any, ClassVar

from insurance.exchange.connections import book_of
from insurance.exchange.errors import Withheld
from insurance.exchange.handlers import Ask, Handler, Outcome, Settled, register
from insurance.exchange.models import Submission
from insurance.mapping.choices import MappingState
from insurance.mapping.delivery.checks import code_fault
from insurance.mapping.delivery.looking import Held
from insurance.mapping.delivery.messages import ADD, END, REMOVE, ending_row, mapping_row
from insurance.mapping.delivery.outcomes import note_ended, note_in_force
from insurance.mapping.delivery.settling import Look, Sent, judge_added, judge_all, judge_ended, judge_removed
from insurance.mapping.models import Ending, Mapping


class RelationHandler(Handler):
    """What the three purposes share. The thread is kind and item: what is said of one item goes in order.

    So a replaced relation ends before its successor begins, and a refused ending holds the successor back, visibly.
    """

    def judge(self, sent: Sent, rows: Sequence[Held], look: Look) -> Settled:
        """Judge one row sent by what the platform holds of its item."""
        raise NotImplementedError

    def relation(self, subject: Any) -> Mapping:
        """Return the relation that a subject speaks of."""
        found: Mapping = subject.mapping if isinstance(subject, Ending) else subject
        return found

    def thread(self, subject: Any) -> str:
        """Return kind and item as the order."""
        relation = self.relation(subject)
        return f"{relation.list_type}:{relation.item.fixmedins_hilist_id}"

    def settle(self, ask: Ask, step: str, sent: Values[int, Values[str, Any]]) -> dict[int, Settled]:
        """Judge every row sent by one look at 1317 or 5163."""
        return judge_all(ask, step, sent, self.judge)


class Add(RelationHandler):
    """3301: many rows, one answer for all."""

    purpose: ClassVar[str] = ADD
    label: ClassVar[str] = "目录对照上传"

    def judge(self, sent: Sent, rows: Sequence[Held], look: Look) -> Settled:
        """See settling.judge_added."""
        return judge_added(sent, rows, look)

    def message(self, submission: Submission) -> dict[str, Any]:
        """Return the relation as the edition's fields name it. Raises Withheld when its code does not carry it now."""
        mapping = submission.subject
        if mapping.state not in (MappingState.APPROVED, MappingState.IN_FORCE, MappingState.ENDED):
            raise Withheld(f"对照已是「{mapping.get_state_display()}」，没有上传")
        if words := code_fault(mapping):
            raise Withheld(f"{words}。没有上传，已退回")
        return mapping_row(mapping, book_of(submission.connection))

    def apply(self, submission: Submission, outcome: Outcome) -> None:
        """Accepted: in force here, and waiting for the bureau. A refusal changes no relation; the upload shows it."""
        if not outcome.accepted:
            return
        mapping = submission.subject
        # What a look found may carry the bureau's word already; 1317 tells only what it let pass.
        verdict = str(outcome.row.get("verdict") or ("passed" if outcome.row.get("rid") else ""))
        words = str(outcome.row.get("words") or "")
        ended = mapping.state == MappingState.ENDED
        note_in_force(mapping, verdict=verdict, words=words)
        if ended:
            Mapping.objects.filter(pk=mapping.pk).update(state=MappingState.ENDED)


class EndingHandler(RelationHandler):
    """What 3360 and 3302 share: their subject is an Ending."""

    def message(self, submission: Submission) -> dict[str, Any]:
        """Return the relation with the end that it shall have."""
        return ending_row(submission.subject, book_of(submission.connection))

    def apply(self, submission: Submission, outcome: Outcome) -> None:
        """Accepted: the relation ends; a refusal leaves it, and what follows in its thread waits."""
        if outcome.accepted:
            note_ended(submission.subject)
            _send_successor(submission.subject)


class End(EndingHandler):
    """3360: ends a relation by a date."""

    purpose: ClassVar[str] = END
    label: ClassVar[str] = "目录对照作废"

    def judge(self, sent: Sent, rows: Sequence[Held], look: Look) -> Settled:
        """See settling.judge_ended."""
        return judge_ended(sent, rows, look)


class Remove(EndingHandler):
    """3302: takes a relation back altogether."""

    purpose: ClassVar[str] = REMOVE
    label: ClassVar[str] = "目录对照撤销"

    def judge(self, sent: Sent, rows: Sequence[Held], look: Look) -> Settled:
        """See settling.judge_removed."""
        return judge_removed(sent, rows, look)


def _send_successor(ending: Ending) -> None:
    """Send ours again where the platform's own stood in its place (以本院为准): nobody else would."""
    from insurance.mapping.delivery.submitting import queue_mappings
    from portal.people.actor import Actor

    successor = ending.made_for
    if successor is not None and successor.state == MappingState.IN_FORCE:
        queue_mappings(Actor.system(ending.institution, "平台核对"), mappings=[successor], again=True)


def register_handlers() -> None:
    """Make the purposes of this corner known to delivery."""
    for handler in (Add(), End(), Remove()):
        register(handler)
