"""Real servers that alarms and the audit are sent to."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Gateway:
    """An HTTP server that keeps what it is told. `status` and `answer` are what it says."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.status, self.answer = 200, b'{"errcode": 0}'
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                gateway.got.append(json.loads(body))
                gateway.paths.append(self.path)
                self.send_response(gateway.status)
                if gateway.status in (301, 302, 307):
                    self.send_header("Location", f"{gateway.url}/elsewhere")
                self.send_header("Content-Length", str(len(gateway.answer)))
                self.end_headers()
                self.wfile.write(gateway.answer)

            def log_message(self, *args: object) -> None:
                """Stay quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def gateway() -> Iterator[Gateway]:
    """A running gateway."""
    made = Gateway()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@contextmanager
def udp() -> Iterator[socket.socket]:
    """A UDP collector; read it by `datagrams`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.3)
        yield server


def datagrams(server: socket.socket) -> list[str]:
    """Return what has come in."""
    found: list[str] = []
    while True:
        try:
            found.append(server.recv(65535).decode())
        except TimeoutError:
            return found


class TcpCollector:
    """A TCP collector that reads octet-counted lines; `rude` breaks off after the first bytes."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.lines: list[str] = []
        self.rude = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.server.accept()
            except OSError:
                return
            if self.rude:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                line.close()
                continue
            data = b""
            while chunk := line.recv(65536):
                data += chunk
            self._take(data)
            line.close()

    def _take(self, data: bytes) -> None:
        while found := re.match(rb"(\d+) ", data):
            start, size = found.end(), int(found[1])
            self.lines.append(data[start : start + size].decode())
            data = data[start + size :]

    def close(self) -> None:
        """Stop listening."""
        self.server.close()


@contextmanager
def tcp() -> Iterator[TcpCollector]:
    """A running TCP collector."""
    made = TcpCollector()
    yield made
    made.close()
