"""Who does something: every service takes an Actor, never a request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.people.roles import describe

if TYPE_CHECKING:
    from portal.people.models import Institution, Person

ACTION = re.compile(r"[a-z_]+\.[a-z_]+")


class NotAllowed(Exception):
    """The actor may not take this action here; the message is Chinese and says which right is missing.

    `action` is `room.verb`, or a whole Chinese sentence where the reason is not a missing right.
    """

    def __init__(self, action: str) -> None:
        self.action = action if ACTION.fullmatch(action) else ""
        super().__init__(
            f"您没有{describe(action)}的权限。请联系信息科在「系统 · 人员」中授权。" if self.action else action
        )


@dataclass(frozen=True)
class Actor:
    """A person at an institution, or a named system account when `person` is None.

    `opter` and `opter_name` go into the envelope; empty means the connection's own operator.
    """

    institution: Institution
    person: Person | None = None
    name: str = "系统"
    opter: str = ""
    opter_name: str = ""
    ip: str = ""

    @classmethod
    def system(cls, institution: Institution, name: str = "系统") -> Actor:
        """Return the named system account for unattended work."""
        return cls(institution=institution, name=name)

    @classmethod
    def of(cls, person: Person, institution: Institution, ip: str = "") -> Actor:
        """Return `person` acting in `institution`, with the operator number of the first membership that has one."""
        member = next((m for m in person.memberships_at(institution) if m.opter), None)
        return cls(
            institution=institution,
            person=person,
            name=person.name,
            opter=member.opter if member else "",
            opter_name=(member.opter_name or person.name) if member else "",
            ip=ip,
        )

    def may(self, action: str) -> bool:
        """Say whether the actor may take `action`; a system account may."""
        return self.person is None or self.person.may(action, self.institution)

    def must(self, action: str) -> None:
        """Raise NotAllowed when the actor may not take `action`."""
        if not self.may(action):
            raise NotAllowed(action)
