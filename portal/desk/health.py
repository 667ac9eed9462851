"""Is everything alive? For a monitor (`/healthz`) and for the desk."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from portal.tasks import queries

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
    status = "ok" if redis and health.well else "degraded"
    return Report(status, True, redis, _age(health.dispatcher_seen), _age(health.worker_seen), words)


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


def _age(moment: datetime | None) -> float | None:
    return round((timezone.now() - moment).total_seconds(), 1) if moment else None
