"""Keeping what this process is sending its own, and giving back what a dead process held."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.db import connection as database

from insurance.exchange.choices import CallState, SubmissionState

log = logging.getLogger(__name__)

RENEW = """
UPDATE exchange_call SET lease_until = clock_timestamp() + make_interval(secs => %s)
WHERE id = ANY(%s) AND state IN ('prepared', 'sent')
"""

# SKIP LOCKED: two dispatchers may sweep at once; each call is given back by one of them.
REAP = """
WITH gone AS (
  SELECT id, state FROM exchange_call
  WHERE state IN ('prepared', 'sent') AND lease_until < clock_timestamp()
  ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED),
head AS (
  UPDATE exchange_call AS call
  SET state = CASE gone.state WHEN 'prepared' THEN 'undelivered' ELSE 'unknown' END,
      words = '发送程序中断，未等到结果', answered_at = clock_timestamp(), lease_until = NULL
  FROM gone WHERE call.id = gone.id RETURNING call.id, call.state),
event AS (
  INSERT INTO exchange_callevent (call_id, at, kind, detail)
  SELECT id, clock_timestamp(), state, '{"lease": "expired"}'::jsonb FROM head),
waiting AS (
  UPDATE exchange_submission AS submission
  SET state = CASE head.state WHEN 'undelivered' THEN 'queued' ELSE 'unknown' END,
      not_before = NULL, looks = 0, step = 0, state_at = clock_timestamp(),
      words = '发送程序中断，未等到结果'
  FROM head JOIN exchange_callrow AS row ON row.call_id = head.id
  WHERE submission.id = row.submission_id AND submission.state = 'sending' AND submission.last_call_id = head.id)
SELECT id, state FROM head
"""


# A sender ends its call in one commit and moves what it carried in the next; this is for one that died in between.
PICK_UP = """
WITH stranded AS (
  SELECT submission.id, call.state, call.words
  FROM exchange_submission AS submission JOIN exchange_call AS call ON call.id = submission.last_call_id
  WHERE submission.state = 'sending' AND call.state IN ('undelivered', 'unknown')
    AND call.answered_at < clock_timestamp() - make_interval(secs => %s)
  ORDER BY submission.id LIMIT 500 FOR UPDATE OF submission SKIP LOCKED)
UPDATE exchange_submission AS submission
SET state = CASE stranded.state WHEN 'undelivered' THEN 'queued' ELSE 'unknown' END, words = stranded.words,
    not_before = NULL, looks = 0, step = 0, needs_person = FALSE, state_at = clock_timestamp()
FROM stranded WHERE submission.id = stranded.id
"""
PICK_UP_SECONDS = 5.0


class Keeper:
    """Renews the leases of calls in flight from a thread of its own, so that a long answer does not lose its call."""

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
        self._thread.start()

    @contextmanager
    def holding(self, call_id: int) -> Iterator[None]:
        """Keep the lease of `call_id` renewed while the block runs."""
        with self._lock:
            self._held.add(call_id)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(call_id)

    def close(self) -> None:
        """Stop renewing."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(settings.LEASE_RENEW_SECONDS):
                with self._lock:
                    held = list(self._held)
                if held:
                    self._renew(held)
        finally:
            connections.close_all()

    @staticmethod
    def _renew(held: list[int]) -> None:
        try:
            renew(held)
        except DatabaseError as error:
            # The database may be back before the leases run out; a keeper that died would lose every call in flight.
            log.warning("renewing %s leases failed: %s", len(held), type(error).__name__)
            connections.close_all()


def renew(call_ids: list[int]) -> None:
    """Prolong the leases of calls that are still on their way."""
    with database.cursor() as cursor:
        cursor.execute(RENEW, [settings.LEASE_SECONDS, call_ids])


def reap() -> tuple[int, int]:
    """Give back calls whose lease ran out: prepared ones are queued again, sent ones unknown. Returns both counts."""
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute(REAP)
        states = [state for _, state in cursor.fetchall()]
    return states.count(CallState.UNDELIVERED.value), states.count(CallState.UNKNOWN.value)


def pick_up() -> int:
    """Move submissions whose call has ended without them to where it ended; returns how many there were."""
    with database.cursor() as cursor:
        cursor.execute(PICK_UP, [PICK_UP_SECONDS])
        return int(cursor.rowcount)


assert {CallState.UNDELIVERED.value, CallState.UNKNOWN.value} == {"undelivered", "unknown"}
assert {SubmissionState.QUEUED.value, SubmissionState.UNKNOWN.value} == {"queued", "unknown"}
