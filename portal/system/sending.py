"""Sending alarms: syslog and webhooks, each within SECONDS in all, with retries and a recorded outcome.

Runs in a thread of the dispatcher (so that a dead worker can be told of), never in the web process. Two dispatchers do
no harm: a message is claimed before it is sent.
"""

from __future__ import annotations

import http.client
import json
import logging
import socket
import ssl
import threading
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from portal.audit.syslog import Line, open_channel
from portal.privacy.traces import frames_of
from portal.system.alarms import alarm_kind, alarm_words
from portal.system.choices import AlarmLevel, DeliveryState, RouteKind
from portal.system.models import AlarmDelivery, AlarmRoute
from portal.system.targets import BadTarget, Target, read_syslog, read_webhook, resolve

log = logging.getLogger(__name__)

SECONDS = 8.0
MOST_ANSWER = 64 * 1024
AT_ONCE = 20
# After so many seconds the next attempt; after the last one it is given up, visibly.
PAUSES = (30, 60, 120, 300, 900, 1800)
HELD = timedelta(seconds=60)
WHAT = {"raised": "告警", "cleared": "恢复", "test": "测试"}
# RFC 5424 severities
SEVERITY = {AlarmLevel.INFO: 6, AlarmLevel.WARNING: 4, AlarmLevel.DANGER: 2}
FACILITY = 16  # local0


class NotSent(Exception):
    """The message did not arrive; the words are Chinese and go into the outcome."""


def send_due() -> int:
    """Send what is due, oldest first; return how many messages were tried."""
    due = AlarmDelivery.objects.filter(state=DeliveryState.WAITING, not_before__lte=timezone.now())
    tried = 0
    for pk in list(due.order_by("not_before", "pk").values_list("pk", flat=True)[:AT_ONCE]):
        tried += _send_one(pk)
    return tried


def _send_one(pk: int) -> int:
    """Claim one message and send it; 0 when somebody else has it."""
    now = timezone.now()
    mine = AlarmDelivery.objects.filter(pk=pk, state=DeliveryState.WAITING, not_before__lte=now)
    if not mine.update(not_before=now + HELD, attempts=F("attempts") + 1):
        return 0
    delivery = AlarmDelivery.objects.select_related("route__institution", "event__institution").get(pk=pk)
    if not delivery.route.active and delivery.what != "test":
        _end(delivery, DeliveryState.FAILED, "此去向已停用，没有发送")
        return 1
    try:
        _end(delivery, DeliveryState.SENT, send(delivery))
    except NotSent as error:
        _put_off(delivery, str(error))
    return 1


def send(delivery: AlarmDelivery) -> str:
    """Send one message now; return the outcome in words. Raises NotSent."""
    route = delivery.route
    try:
        if route.kind == RouteKind.SYSLOG:
            return _syslog(delivery, read_syslog(route.address))
        return _webhook(delivery, read_webhook(route.address))
    except NotSent:
        raise
    except BadTarget as error:
        raise NotSent(str(error)) from None
    except socket.gaierror:
        raise NotSent("找不到主机，请核对地址或域名解析") from None
    except TimeoutError:
        raise NotSent("对方没有在规定时间内答复") from None
    except ssl.SSLError:
        raise NotSent("证书不被信任，无法建立 HTTPS 连接") from None
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(f"连接失败（{type(error).__name__}）") from None
    except Exception as error:
        log.error("alarm %s: %s", delivery.pk, frames_of(error))
        raise NotSent("程序出错，请把时间告诉信息科查看日志") from None


def content_of(delivery: AlarmDelivery) -> dict[str, Any]:
    """Return what a generic gateway gets."""
    event, institution = delivery.event, delivery.event.institution if delivery.event else delivery.route.institution
    return {
        "type": delivery.what,
        "code": event.code if event else "system.test",
        "title": alarm_words(event.code) if event else "测试消息",
        "level": delivery.level,
        "level_name": str(AlarmLevel(delivery.level).label),
        "words": delivery.words,
        "institution": institution.fixmedins_code if institution else "",
        "institution_name": institution.fixmedins_name if institution else "",
        "duty": alarm_kind(event.code).duty if event else "",
        "count": event.count if event else 1,
        "raised_at": timezone.localtime(event.raised_at if event else delivery.made_at).isoformat(timespec="seconds"),
    }


