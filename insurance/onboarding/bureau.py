"""The sandbox's control API, used as the bureau's own website would be: behind the hospital's back.

Nothing is sent before the environment and the address say that this can only be a sandbox, and nothing but one GET
before it has answered as one: a real platform is never told anything by a demo.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from insurance.exchange.choices import Environment
from insurance.exchange.connections import first_connection
from insurance.exchange.models import Connection
from insurance.onboarding.errors import DemoRefused, Unreachable

Row = dict[str, Any]
TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Reply:
    """What came back from the control API: status, whether it bears the sandbox's mark, and its JSON (None: none)."""

    status: int
    marked: bool
    said: Any


class Bureau:
    """The books of a sandbox that has answered as one; made by `open_bureau` only."""

    def __init__(self, root: str) -> None:
        self.root = root

    def rows(self, book: str) -> list[Row]:
        """Return a book's rows, each with its key under `_key`."""
        found: list[Row] = self._ask("GET", f"books/{book}")
        return found

    def put(self, book: str, row: Mapping[str, Any]) -> None:
        """Put a row into a book; one of the same key is replaced."""
        self._ask("POST", "put", {"book": book, "row": dict(row)})

    def remove(self, book: str, key: str) -> None:
        """Take a row out of a book."""
        self._ask("POST", "remove", {"book": book, "key": key})

    def review(self, keys: list[str], chk_stas: str, words: str = "") -> None:
        """Let the bureau decide on relations: 1 passed, 2 refused, 3 returned (as this sandbox writes them)."""
        self._ask("POST", "review", {"keys": keys, "chk_stas": chk_stas, "words": words})

    def publish(self, infno: str, rows: int) -> None:
        """Let a new version of a catalogue come out: so many rows new, as many changed, some of these ended."""
        self._ask("POST", "publish", {"infno": infno, "rows": rows})

    def _ask(self, method: str, path: str, body: Row | None = None) -> Any:
        reply = _request(method, self.root, path, body)
        if reply.status != 200:
            raise DemoRefused(f"沙箱没有照办（{method} {path}，HTTP {reply.status}）。请查看沙箱的日志。")
        return reply.said


def open_bureau(connection: Connection | None, patience: float = 0.0) -> Bureau:
    """Return the books of the sandbox that the installation talks to; without a connection yet, as the settings say.

    Waits up to `patience` seconds for one that is just starting. Raises DemoRefused where it is not a sandbox,
    Unreachable where nobody answers.
    """
    _require_environment(settings.ENVIRONMENT)
    if connection is not None:
        _require_environment(connection.environment)
    if connection.resolve or connection.proxy if connection else settings.PLATFORM_RESOLVE or settings.PLATFORM_PROXY:
        raise DemoRefused("平台连接设有地址绑定或代理，不是直接连到本机的沙箱。没有创建任何演示数据。")
    root = _local_root(connection.base_url if connection else settings.PLATFORM_URL)
    reply = _first_look(root, patience)
    if not (
        reply.marked and reply.status == 200 and isinstance(reply.said, dict) and reply.said.get("sandbox") is True
    ):
        raise DemoRefused(f"平台地址 {root} 的应答不是沙箱。演示数据和演示登录只在沙箱中创建，没有创建任何数据。")
    return Bureau(root)


def own_connection() -> Connection:
    """Return the installation's connection. Raises DemoRefused when its database belongs to another environment."""
    try:
        return first_connection()
    except ImproperlyConfigured as error:
        raise DemoRefused(f"{error}。没有创建任何数据。") from None


def _require_environment(environment: str) -> None:
    if environment != Environment.SANDBOX.value:
        raise DemoRefused(
            f"本门户的环境是「{environment}」，不是「沙箱」。演示数据和演示登录只在沙箱中创建，没有创建任何数据。"
        )


def _local_root(base_url: str) -> str:
    """Return http://host:port of an address on this machine: from elsewhere a sandbox refuses its control API."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if parts.scheme != "http" or not local:
        raise DemoRefused(f"平台地址「{base_url}」不是本机的沙箱。演示数据只能与本机的沙箱一起使用，没有创建任何数据。")
    return f"http://{parts.netloc.rpartition('@')[2]}"


def _first_look(root: str, patience: float) -> Reply:
    end = time.monotonic() + patience
    while True:
        try:
            return _request("GET", root, "")
        except Unreachable:
            if time.monotonic() >= end:
                raise
            time.sleep(0.1)


def _request(method: str, root: str, path: str, body: Row | None = None) -> Reply:
    # The plain client of the standard library: no proxy of the environment, no redirect, this machine alone.
    address = root.removeprefix("http://")
    client = HTTPConnection(address, timeout=TIMEOUT_SECONDS)
    try:
        data = None if body is None else json.dumps(body).encode()
        client.request(method, f"/_sandbox/{path}", body=data)
        response = client.getresponse()
        return Reply(response.status, response.headers.get("x-sandbox") == "1", _json(response.read()))
    except (OSError, HTTPException) as error:
        raise Unreachable(
            f"沙箱 {address} 没有应答（{type(error).__name__}）。请确认它已启动（manage.py sandbox）后重试。"
        ) from error
    finally:
        client.close()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
