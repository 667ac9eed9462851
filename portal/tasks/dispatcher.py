"""The loop that calls every sweep when it is due."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, close_old_connections, connection

from portal.privacy.traces import frames_of
from portal.tasks.registry import Sweep, sweeps

log = logging.getLogger(__name__)

LONGEST_BACKOFF = 60.0


@dataclass
class Turn:
    """A sweep with the moment (monotonic seconds) of its next call and how often it failed in a row."""

    sweep: Sweep
    due: float = 0.0
    failures: int = 0

    def call(self, now: float) -> None:
        """Call the sweep; after a failure wait longer each time, so that it neither stops nor floods the others."""
        try:
            close_old_connections()
            self.sweep.function()
            self.failures = 0
        except Exception as error:
            self.failures += 1
            _report(self, error)
        pause = min(self.sweep.every * 2**self.failures, max(LONGEST_BACKOFF, self.sweep.every))
        self.due = now + pause


class Dispatcher:
    """Runs the registered sweeps until `stop`."""

    def __init__(self, pause: float = 1.0) -> None:
        self.pause = pause
        self.stopped = threading.Event()
        self.turns = [Turn(sweep) for sweep in sweeps()]

    def stop(self) -> None:
        """End the loop after the sweep at hand."""
        self.stopped.set()

    def run(self) -> None:
        """Loop until stopped."""
        while not self.stopped.is_set():
            self.step()
            self.stopped.wait(self.pause)
        connection.close()

    def step(self) -> None:
        """Call every sweep that is due."""
        for turn in self.turns:
            now = time.monotonic()
            if turn.due <= now and not self.stopped.is_set():
                turn.call(now)


def _report(turn: Turn, error: Exception) -> None:
    """Log where a sweep broke, without the exception's words (they may quote a patient)."""
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("sweep %s: database: %s (%s in a row)", turn.sweep.name, type(error).__name__, turn.failures)
        connection.close()
        return
    log.error("sweep %s (%s in a row): %s", turn.sweep.name, turn.failures, frames_of(error))
