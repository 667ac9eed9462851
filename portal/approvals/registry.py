"""What can be approved: each room registers its kinds when it loads.

    register_kind(ApprovalKind(
        code="exchange.retention", label="删除归档前的交易", propose="exchange.manage", approve="exchange.approve",
        execute=drop_approved, show=what_is_dropped, url=lambda approval: reverse("exchange:retention"),
    ))

`execute` runs in the transaction of the approval itself: what it changes stands only if the approval stands, and it
gets exactly the payload whose digest the second person saw. It raises CannotExecute (or one of `refusals`, exceptions
of the room whose words are Chinese and for the person) when the world has changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.approvals.models import Approval
    from portal.people.actor import Actor

LASTS = timedelta(days=7)


@dataclass(frozen=True)
class ApprovalKind:
    """One kind of act that needs two persons. `propose` and `approve` are rights (`room.verb`).

    `execute` does it and returns a Chinese sentence; `show` lists label and value of what will happen, masked as on
    any page; `url` leads to the thing itself. A proposal that nobody decides ends after `lasts`.
    """

    code: str
    label: str
    propose: str
    approve: str
    execute: Callable[[Actor, Approval], str]
    show: Callable[[Approval], list[tuple[str, str]]] | None = None
    lasts: timedelta = LASTS
    url: Callable[[Approval], str] | None = None
    refusals: tuple[type[Exception], ...] = ()


_kinds: dict[str, ApprovalKind] = {}


def register_kind(kind: ApprovalKind) -> None:
    """Let `kind` be proposed. Raises ValueError when a different one has its code."""
    known = _kinds.get(kind.code)
    if known is not None and known != kind:
        raise ValueError(f"two kinds of approval are called {kind.code!r}")
    _kinds[kind.code] = kind


def kind_of(code: str) -> ApprovalKind:
    """Return the kind of a code. Raises LookupError."""
    try:
        return _kinds[code]
    except KeyError:
        raise LookupError(f"no kind of approval {code!r}") from None


def kinds() -> list[ApprovalKind]:
    """Return all kinds by label."""
    return sorted(_kinds.values(), key=lambda kind: kind.label)


def duties() -> list[str]:
    """Return the rights that some kind's second person needs, in a stable order."""
    return sorted({kind.approve for kind in _kinds.values()})
