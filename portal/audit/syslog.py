"""RFC 5424 lines over UDP or TCP (octet counting, RFC 6587)."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType

APP = "yibao-portal"
# The enterprise number that the IANA keeps for examples: collectors take any, and we have none of our own.
ENTERPRISE = 32473
MOST_UDP = 1_400
BOM = "\ufeff"
CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class Line:
    """One line: `priority` is facility × 8 + severity, `kind` the MSGID, `words` the message, `data` its structure."""

    priority: int
    at: datetime
    kind: str
    words: str
    data: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the line as it travels."""
        pairs = "".join(f' {name}="{_escaped(value)}"' for name, value in self.data.items() if value)
        structure = f"[{self.kind}@{ENTERPRISE}{pairs}]" if pairs else "-"
        moment = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        head = f"<{self.priority}>1 {moment} {_host()} {APP} {os.getpid()} {self.kind} {structure} "
        return (head + BOM + CONTROL.sub(" ", self.words)).encode()


class Channel:
    """A connection to a collector."""

    def __init__(self, line: socket.socket, stream: bool, seconds: float) -> None:
        self._line, self._stream, self._seconds = line, stream, seconds

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._line.close()

    def send(self, lines: Sequence[Line]) -> None:
        """Send a batch, the last one of this channel. Raises OSError when it cannot be known to have left.

        Over TCP it waits until the collector has read to the end or its time is over; a collector that breaks off has
        perhaps not read all. UDP tells nothing but that nobody listens there, and that only with the next datagram.
        """
        if not self._stream:
            for line in lines:
                self._line.send(_cut(line.encode()))
            self._probe()
            return
        deadline = time.monotonic() + self._seconds
        for line in lines:
            encoded = line.encode()
            self._line.sendall(f"{len(encoded)} ".encode() + encoded)
        self._line.shutdown(socket.SHUT_WR)
        self._drain(deadline)

    def _probe(self) -> None:
        """Give a closed port the moment it needs to answer, and ask for its answer."""
        time.sleep(0.02)
        error = self._line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise ConnectionRefusedError(error, os.strerror(error))

    def _drain(self, deadline: float) -> None:
        while (left := deadline - time.monotonic()) > 0:
            self._line.settimeout(left)
            try:
                if not self._line.recv(4096):
                    return
            except TimeoutError:
                return  # it keeps the line open, as some collectors do; nothing was broken off


def open_channel(scheme: str, address: tuple[str, int], seconds: float) -> Channel:
    """Connect to `udp` or `tcp` at a numeric address. Raises OSError."""
    stream = scheme == "tcp"
    if stream:
        return Channel(socket.create_connection(address, seconds), True, seconds)
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    line = socket.socket(family, socket.SOCK_DGRAM)
    line.settimeout(seconds)
    line.connect(address)
    return Channel(line, False, seconds)


def _escaped(value: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", CONTROL.sub(" ", value))


def _host() -> str:
    return re.sub(r"[^!-~]", "-", socket.gethostname())[:255] or "-"


def _cut(line: bytes) -> bytes:
    """Cut what would not travel as one datagram, between characters."""
    return line if len(line) <= MOST_UDP else line[:MOST_UDP].decode(errors="ignore").encode()
