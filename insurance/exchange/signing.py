"""The gateway's signature: four x-tif headers on every request (protocol.md, section 2)."""

from __future__ import annotations

import hashlib
import secrets
import time


def signature(secret: str, timestamp: str, nonce: str) -> str:
    """Return hex(SHA-256(timestamp + secret + nonce + timestamp)), lower case; the body is not part of it."""
    return hashlib.sha256(f"{timestamp}{secret}{nonce}{timestamp}".encode()).hexdigest()


def signed_headers(account: str, secret: str, *, now: float | None = None, nonce: str | None = None) -> dict[str, str]:
    """Return the four headers for one request; `now` is UTC epoch seconds."""
    timestamp = str(int(time.time() if now is None else now))
    nonce = nonce or secrets.token_hex(16)
    return {
        "x-tif-paasid": account,
        "x-tif-timestamp": timestamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": signature(secret, timestamp, nonce),
    }
