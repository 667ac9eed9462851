"""Who does something: every service takes an Actor, never a request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
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
            f"您没有{describe(action)}的权限。请联系安全管理员在「系统 · 人员」中授权。" if self.action else action
        )


@dataclass
class Standing:
    """For whom the actor acted when a right was last asked for: nobody but themself while `absent` is empty."""

    absent: tuple[Person, ...] = ()


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
    standing: Standing = field(default_factory=Standing, compare=False, repr=False)

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
        """Raise NotAllowed when the actor may not take `action`; from now on acts stand under that right.

        Where only a deputyship gives it, `signature` says for whom until the next right is asked for.
        """
        if not self.may(action):
            raise NotAllowed(action)
        self.standing.absent = self.absent_for(action)

    def absent_for(self, action: str) -> tuple[Person, ...]:
        """Return for whom the actor would act: nobody where an own role allows `action`."""
        if self.person is None or self.person.may_self(action, self.institution):
            return ()
        return tuple(self.person.deputising(action, self.institution))

    @property
    def signature(self) -> str:
        """The name under an act: 张三, or 张三（代 李四） where it is done as a deputy."""
        names = "、".join(one.name for one in self.standing.absent)
        return f"{self.name}（代 {names}）" if names else self.name
