"""States of what is said to the platform."""

from portal.lists.states import States


class SubmissionState(States):
    """Where the intention to tell the platform something stands (design 3)."""

    QUEUED = "queued", "azure", "待上传"
    SENDING = "sending", "blue", "上传中"
    ACCEPTED = "accepted", "green", "上传成功"
    REFUSED = "refused", "red", "上传失败"
    UNKNOWN = "unknown", "orange", "结果待查"
    WITHDRAWN = "withdrawn", "dark", "已撤销"


OPEN_STATES = (SubmissionState.QUEUED, SubmissionState.SENDING, SubmissionState.UNKNOWN)


class CallState(States):
    """Where one message stands. `sent` means that its first byte may have left."""

    PREPARED = "prepared", "azure", "待发出"
    SENT = "sent", "blue", "已发出"
    ACCEPTED = "accepted", "green", "成功"
    REFUSED = "refused", "red", "平台拒绝"
    UNKNOWN = "unknown", "orange", "结果待查"
    UNDELIVERED = "undelivered", "dark", "未发出"


class DeliveryClass(States):
    """Two queues of a connection: what somebody waits for, and the rest."""

    INTERACTIVE = "interactive", "blue", "即时"
    BULK = "bulk", "azure", "批量"


class Environment(States):
    """What a database talks to; fixed when it is made."""

    SANDBOX = "沙箱", "purple", "沙箱"
    TEST = "测试", "yellow", "测试"
    PRODUCTION = "正式", "green", "正式"


class SignIn(States):
    """What a failed sign-in (9001) means for a message that changes something at the platform."""

    REQUIRED = "required", "green", "必须签到"
    TOLERANT = "tolerant", "yellow", "签到失败仍发送"
    OFF = "off", "dark", "不签到"
