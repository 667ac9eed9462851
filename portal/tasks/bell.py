"""Ringing: telling RQ that there is work. PostgreSQL knows what the work is; a lost ring only costs a second.

The sweeps ring again for whatever waits, so an error here is a log line and nothing else. Only `enqueue` is ever used:
RQ's `enqueue_in/at/many` ignore transactions, and business delays are columns (`not_before`).
"""

from __future__ import annotations

import logging
import re
import time
from functools import lru_cache

import django_rq
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job, JobStatus

log = logging.getLogger(__name__)

# A worker that was killed leaves its job's record behind, which would silence this key for ever: so ids change.
SLICE_SECONDS = 60
QUEUED_TTL = 600
FAILURE_TTL = 3600
# After a failure no ring is tried for a moment, so that a stopped Redis costs a page one short wait, not many.
QUIET_SECONDS = 3.0
_quiet_until = 0.0


def ring(queue: str, function_path: str, *args: int | str, key: str) -> bool:
    """Put a call of `function_path(*args)` on an RQ queue unless the same `key` already waits there.

    A ring for a key whose job is running puts one more behind it, since the running one may already have looked.
    Returns False when Redis could not be reached (within about a second); nothing is lost, the sweep rings again.
    """
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    try:
        _enqueue(queue, function_path, args, key)
    except (RedisError, OSError) as error:
        _quiet_until = time.monotonic() + QUIET_SECONDS
        log.warning("bell for %s not heard: %s", key, type(error).__name__)
        return False
    return True


def _enqueue(queue: str, function_path: str, args: tuple[int | str, ...], key: str) -> None:
    job_id = f"{re.sub(r'[^A-Za-z0-9_-]', '-', key)}-{int(time.time()) // SLICE_SECONDS}"
    line = django_rq.get_queue(queue, connection=_redis())
    for name in (job_id, f"{job_id}-next"):
        try:
            line.enqueue_call(
                function_path,
                args=args,
                job_id=name,
                unique=True,
                timeout=-1,
                ttl=QUEUED_TTL,
                result_ttl=0,
                failure_ttl=FAILURE_TTL,
            )
            return
        except DuplicateJobError:
            if _waits(name):
                return


def _waits(job_id: str) -> bool:
    """Say whether a job is still waiting in its queue (and not running, failed or gone)."""
    try:
        return Job.fetch(job_id, connection=_redis()).get_status() == JobStatus.QUEUED
    except NoSuchJobError:
        return False


@lru_cache(maxsize=1)
def _redis() -> Redis:
    """Return a client that gives up fast: nobody waits for a bell. The pool is safe over threads and forks."""
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=1.0, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
    )
