"""What a room registers for each of its purposes, so that delivery can carry it without knowing what it is."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from insurance.exchange.choices import DeliveryClass

if TYPE_CHECKING:
    from insurance.exchange.answers import Answer
    from insurance.exchange.models import Submission


class Finding(enum.Enum):
    """What a look at the platform tells about an unknown outcome."""

    ADOPTED = "adopted"
    ABSENT = "absent"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Settled:
    """The finding for one submission, the platform's row that proves it, and the evidence in one Chinese sentence."""

    finding: Finding
    row: Mapping[str, Any] = field(default_factory=dict)
    evidence: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one submission: accepted or refused, in the platform's own words.

    `row` is the answer's row for it (typed values, {} when the answer has none), `adopted` says that it was found by
    a look and not by its own answer, `whole` that it fell with its batch.
    """

    accepted: bool
    words: str = ""
    row: Mapping[str, Any] = field(default_factory=dict)
    refmsgid: str = ""
    call_id: int | None = None
    adopted: bool = False
    whole: bool = False


class Ask(Protocol):
    """Sends one query through the ledger and returns its answer (raises exchange.errors.PlatformError)."""

    def __call__(self, infno: str, message: Mapping[str, Any]) -> Answer: ...


class Handler:
    """One purpose of one room. Subclass, set the class attributes, and `register` an instance in AppConfig.ready().

    `purpose` is a row of the edition's routes.csv; `priority` orders the queue after a stop (10 settlement, 20 fees,
    30 catalogue and departments, 40 stock, 50 collection).
    """

    purpose: ClassVar[str]
    label: ClassVar[str]
    delivery: ClassVar[DeliveryClass] = DeliveryClass.INTERACTIVE
    priority: ClassVar[int] = 30

    def thread(self, subject: Any) -> str:
        """Return the name of the order in which this subject's submissions go; earlier ones hold later ones."""
        raise NotImplementedError

    def message(self, submission: Submission) -> dict[str, Any]:
        """Return the row that travels under the route's node: field code → Python value. Reads the database only."""
        raise NotImplementedError

    def apply(self, submission: Submission, outcome: Outcome) -> None:
        """Change the room's records by the outcome. Database only, inside the applying transaction."""
        raise NotImplementedError

    def settle(self, ask: Ask, step: str, sent: Mapping[int, Mapping[str, Any]]) -> dict[int, Settled]:
        """Look at the platform by transaction `step` (an infno of unknown_outcome) and judge what became of each row.

        `sent` maps a submission's pk to its row as it travelled (JSON values: text and numbers). Judge by that row, not
        by our record: the same judgement serves messages that a person sent without a record (`manage.py call`).
        Called without a transaction; network only through `ask`. A row left out counts as undecided.
        """
        return {}


_handlers: dict[str, Handler] = {}


def register(handler: Handler) -> None:
    """Make a handler known. Raises ValueError when its purpose already has one."""
    known = _handlers.get(handler.purpose)
    if known is not None and type(known) is not type(handler):
        raise ValueError(f"two handlers for {handler.purpose}")
    _handlers[handler.purpose] = handler


def handler_of(purpose: str) -> Handler:
    """Return the handler of a purpose. Raises LookupError when no room registered one."""
    try:
        return _handlers[purpose]
    except KeyError:
        raise LookupError(f"no handler registered for purpose {purpose!r}") from None


def purposes() -> list[str]:
    """Return all registered purposes."""
    return sorted(_handlers)
