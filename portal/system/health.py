"""What the rooms say of their own health, for /healthz and 系统 · 运行状态.

    register_probe(Probe("outbox_seconds", "最早的待上传", oldest_queued))     # in AppConfig.ready()

A probe returns a number (seconds or a count) or None for "nothing", quickly: it is asked by every monitor.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from portal.privacy.traces import frames_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Probe:
    """One number: its key in the JSON, its words and unit on the page."""

    key: str
    label: str
    look: Callable[[], float | None]
    unit: str = ""


_probes: dict[str, Probe] = {}


def register_probe(probe: Probe) -> None:
    """Let a number be shown; the same key again replaces it."""
    _probes[probe.key] = probe


def probes() -> list[tuple[Probe, float | None]]:
    """Ask every probe; one that fails is None and a line in the log."""
    return [(probe, _ask(probe)) for probe in _probes.values()]


def _ask(probe: Probe) -> float | None:
    try:
        return probe.look()
    except Exception as error:
        log.error("probe %s: %s", probe.key, frames_of(error))
        return None
