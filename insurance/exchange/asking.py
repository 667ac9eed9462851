"""Asking the platform: for workers and commands, never for the web process (design 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from insurance.exchange.answers import Answer
from insurance.exchange.lines import Line, open_line
from insurance.exchange.queries import connection_of
from portal.people.actor import Actor

_line: ContextVar[Line | None] = ContextVar("line", default=None)


@contextmanager
def one_line(actor: Actor) -> Iterator[None]:
    """Keep one line open for all `ask` calls inside the block (paged downloads)."""
    with open_line(connection_of(actor.institution)) as line:
        token = _line.set(line)
        try:
            yield
        finally:
            _line.reset(token)


def ask(actor: Actor, infno: str, message: Mapping[str, Any], *, insuplc_admdvs: str = "") -> Answer:
    """Send one query or download (an infno, or a purpose of routes.csv) and return its accepted answer.

    Raises MessageInvalid, Refused, Unknown or Undelivered. Takes the line of `one_line` if there is one.
    """
    line = _line.get()
    if line is not None and line.connection.institution_id == actor.institution.pk:
        return _ask(line, actor, infno, message, insuplc_admdvs)
    with open_line(connection_of(actor.institution)) as own:
        return _ask(own, actor, infno, message, insuplc_admdvs)


def _ask(line: Line, actor: Actor, name: str, message: Mapping[str, Any], insuplc_admdvs: str) -> Answer:
    purpose = name if name in line.book.routes else ""
    infno = line.book.route(name).infno if purpose else name
    return line.ask(actor, infno, message, insuplc_admdvs=insuplc_admdvs, purpose=purpose)
