"""States of what was sent from 接口调试."""

from portal.lists.states import States


class SendState(States):
    """Where a message stands that a person sent by hand; a query is no upload, so the words are the ledger's."""

    APPROVAL = "approval", "yellow", "待审核"
    WAITING = "waiting", "azure", "待发出"
    SENDING = "sending", "blue", "已发出"
    ACCEPTED = "accepted", "green", "成功"
    REFUSED = "refused", "red", "平台拒绝"
    UNKNOWN = "unknown", "orange", "结果待查"
    UNDELIVERED = "undelivered", "dark", "未发出"
    STOPPED = "stopped", "dark", "已撤销"


# A query whose answer was lost is asked again by pressing once more; only a write is looked after.
ENDED = frozenset({SendState.ACCEPTED, SendState.REFUSED, SendState.UNDELIVERED, SendState.STOPPED})
