"""Addresses outside of the portal to which alarms and the audit go: reading them, and which are refused.

An administrator gives the address, the portal's own machines call it: so it must not lead to the machine itself or to
a cloud's metadata service (SSRF). Hospital gateways stand on private networks, which are allowed.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

SYSLOG_PORT = 514
# Metadata services that are not link-local.
METADATA = {ipaddress.ip_address("100.100.100.200"), ipaddress.ip_address("fd00:ec2::254")}

THIS_HOST = ipaddress.ip_network("0.0.0.0/8")


class BadTarget(ValueError):
    """The address cannot be used; the message is Chinese and says what it should be."""


@dataclass(frozen=True)
class Target:
    """A read address. `path` holds the query too; it is empty for syslog."""

    scheme: str
    host: str
    port: int
    path: str = ""


def read_webhook(url: str) -> Target:
    """Read `http(s)://host[:port]/path?query`. Raises BadTarget."""
    parts = _split(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadTarget("地址应为 http:// 或 https:// 开头的完整地址。")
    if parts.username or parts.password:
        raise BadTarget("地址中不能带用户名和口令，请改用接口自己的密钥参数。")
    path = parts.path or "/"
    return Target(
        parts.scheme, parts.hostname, _port(parts, 443 if parts.scheme == "https" else 80),
        f"{path}?{parts.query}" if parts.query else path,
    )  # fmt: skip


def read_syslog(url: str) -> Target:
    """Read `udp://host:port` or `tcp://host:port`. Raises BadTarget."""
    parts = _split(url)
    if parts.scheme not in {"udp", "tcp"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise BadTarget("地址应为 udp://主机:端口 或 tcp://主机:端口。")
    return Target(parts.scheme, parts.hostname, _port(parts, SYSLOG_PORT))


def shown_target(url: str) -> str:
    """Return an address without path and query, where webhooks carry their keys."""
    try:
        parts = urlsplit(url)
        shown = f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return ""
    return f"{shown}/…" if parts.path.strip("/") or parts.query else shown


def resolve(target: Target, kind: socket.SocketKind = socket.SOCK_STREAM) -> tuple[str, int]:
    """Return the address (number, port) to connect to, once judged. Raises BadTarget, OSError (unknown host).

    Whoever connects takes this number and not the name again, which could mean something else by then.
    """
    found = socket.getaddrinfo(target.host, target.port, type=kind)
    for *_, place in found:
        refuse_inner(str(place[0]))
    return str(found[0][4][0]), target.port


def refuse_inner(number: str) -> None:
    """Raise BadTarget for the machine itself, link-local, metadata, multicast and unspecified addresses."""
    address = ipaddress.ip_address(number.split("%", 1)[0])
    address = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
    if settings.ALARM_LOCAL_TARGETS and address.is_loopback:
        return
    if (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved  # IPv4 written into IPv6 (::a.b.c.d, NAT64), broadcast
        or address in THIS_HOST
        or address in METADATA
    ):
        raise BadTarget("地址指向本机或云主机内部地址，不允许。请填写短信网关或日志服务器的地址。")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        raise BadTarget("地址写法不对，请核对主机和端口。") from None
    return parts


def _port(parts: SplitResult, default: int) -> int:
    return default if parts.port is None else parts.port
