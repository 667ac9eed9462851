"""The gateway before the platform: address and x-tif headers (protocol 1, 2)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Mapping

from insurance.sandbox.clock import Clock
from insurance.sandbox.refusal import GatewayRefusal

ADDRESS = re.compile(r"^/ebus/(?:[^/]+/){1,2}hsa/hgs/([0-9A-Za-z]{1,10})/?$")
HEADERS = ("x-tif-paasid", "x-tif-timestamp", "x-tif-nonce", "x-tif-signature")


def signature(timestamp: str, secret: str, nonce: str) -> str:
    """Lower-case hex of SHA-256 over timestamp + secret + nonce + timestamp (protocol 2)."""
    return hashlib.sha256(f"{timestamp}{secret}{nonce}{timestamp}".encode()).hexdigest()


def transaction_in(target: str) -> str:
    """The infno at the end of the address; raises GatewayRefusal 404 for any other address."""
    found = ADDRESS.match(target.partition("?")[0])
    if found is None:
        raise GatewayRefusal(404, "请求的服务地址不存在")
    return found.group(1)


class Gateway:
    """Checks who calls; remembers what was used within the window."""

    def __init__(self, account: str, secret: str, skew: float, clock: Clock) -> None:
        self.account = account
        self.secret = secret
        self.skew = skew
        self.clock = clock
        self.used: set[tuple[str, str]] = set()
        self.order: deque[tuple[float, tuple[str, str]]] = deque()

    def admit(self, headers: Mapping[str, str]) -> None:
        """Let a request through or raise GatewayRefusal 401; `headers` has lower-case names."""
        paasid, timestamp, nonce, given = (headers.get(name, "").strip() for name in HEADERS)
        if not (paasid and timestamp and nonce and given):
            raise GatewayRefusal(401, "缺少网关鉴权请求头 x-tif-paasid、x-tif-timestamp、x-tif-nonce、x-tif-signature")
        if paasid != self.account:
            raise GatewayRefusal(401, "应用账户不存在或未授权")
        self._check_time(timestamp)
        if not hmac.compare_digest(signature(timestamp, self.secret, nonce).encode(), given.encode()):
            raise GatewayRefusal(401, "签名验证失败")
        self._check_replay(timestamp, nonce)

    def _check_time(self, timestamp: str) -> None:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) == 10):
            raise GatewayRefusal(401, "时间戳格式不正确，应为10位秒数")
        if abs(self.clock.epoch() - int(timestamp)) > self.skew:
            raise GatewayRefusal(401, "时间戳超出允许范围，请校对时间")

    def _check_replay(self, timestamp: str, nonce: str) -> None:
        # A nonce alone is no reason to refuse: some hospitals send short digits. The pair must be new.
        now = self.clock.epoch()
        while self.order and self.order[0][0] < now - 2 * self.skew:
            self.used.discard(self.order.popleft()[1])
        if (timestamp, nonce) in self.used:
            raise GatewayRefusal(401, "请求重复，随机数已被使用")
        self.used.add((timestamp, nonce))
        self.order.append((now, (timestamp, nonce)))


def wrapper(status: int, words: str) -> dict[str, object]:
    """The gateway's own answer, without an envelope (protocol 4)."""
    return {"code": status, "type": "error", "message": words, "data": None}
