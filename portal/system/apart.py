"""Work of the dispatcher that may wait for a network: in a thread of its own, so that no other sweep waits with it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import connection

from portal.privacy.traces import frames_of

log = logging.getLogger(__name__)
_running: dict[str, threading.Thread] = {}


def apart(name: str, work: Callable[[], object]) -> threading.Thread:
    """Do `work` in a thread unless the last one of this name still runs; returns the one that runs."""
    known = _running.get(name)
    if known is not None and known.is_alive():
        return known
    thread = threading.Thread(target=_do, args=(name, work), name=name, daemon=True)
    _running[name] = thread
    thread.start()
    return thread


def _do(name: str, work: Callable[[], object]) -> None:
    try:
        work()
    except Exception as error:
        log.error("%s: %s", name, frames_of(error))
    finally:
        connection.close()
