"""The two-person rule itself, for this room and for rooms whose own records carry proposed_by and approved_by."""

from __future__ import annotations

from dataclasses import replace

from portal.people.actor import Actor, NotAllowed, Standing
from portal.people.models import Person

SELF = "这是您自己提出或经办的，须由另一位有审核权限的人员审核。"
STANDING_IN = "您正代{names}，不能以代办身份审核其本人提出的事项，须由另一位有审核权限的人员审核。"


def must_differ(actor: Actor, *persons: Person | None) -> None:
    """Raise NotAllowed when the actor is one of `persons`, or acts only as the deputy of one of them.

    Call it after `actor.must(…)` for the right to approve: that call says in what standing the actor acts. Source:
    两人原则 (who maps does not approve, who asks for a reversal does not confirm it); 代办 is never for one's own
    work. A system account is nobody and never the second person.
    """
    if actor.person is None:
        raise NotAllowed("双人审核须由人员完成，系统账号不能代替。")
    involved = {one.pk for one in persons if one is not None}
    if actor.person.pk in involved:
        raise NotAllowed(SELF)
    absent = actor.standing.absent
    if not absent:
        return
    others = tuple(one for one in absent if one.pk not in involved)
    if not others:
        raise NotAllowed(STANDING_IN.format(names="、".join(one.name for one in absent)))
    # another absent person's role allows it as well: the act stands under that one
    actor.standing.absent = others


def may_decide(actor: Actor, action: str, *persons: Person | None) -> str:
    """Return why the actor cannot be the second person for `action`, "" when they can; changes no standing."""
    trial = replace(actor, standing=Standing())
    try:
        trial.must(action)
        must_differ(trial, *persons)
    except NotAllowed as error:
        return str(error)
    return ""
