"""What goes back to the client, and in which manner."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

JSON_TYPE = "application/json;charset=utf-8"


@dataclass
class Reply:
    """An HTTP answer; `manner` tells how it is sent: plain, cut (nothing), midway (half of it), drip (slowly)."""

    status: int = 200
    content_type: str = JSON_TYPE
    body: bytes = b""
    make: Callable[[], str] | None = None
    filename: str = ""
    manner: str = "plain"
    rate: float = 0.0
    wait: float = 0.0
    reset: bool = False


def json_reply(value: Any, status: int = 200) -> Reply:
    """A plain JSON answer."""
    return Reply(status, body=json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
