"""Within what something happens: the request or the background work at hand, for log lines and audit events.

A web request is told from others by an id that the answer's X-Request-ID repeats; work in the background by words such
as `task-12`. Context variables: each thread and each request has its own.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

# What another machine of ours may hand us as an id; anything else is replaced, it goes into logs and headers.
ACCEPTED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


@dataclass(frozen=True)
class Origin:
    """`name` is the request's id or the work's; `request` the web request, when there is one; `calls` messages."""

    name: str = ""
    request: Any = None
    task: int | None = None
    calls: tuple[int, ...] = ()


NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("origin")


def origin() -> Origin:
    """Return within what we are now; an empty one outside of everything."""
    return _origin.get(NOWHERE)


def new_name() -> str:
    """Return a fresh request id."""
    return secrets.token_hex(8)


def accepted(name: str) -> str:
    """Return a request id that came with a request if it can be one, else a fresh one."""
    return name if ACCEPTED.fullmatch(name) else new_name()


@contextmanager
def within(found: Origin) -> Iterator[Origin]:
    """Let everything in this block happen within `found`."""
    token = _origin.set(found)
    try:
        yield found
    finally:
        _origin.reset(token)


@contextmanager
def in_task(number: int) -> Iterator[Origin]:
    """Let everything in this block happen within a task of 任务中心."""
    with within(Origin(f"task-{number}", task=number)) as found:
        yield found


@contextmanager
def in_calls(numbers: tuple[int, ...]) -> Iterator[Origin]:
    """Let everything in this block happen within messages to the platform (rows of the ledger)."""
    now = origin()
    with within(Origin(now.name or f"call-{numbers[0]}" if numbers else now.name, now.request, now.task, numbers)) as o:
        yield o
