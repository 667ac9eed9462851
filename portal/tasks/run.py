"""What a task's function gets: parameters, the actor, progress, log, cancelling, result."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from portal.people.actor import Actor
from portal.tasks.choices import TaskState
from portal.tasks.models import Task, TaskFault, TaskLog

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
LOG_BATCH = 500
MOST_FAULTS = 1_000


class TaskFailed(Exception):
    """An expected failure: the message is Chinese and tells the person what happened, where, what to do."""


class Stop(BaseException):
    """The run must end now. Not an Exception, so that a room's `except Exception` per row does not swallow it."""


class Cancelled(Stop):
    """A person asked to cancel."""


class LeaseLost(Stop):
    """Another run took this task over, or the database was out of reach too long; nothing more may be written."""


class Run:
    """One attempt at one task. `progress` and `log` cost nothing: a thread writes them at most once a second."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.attempt: int = task.attempt
        self.params: Mapping[str, Any] = task.params
        self.actor = _actor_of(task)
        self.result: dict[str, Any] = {}
        self.result_url = ""
        self.result_file = ""
        self._reporter = Reporter(task.pk, task.attempt)

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Say how far it is: `done` of `total` (0: unknown), `message` in Chinese. Raises Cancelled, LeaseLost."""
        self._reporter.note_progress(done, total, message)
        self.check()

    def log(self, text: str, level: str = "info") -> None:
        """Add a line to the live log; `level` is info, warning or error. Chinese, without personal data."""
        self._reporter.note_line(text, level)

    def fault(self, label: str, reason: str, url: str = "") -> None:
        """Note one record that could not be done; the task's page shows their number and the first thousand."""
        self._reporter.note_fault(label, reason, url)

    def check(self) -> None:
        """Raise Cancelled when a person asked to cancel, LeaseLost when this run is no longer the one."""
        if self._reporter.lost:
            raise LeaseLost
        if self._reporter.cancel_asked:
            raise Cancelled

    def fence(self) -> None:
        """Call at the start of a transaction that must not be done twice: raises LeaseLost when another run took over,
        else keeps any other from taking over until it commits.
        """
        mine = Task.objects.select_for_update().filter(pk=self.task.pk, attempt=self.attempt, state=TaskState.RUNNING)
        if not mine.exists():
            raise LeaseLost

    def finish(self, result: Mapping[str, Any] | None = None, url: str = "", file: str = "") -> None:
        """Keep what came of it: `result` word → number or text as shown (Chinese words), `url` the page to look at,
        `file` the address of a file to download. Addresses are paths of this portal. Written when the function ends.
        """
        self.result, self.result_url, self.result_file = dict(result or {}), url, file

    def __enter__(self) -> Run:
        self._reporter.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._reporter.stop()


class Reporter(threading.Thread):
    """Writes progress and log lines and renews the lease, on a database connection of its own.

    Being outside of the task's transactions, what it writes is seen at once and stays when they roll back.
    """

    def __init__(self, task_id: int, attempt: int) -> None:
        super().__init__(name=f"task-{task_id}", daemon=True)
        self.task_id, self.attempt = task_id, attempt
        self.cancel_asked = False
        self.lost = False
        self._lock = threading.Lock()
        self._progress: dict[str, Any] = {}
        self._lines: list[TaskLog] = []
        self._faults: list[TaskFault] = []
        self._fault_count = 0
        self._done = threading.Event()
        self._renewed = time.monotonic()

    def note_progress(self, done: int, total: int, message: str) -> None:
        """Remember the latest progress."""
        with self._lock:
            progress = {"done": max(done, 0), "total": max(total, 0), "message": message[:500]}
            self._progress = {**progress, "faults": self._fault_count}

    def note_line(self, text: str, level: str) -> None:
        """Remember a line of the log."""
        with self._lock:
            self._lines.append(TaskLog(task_id=self.task_id, level=level, text=text[:1000]))

    def note_fault(self, label: str, reason: str, url: str) -> None:
        """Remember one record that could not be done; beyond MOST_FAULTS it is only counted."""
        with self._lock:
            self._fault_count += 1
            self._progress = {**self._progress, "faults": self._fault_count}
            if self._fault_count <= MOST_FAULTS:
                self._faults.append(
                    TaskFault(task_id=self.task_id, label=label[:200], reason=reason[:500], url=url[:300])
                )

    def run(self) -> None:
        """Flush every second until stopped, then once more."""
        try:
            while not self._done.wait(FLUSH_SECONDS):
                self._flush()
            while self._flush() and (self._lines or self._faults):
                pass
        finally:
            connection.close()

    def stop(self) -> None:
        """Write what is left and end the thread."""
        self._done.set()
        self.join()

    def _flush(self) -> bool:
        """Write what there is; False when nothing more can be written now."""
        try:
            self._write()
            return not self.lost
        except DatabaseError as error:
            log.warning("task %s: progress not written (%s)", self.task_id, type(error).__name__)
            connection.close()
            self.lost = self.lost or time.monotonic() - self._renewed > settings.LEASE_SECONDS
            return False

    def _write(self) -> None:
        with self._lock:
            progress, lines, faults = self._progress, self._lines[:LOG_BATCH], self._faults[:LOG_BATCH]
        due = time.monotonic() - self._renewed >= settings.LEASE_RENEW_SECONDS
        mine = Task.objects.filter(pk=self.task_id, attempt=self.attempt, state=TaskState.RUNNING)
        if progress or lines or faults or due:
            started = time.monotonic()
            lease = Now() + timedelta(seconds=settings.LEASE_SECONDS)
            if not mine.update(lease_until=lease, **progress):
                self.lost = True
                return
            self._renewed = started
        TaskLog.objects.bulk_create(lines)
        TaskFault.objects.bulk_create(faults)
        self._forget(progress, len(lines), len(faults))
        asked = mine.values_list("cancel_asked", flat=True).first()
        self.lost, self.cancel_asked = self.lost or asked is None, bool(asked)

    def _forget(self, progress: dict[str, Any], lines: int, faults: int) -> None:
        with self._lock:
            if self._progress is progress:
                self._progress = {}
            del self._lines[:lines]
            del self._faults[:faults]


def _actor_of(task: Task) -> Actor:
    """Return on whose behalf the task runs: who asked for it, or the system for a schedule."""
    if task.requested_by is None:
        return Actor.system(task.institution, task.source)
    return Actor.of(task.requested_by, task.institution)
