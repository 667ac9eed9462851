"""What follows a change of items: suggestions are made anew in the background."""

from __future__ import annotations

from portal.people.actor import Actor
from portal.tasks.registry import kinds
from portal.tasks.services import start

SUGGEST = "mapping.suggest"


def suggest_later(actor: Actor) -> None:
    """Let the suggestions for unmapped items be made, once the import that calls this is committed."""
    if any(kind.code == SUGGEST for kind in kinds()):
        start(actor, kind=SUGGEST, source="项目导入")
