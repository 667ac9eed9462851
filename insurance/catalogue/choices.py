"""States of this room, with word and colour."""

from __future__ import annotations

from portal.lists.states import States


class LoadState(States):
    """How far one download of one catalogue came."""

    RUNNING = "running", "blue", "下载中"
    DONE = "done", "green", "已更新"
    NOTHING = "nothing", "secondary", "无更新"
    FAILED = "failed", "red", "未完成"


class Change(States):
    """What a load did to one catalogue row."""

    NEW = "new", "green", "新增"
    CHANGED = "changed", "azure", "变更"
    ENDED = "ended", "red", "停用"
