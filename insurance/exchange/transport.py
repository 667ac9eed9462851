"""One HTTP POST to the platform with a total deadline, and the exact moment at which its first byte leaves."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO, Any
from urllib.parse import urlsplit

import certifi
import httpcore

# A connection that has been idle may be closed by the gateway at the moment we write to it, and then nobody knows
# whether the message arrived; so none is reused after this many seconds (design 4).
IDLE_SECONDS = 2.0
JSON_LIMIT = 64 * 1024 * 1024


class NotConnected(Exception):
    """No byte of the message left this machine."""


class NoAnswer(Exception):
    """At least one byte left, and no whole answer came back."""


@dataclass(frozen=True)
class Reply:
    """What came back: `body` holds the bytes, or is empty when they went into the sink."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class _Watch:
    """The deadline of the request that this thread is making, and whom to tell when its first byte leaves."""

    until: float
    first_byte: Callable[[], None]
    started: bool = field(default=False)

    def left(self, timeout: float | None) -> float:
        rest = self.until - time.monotonic()
        if rest <= 0:
            raise httpcore.ReadTimeout("deadline")
        return rest if timeout is None else min(rest, timeout)

    def leave(self) -> None:
        if not self.started:
            self.first_byte()
            self.started = True


_current = threading.local()


class _Stream(httpcore.NetworkStream):
    """A socket that obeys the thread's deadline; `carries` is False for a proxy's CONNECT before TLS."""

    def __init__(self, inner: httpcore.NetworkStream, carries: bool) -> None:
        self._inner = inner
        self._carries = carries

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _current.watch.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._carries:
            _current.watch.leave()
        self._inner.write(buffer, _current.watch.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _current.watch.left(timeout)), True)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connects to the bound address while the URL keeps the host's name, so that Host and the TLS name stay right."""

    def __init__(self, bound: tuple[str, str, int | None] | None, plain: bool) -> None:
        self._inner = httpcore.SyncBackend()
        self._bound = bound
        self._plain = plain

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if self._bound and host == self._bound[0]:
            host, port = self._bound[1], self._bound[2] or port
        left = _current.watch.left(timeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self._plain)


def bound_address(resolve: str, host: str) -> tuple[str, str, int | None] | None:
    """Read PLATFORM_RESOLVE: `address`, `address:port`, `[v6]:port` or `host:port:address`; gives host, address, port.

    Raises ValueError in Chinese.
    """
    if not resolve:
        return None
    parts = resolve.rsplit(":", 2)
    if len(parts) == 3 and parts[1].isdigit() and not resolve.startswith("["):
        return (parts[0], parts[2], int(parts[1])) if parts[0] == host else None
    try:
        pieces = urlsplit(f"//{resolve}" if resolve.count(":") < 2 or resolve.startswith("[") else f"//[{resolve}]")
        address, port = pieces.hostname, pieces.port
    except ValueError as error:
        raise ValueError(f"PLATFORM_RESOLVE：应为 地址 或 地址:端口，实际为 {resolve}") from error
    if not address:
        raise ValueError(f"PLATFORM_RESOLVE：应为 地址 或 地址:端口，实际为 {resolve}")
    return (host, address, port)


@lru_cache(maxsize=8)
def tls_context(ca_file: str) -> ssl.SSLContext:
    """Return the context that verifies the platform: the machine's authorities, certifi's, and `ca_file` if named."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


class Transport:
    """A pooled client for one platform address. Thread-safe; make one per process and connection, and close it."""

    def __init__(
        self, base_url: str, *, resolve: str = "", proxy: str = "", ca_file: str = "", connections: int = 32
    ) -> None:
        parts = urlsplit(base_url)
        backend = _Backend(bound_address(resolve, parts.hostname or ""), parts.scheme == "http")
        options: dict[str, Any] = {
            "ssl_context": tls_context(ca_file) if parts.scheme == "https" else None,
            "max_connections": connections,
            "keepalive_expiry": IDLE_SECONDS,
            "retries": 0,
            "network_backend": backend,
        }
        self._pool: httpcore.ConnectionPool = (
            httpcore.HTTPProxy(proxy_url=proxy, **options) if proxy else httpcore.ConnectionPool(**options)
        )

    def post(
        self,
        url: str,
        headers: dict[str, str],
        body: bytes,
        *,
        deadline: float,
        connect: float,
        first_byte: Callable[[], None],
        sink: IO[bytes] | None = None,
        limit: int = JSON_LIMIT,
    ) -> Reply:
        """POST `body` and return the whole reply within `deadline` seconds, whatever drips.

        `first_byte` is called just before the first byte of the message leaves; what it raises stops the message.
        With a `sink` the answer's bytes go there. Raises NotConnected, or NoAnswer once a byte may have left.
        """
        watch = _current.watch = _Watch(time.monotonic() + deadline, first_byte)
        timeouts = {"connect": min(connect, deadline), "read": deadline, "write": deadline, "pool": deadline}
        try:
            with self._pool.stream(
                "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": timeouts}
            ) as response:
                kept = _collect(response.iter_stream(), sink, limit)
                return Reply(
                    response.status,
                    {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers},
                    kept,
                )
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            self._raise(watch, error)
        except (httpcore.ProxyError, httpcore.UnsupportedProtocol, ValueError, UnicodeError) as error:
            self._raise(watch, error)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close all pooled connections."""
        self._pool.close()

    @staticmethod
    def _raise(watch: _Watch, error: Exception) -> None:
        words = f"{type(error).__name__}: {error}".strip(": ")[:200]
        raise (NoAnswer if watch.started else NotConnected)(words) from error


class TooLarge(httpcore.ProtocolError):
    """The answer is larger than any answer of this kind can be."""


def _collect(chunks: Iterable[bytes], sink: IO[bytes] | None, limit: int) -> bytes:
    kept, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"answer larger than {limit} bytes")
        if sink is None:
            kept.append(chunk)
        else:
            sink.write(chunk)
    return b"".join(kept)
