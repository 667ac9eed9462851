"""States of an import, kinds of row, and how much of a file to take."""

from __future__ import annotations

from portal.lists.states import States


class ImportState(States):
    """Where an uploaded file is on its way into the records."""

    CHECKING = "checking", "blue", "校验中"
    MAPPING = "mapping", "yellow", "待列对应"
    READY = "ready", "yellow", "待确认"
    APPLYING = "applying", "blue", "导入中"
    APPLIED = "applied", "green", "已导入"
    FAILED = "failed", "red", "未通过"
    ABANDONED = "abandoned", "secondary", "已放弃"


class RowKind(States):
    """What taking a row would do to the records."""

    NEW = "new", "green", "新增"
    CHANGED = "changed", "azure", "更新"
    SAME = "same", "secondary", "无变化"
    ERROR = "error", "red", "错误"
    WAITING = "waiting", "orange", "待值对照"


class Mode(States):
    """How much of a file is taken."""

    ALL = "all", "blue", "全部"
    GOOD = "good", "blue", "只导入正确行"


OPEN_STATES = (ImportState.CHECKING, ImportState.MAPPING, ImportState.READY, ImportState.APPLYING)
