"""A platform of bare sockets for what a well-behaved server cannot do: it answers each request as a script says."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable

Script = Callable[[socket.socket, dict[str, str], bytes], None]


def http(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """Return a whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def good(output: object = None, **extra: object) -> bytes:
    """Return an accepted envelope."""
    envelope = {"infcode": 0, "inf_refmsgid": "441700202611230000000000000001", "err_msg": "", "output": output}
    return http(json.dumps(envelope | extra, ensure_ascii=False).encode())


class RawPlatform:
    """Listens on a free port; `script(sock, headers, body)` answers; `requests` keeps (path, headers, body)."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ebus/test/hsa/hgs"

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        buffer = b""
        try:
            while True:
                while b"\r\n\r\n" not in buffer:
                    more = sock.recv(65536)
                    if not more:
                        return
                    buffer += more
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
                length = int(headers.get("content-length", 0))
                while len(buffer) < length:
                    buffer += sock.recv(65536)
                body, buffer = buffer[:length], buffer[length:]
                self.requests.append((first.split(" ")[1], headers, body))
                self.script(sock, headers, body)
        except OSError:
            return
        finally:
            sock.close()
