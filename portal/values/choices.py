"""States of a mapping."""

from __future__ import annotations

from portal.lists.states import States


class MappingState(States):
    """Where a mapping is on its way into force."""

    DRAFT = "draft", "secondary", "草稿"
    WAITING = "waiting", "yellow", "待审核"
    IN_FORCE = "in_force", "green", "生效中"
    ENDED = "ended", "dark", "已结束"
