"""What rooms above hand over, so that the catalogue's pages can show it without knowing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from insurance.catalogue.models import Item
from portal.people.actor import Actor


@dataclass(frozen=True)
class Use:
    """Something of the hospital that a code is used for: what it is, its page, how it stands."""

    label: str
    url: str = ""
    words: str = ""


Uses = Callable[[Actor, Item], Sequence[Use]]
_uses: list[Uses] = []


def register_uses(function: Uses) -> None:
    """Let the page of a code show what uses it: `function(actor, item)` gives what the actor may see, newest first."""
    if function not in _uses:
        _uses.append(function)


def uses_of(actor: Actor, item: Item) -> list[Use]:
    """Return everything that uses a code."""
    return [use for function in _uses for use in function(actor, item)]


def uses_known() -> bool:
    """Say whether any room tells what uses a code."""
    return bool(_uses)
