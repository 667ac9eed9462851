"""States of what was sent from 接口调试."""

from portal.lists.states import States


class SendState(States):
    """Where a message stands that a person sent by hand."""

    APPROVAL = "approval", "yellow", "待审核"
    WAITING = "waiting", "azure", "待上传"
    SENDING = "sending", "blue", "上传中"
    ACCEPTED = "accepted", "green", "上传成功"
    REFUSED = "refused", "red", "上传失败"
    UNKNOWN = "unknown", "orange", "结果待查"
    UNDELIVERED = "undelivered", "dark", "未发出"
    STOPPED = "stopped", "dark", "已撤销"


# A query whose answer was lost is asked again by pressing once more; only a write is looked after.
ENDED = frozenset({SendState.ACCEPTED, SendState.REFUSED, SendState.UNDELIVERED, SendState.STOPPED})