def markdown_of(content: dict[str, Any]) -> str:
    """Return the message as 企业微信 shows it."""
    colour = "info" if content["type"] == "cleared" else "warning" if content["level"] == "danger" else "comment"
    return "\n".join(
        [
            f"**医保平台{WHAT[content['type']]}：{content['title']}**",
            f'> 级别：<font color="{colour}">{content["level_name"]}</font>',
            f"> 机构：{content['institution_name'] or '全部'}",
            f"> 时间：{content['raised_at'][:19].replace('T', ' ')}",
            f"> {content['words']}",
        ]
    )


def _webhook(delivery: AlarmDelivery, target: Target) -> str:
    content = content_of(delivery)
    wecom = delivery.route.kind == RouteKind.WECOM
    body = {"msgtype": "markdown", "markdown": {"content": markdown_of(content)}} if wecom else content
    status, answer = post(target, json.dumps(body, ensure_ascii=False).encode())
    if not 200 <= status < 300:
        raise NotSent(f"对方答复 HTTP {status}")
    if wecom and (code := _errcode(answer)) != 0:
        raise NotSent(f"企业微信没有接受（errcode {code}），请核对机器人地址")
    return f"对方已接受（HTTP {status}）"


def post(target: Target, body: bytes) -> tuple[int, bytes]:
    """POST JSON to a judged address within SECONDS; no redirect is followed. Raises OSError, BadTarget."""
    line = _Line(target)
    guard = threading.Timer(SECONDS, line.cut)
    guard.daemon = True
    guard.start()
    try:
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "yibao-portal"}
        line.request("POST", target.path, body, headers)
        answer = line.getresponse()
        return answer.status, answer.read(MOST_ANSWER)
    except Exception:
        if line.was_cut:
            raise TimeoutError from None
        raise
    finally:
        guard.cancel()
        line.close()


class _Line(http.client.HTTPConnection):
    """One connection to the judged number, while Host and the certificate's name stay those of the address."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=SECONDS)
        self.target, self.was_cut = target, False

    def connect(self) -> None:
        """Connect to the number that was judged."""
        plain = socket.create_connection(resolve(self.target), SECONDS)
        self.sock = plain
        if self.target.scheme == "https":
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.target.host)

    def cut(self) -> None:
        """End the connection from outside: one that drips bytes would otherwise last for ever."""
        self.was_cut = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("alarm line was closed already")


def _syslog(delivery: AlarmDelivery, target: Target) -> str:
    content = content_of(delivery)
    data = {name: str(content[name]) for name in ("code", "type", "institution", "duty", "count")}
    severity = SEVERITY[AlarmLevel(delivery.level)]
    words = f"{WHAT[content['type']]}：{content['title']}：{content['words']}"
    line = Line(FACILITY * 8 + severity, delivery.made_at, "alarm", words, data)
    kind = socket.SOCK_DGRAM if target.scheme == "udp" else socket.SOCK_STREAM
    with open_channel(target.scheme, resolve(target, kind), SECONDS) as channel:
        channel.send([line])
    return "已发出（UDP 不回执）" if target.scheme == "udp" else "已送达日志服务器"


def _errcode(answer: bytes) -> object:
    try:
        found = json.loads(answer)
    except ValueError:
        return "答复不是 JSON"
    return found.get("errcode") if isinstance(found, dict) else "答复不是 JSON 对象"


def _put_off(delivery: AlarmDelivery, words: str) -> None:
    place = delivery.attempts - 1
    if delivery.what == "test" or place >= len(PAUSES):
        _end(delivery, DeliveryState.FAILED, words)
        return
    AlarmDelivery.objects.filter(pk=delivery.pk).update(
        not_before=timezone.now() + timedelta(seconds=PAUSES[place]), outcome=words[:300]
    )


def _end(delivery: AlarmDelivery, state: DeliveryState, words: str) -> None:
    sent = timezone.now() if state == DeliveryState.SENT else None
    AlarmDelivery.objects.filter(pk=delivery.pk).update(state=state, outcome=words[:300], sent_at=sent)


def trial(route: AlarmRoute) -> AlarmDelivery:
    """Return a message that only tells that the route works, not yet sent; no sweep takes it."""
    return AlarmDelivery.objects.create(
        route=route,
        what="test",
        words="这是一条测试消息，收到说明告警去向可用。",
        level=AlarmLevel.INFO,
        not_before=timezone.now() + timedelta(days=1),
        attempts=1,
    )


def finish_trial(delivery: AlarmDelivery, words: str, *, arrived: bool) -> None:
    """Write down what became of a trial."""
    _end(delivery, DeliveryState.SENT if arrived else DeliveryState.FAILED, words)
