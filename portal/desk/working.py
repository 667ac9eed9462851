"""今天要办: what all rooms have for this person to see to, the most pressing first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from portal.desk import registry
from portal.desk.registry import WorkLine
from portal.people.actor import Actor
from portal.people.roles import roles_with
from portal.privacy.traces import frames_of

log = logging.getLogger(__name__)
LEVELS = {"danger": 0, "warning": 1, "info": 2}
FAR = 366 * 86400


@dataclass(frozen=True)
class Due:
    """One line as shown: `late` when its deadline has passed."""

    line: WorkLine
    who: str
    age: str
    late: bool

    @property
    def rank(self) -> tuple[int, int, float]:
        """Late ones first, then by level, then by deadline."""
        left = (self.line.due - timezone.now()).total_seconds() if self.line.due else FAR
        return (0 if self.late else 1, LEVELS.get(self.line.level, 2), left)


@dataclass(frozen=True)
class Today:
    """Everything to see to, what is clear, and the rooms that could not say."""

    due: list[Due]
    clear: list[WorkLine]
    broken: list[str]


def today(actor: Actor) -> Today:
    """Ask every room for what this actor may see. A room that fails does not take the others' lines along."""
    lines: list[WorkLine] = []
    broken: list[str] = []
    for work in registry.work():
        if not actor.may(work.action):
            continue
        try:
            lines += work.lines(actor)
        except Exception as error:
            log.error("work %s: %s", work.key, frames_of(error))
            broken.append(work.key)
    now = timezone.now()
    due = [Due(line, _who(line), age(line.since, now), line.due is not None and line.due < now) for line in lines]
    return Today(sorted((one for one in due if one.line.number), key=lambda one: one.rank), _clear(lines), broken)


def age(since: datetime | None, now: datetime) -> str:
    """Return how long ago in words: 刚刚, 12 分钟前, 3 小时前, 6 天前; "" for nothing."""
    if since is None:
        return ""
    seconds = max((now - since).total_seconds(), 0)
    if seconds < 60:
        return "刚刚"
    if seconds < 3600:
        return f"{int(seconds // 60)} 分钟前"
    return f"{int(seconds // 3600)} 小时前" if seconds < 2 * 86400 else f"{int(seconds // 86400)} 天前"


def _who(line: WorkLine) -> str:
    if line.who or not line.duty:
        return line.who
    return "、".join(role.label for role in roles_with(line.duty)[:3])


def _clear(lines: Sequence[WorkLine]) -> list[WorkLine]:
    return [line for line in lines if not line.number]
