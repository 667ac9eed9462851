"""Who may keep items of which kind: the same persons who tie them to codes."""

from __future__ import annotations

from insurance.mapping.choices import ListType
from insurance.mapping.items.kinds import GROUPS, group_of
from portal.people.actor import Actor, NotAllowed


def may_keep(actor: Actor, list_type: str) -> bool:
    """Say whether the actor's role keeps items of a kind."""
    return any(list_type in group.list_types and actor.may(group.action) for group in GROUPS)


def must_keep(actor: Actor, list_type: str) -> None:
    """Raise NotAllowed unless the actor's role keeps items of a kind."""
    if list_type not in ListType.values:
        raise NotAllowed("这不是平台的目录类别，不能维护。请重新选择类别。")
    actor.must(group_of(list_type).action)


def kept_by(actor: Actor) -> list[str]:
    """Return the kinds that the actor's role keeps."""
    return [list_type for group in GROUPS if actor.may(group.action) for list_type in group.list_types]
