"""Who may keep items of which kind: the same offices that tie them to codes (insurance.mapping.rules)."""

from __future__ import annotations

from insurance.mapping.choices import ListType
from insurance.mapping.rules import action_of, mapped_by, may_map
from portal.people.actor import Actor, NotAllowed

may_keep = may_map
kept_by = mapped_by


def must_keep(actor: Actor, list_type: str) -> None:
    """Raise NotAllowed unless the actor's office keeps a kind; the hospital's own systems may bring it in."""
    if list_type not in ListType.values:
        raise NotAllowed("这不是平台的目录类别，不能维护。请重新选择类别。")
    actor.must(action_of(list_type))
