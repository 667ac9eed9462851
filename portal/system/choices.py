"""States of alarms and of what was sent for them."""

from portal.lists.states import States


class AlarmLevel(States):
    """How bad it is; a route takes its level and what is worse."""

    INFO = "info", "azure", "提示"
    WARNING = "warning", "yellow", "警告"
    DANGER = "danger", "red", "严重"


LEVELS = [level.value for level in AlarmLevel]


class RouteKind(States):
    """How an alarm leaves the portal."""

    WECOM = "wecom", "secondary", "企业微信群机器人"
    JSON = "json", "secondary", "通用接口（JSON，短信网关等）"
    SYSLOG = "syslog", "secondary", "Syslog 日志服务器"


class DeliveryState(States):
    """What became of one message about an alarm."""

    WAITING = "waiting", "azure", "待发送"
    SENT = "sent", "green", "已送出"
    FAILED = "failed", "red", "未送出"
