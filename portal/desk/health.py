"""Is everything alive? For a monitor (`/healthz`) and for the desk."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from portal.system.health import probes
from portal.tasks import queries
from portal.tasks.models import Heartbeat

log = logging.getLogger(__name__)
REDIS_SECONDS = 0.3


@dataclass(frozen=True)
class Report:
    """What the monitor gets: `status` is ok, degraded (work waits, nothing is lost) or down (no database)."""

    status: str
    database: bool
    redis: bool
    dispatcher_seconds: float | None
    worker_seconds: float | None
    words: str
    workers: Mapping[str, float | None] = field(default_factory=dict)
    """Seconds since each queue's worker was seen, None for never."""
    numbers: Mapping[str, float | None] = field(default_factory=dict)
    """What the rooms say: age of the oldest waiting upload, unknown outcomes …"""


def report() -> Report:
    """Look at the database, at Redis for at most 0.3 s, and at the heartbeats."""
    redis = redis_answers()
    try:
        connection.ensure_connection()
        health = queries.health()
    except DatabaseError:
        log.exception("health: the database does not answer")
        return Report("down", False, redis, None, None, "数据库没有响应。")
    words = health.words or ("" if redis else "消息服务（Redis）没有响应：任务由调度进程每秒补发，会慢一些。")
    workers = _workers()
    silent = [queue for queue, age in workers.items() if age is None or age > queries.WORKER_SILENT.total_seconds()]
    if silent and health.well and not words:
        words = f"没有执行进程的队列：{'、'.join(silent)}。"
    status = "ok" if redis and health.well and not silent else "degraded"
    numbers = {probe.key: number for probe, number in probes()}
    dispatcher, worker = _age(health.dispatcher_seen), _age(health.worker_seen)
    return Report(status, True, redis, dispatcher, worker, words, workers, numbers)


def as_json(found: Report) -> dict[str, object]:
    """Return the report as it travels."""
    return asdict(found)


def redis_answers() -> bool:
    """Say whether Redis answers within 0.3 s; one try, no retry."""
    client = Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
    finally:
        client.close()


def _workers() -> dict[str, float | None]:
    seen = dict(Heartbeat.objects.filter(name__startswith="worker:").values_list("name", "seen_at"))
    return {queue: _age(seen.get(f"worker:{queue}")) for queue in settings.RQ_QUEUES}


def _age(moment: datetime | None) -> float | None:
    return round((timezone.now() - moment).total_seconds(), 1) if moment else None
