"""States of a task."""

from portal.lists.states import States


class TaskState(States):
    """Word and colour of a task's state."""

    QUEUED = "queued", "azure", "排队中"
    RUNNING = "running", "blue", "进行中"
    DONE = "done", "green", "已完成"
    FAILED = "failed", "red", "失败"
    CANCELLED = "cancelled", "dark", "已取消"
