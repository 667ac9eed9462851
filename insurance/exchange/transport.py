"""One HTTP POST to the platform with a total deadline, and the exact moment at which its first byte leaves."""

from __future__ import annotations

import logging
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import certifi
import httpcore

from insurance.exchange.network_words import network_words

log = logging.getLogger(__name__)

# A connection that has been idle may be closed by the gateway at the moment we write to it, and then nobody knows
# whether the message arrived; so none is reused after this many seconds (design 4).
IDLE_SECONDS = 2.0
JSON_LIMIT = 64 * 1024 * 1024
# A host name, the address it is bound to, and the port there (None: the URL's).
Bound = tuple[str, str, int | None]


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
    """A socket that obeys the thread's deadline; `carries` is False for a proxy's CONNECT before TLS.

    `names` gives the TLS name of an address that a proxy was told instead of the host.
    """

    def __init__(self, inner: httpcore.NetworkStream, carries: bool, names: dict[str, str]) -> None:
        self._inner = inner
        self._carries = carries
        self._names = names

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
        name = self._names.get(server_hostname or "", server_hostname)
        return _Stream(self._inner.start_tls(ssl_context, name, _current.watch.left(timeout)), True, self._names)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connects to the bound address while the URL keeps the host's name, so that Host and the TLS name stay right."""

    def __init__(self, bound: Bound | None, plain: bool) -> None:
        self._inner = httpcore.SyncBackend()
        self._bound = bound
        self._plain = plain
        self._names = {bound[1]: bound[0]} if bound else {}

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
        return _Stream(
            self._inner.connect_tcp(host, port, left, local_address, socket_options), self._plain, self._names
        )


def bound_address(resolve: str, host: str) -> Bound | None:
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


def proxy_address(proxy: str) -> tuple[str, tuple[str, str] | None]:
    """Read PLATFORM_PROXY: `[http://][user:password@]host[:port]`; gives its URL and the login, if any.

    Raises ValueError in Chinese, without the login.
    """
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"PLATFORM_PROXY：只支持 http:// 或 https:// 代理，不支持 {parts.scheme}://")
    if not parts.hostname:
        raise ValueError("PLATFORM_PROXY：应为 http://主机:端口，现在缺少主机")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return f"{parts.scheme}://{host}{port}", login


class Transport:
    """A pooled client for one platform address. Thread-safe; make one per process and connection, and close it.

    With both `resolve` and `proxy` the proxy is told the address, while Host and the TLS name stay the host's. Settings
    that cannot be read make every post NotConnected with the reason, in Chinese.
    """

    def __init__(
        self, base_url: str, *, resolve: str = "", proxy: str = "", ca_file: str = "", connections: int = 32
    ) -> None:
        self._fault = ""
        self._told: Bound | None = None
        try:
            self._pool = self._opened(base_url, resolve, proxy, ca_file, connections)
        except (ValueError, OSError) as error:
            self._pool = httpcore.ConnectionPool()
            self._fault = f"PLATFORM_CA_FILE：读不到证书 {ca_file}" if isinstance(error, OSError) else str(error)

    def _opened(
        self, base_url: str, resolve: str, proxy: str, ca_file: str, connections: int
    ) -> httpcore.ConnectionPool:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("PLATFORM_URL：应以 http:// 或 https:// 开头，后接主机名")
        bound = bound_address(resolve, parts.hostname)
        options: dict[str, Any] = {
            "ssl_context": tls_context(ca_file) if parts.scheme == "https" else None,
            "max_connections": connections,
            "keepalive_expiry": IDLE_SECONDS,
            "retries": 0,
            "network_backend": _Backend(bound, parts.scheme == "http"),
        }
        if not proxy:
            return httpcore.ConnectionPool(**options)
        self._told = bound
        url, login = proxy_address(proxy)
        return httpcore.HTTPProxy(proxy_url=url, proxy_auth=login, **options)

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
        if self._fault:
            raise NotConnected(self._fault)
        watch = _current.watch = _Watch(time.monotonic() + deadline, first_byte)
        timeouts = {"connect": min(connect, deadline), "read": deadline, "write": deadline, "pool": deadline}
        try:
            target, named = self._target(url)
            with self._pool.stream(
                "POST", target, headers=[*named, *headers.items()], content=body, extensions={"timeout": timeouts}
            ) as response:
                found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                chunks = _unpacked(response.iter_stream(), found.get("content-encoding", ""))
                kept = _collect(chunks, sink, limit)
                _leave_clean(response)
                return Reply(response.status, found, kept)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            self._raise(watch, error)
        except (httpcore.ProxyError, httpcore.UnsupportedProtocol, ValueError, UnicodeError) as error:
            self._raise(watch, error)
        raise AssertionError("unreachable")

    def _target(self, url: str) -> tuple[str, list[tuple[str, str]]]:
        """Return the URL to ask for and the Host header it needs: a proxy is told the bound address."""
        parts = urlsplit(url)
        if self._told is None or parts.hostname != self._told[0]:
            return url, []
        _, address, port = self._told
        address = f"[{address}]" if ":" in address else address
        port = port or parts.port
        return parts._replace(netloc=f"{address}:{port}" if port else address).geturl(), [("Host", parts.netloc)]

    def close(self) -> None:
        """Close all pooled connections."""
        self._pool.close()

    @staticmethod
    def _raise(watch: _Watch, error: Exception) -> None:
        log.info("%s: %s", type(error).__name__, error)
        raise (NoAnswer if watch.started else NotConnected)(network_words(error)) from error


class TooLarge(httpcore.ProtocolError):
    """The answer is larger than any answer of this kind can be."""


def _collect(chunks: Iterable[bytes], sink: IO[bytes] | None, limit: int) -> bytes:
    kept, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"答复超过 {limit:,} 字节，大得不合常理")
        if sink is None:
            kept.append(chunk)
        else:
            sink.write(chunk)
    return b"".join(kept)


def _unpacked(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Undo gzip or deflate, which some gateways apply unasked; a piece at a time, so that a bomb meets the limit."""
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        yield from chunks
        return
    opener = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        for chunk in chunks:
            while chunk:
                yield opener.decompress(chunk, 1 << 20)
                chunk = opener.unconsumed_tail
        yield opener.flush()
    except zlib.error as error:
        raise httpcore.RemoteProtocolError("damaged gzip") from error
    if not opener.eof:
        raise httpcore.RemoteProtocolError("gzip cut short")


def _leave_clean(response: httpcore.Response) -> None:
    """Close the connection when more came than the answer: the next message would be given it as its own answer.

    httpcore has no word for this, so its parser is asked; a version that hides it elsewhere fails the test.
    """
    stream: Any = response.stream
    left, _ = stream._stream._connection._h11_state.trailing_data
    if left:
        response.extensions["network_stream"].close()
