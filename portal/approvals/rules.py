"""The two-person rule itself, for this room and for rooms whose own records carry proposed_by and approved_by."""

from __future__ import annotations

from portal.people.actor import Actor, NotAllowed
from portal.people.models import Person

SELF = "这是您自己提出的，须由另一位有审核权限的人员审核。"


def must_differ(actor: Actor, *persons: Person | None) -> None:
    """Raise NotAllowed when the actor is one of `persons`.

    Source: 两人原则 (who maps does not approve, who asks for a reversal does not confirm it). A system account is
    nobody and never the second person.
    """
    if actor.person is None:
        raise NotAllowed("双人审核须由人员完成，系统账号不能代替。")
    if any(one is not None and one.pk == actor.person.pk for one in persons):
        raise NotAllowed(SELF)
