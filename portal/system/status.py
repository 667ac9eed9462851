"""系统 · 运行状态: processes, versions, the database, disks, queues, seals."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from portal.audit.models import AuditStream, Seal
from portal.audit.seals import sources
from portal.audit.streaming import waiting
from portal.audit.verifying import last_check
from portal.system.health import probes
from portal.tasks.choices import TaskState
from portal.tasks.models import Heartbeat, Task
from portal.tasks.queries import DISPATCHER_SILENT, WORKER_SILENT

REDIS_SECONDS = 0.3
TABLES = 12
NAMES = {"interactive": "即时上传", "bulk": "批量上传", "tasks": "任务"}
LOW_DISK = 0.1
MONTH = re.compile(r"\d{6}")


@dataclass(frozen=True)
class Process:
    """One process: its name, when it was last seen, whether that is too long ago."""

    name: str
    seen: datetime | None
    silent: bool


@dataclass(frozen=True)
class Disk:
    """One disk: what lies on it, its free and whole size in GB."""

    what: str
    free: float
    whole: float

    @property
    def low(self) -> bool:
        """Say whether less than a tenth is free."""
        return self.free < self.whole * LOW_DISK


def status() -> dict[str, Any]:
    """Return everything that the page shows; what cannot be asked now is None or empty."""
    return {
        "processes": processes(),
        "versions": versions(),
        "database": database(),
        "disks": disks(),
        "queues": queues(),
        "probes": probes(),
        "seals": [
            (source.label, Seal.objects.filter(source=source.code).order_by("-day").first()) for source in sources()
        ],
        "check": last_check(),
        "stream": AuditStream.objects.filter(target=settings.AUDIT_SYSLOG).first() if settings.AUDIT_SYSLOG else None,
        "stream_waiting": waiting(settings.AUDIT_SYSLOG) if settings.AUDIT_SYSLOG else 0,
    }


def processes() -> list[Process]:
    """Return dispatcher and the workers of each queue, judged by their heartbeats."""
    seen = dict(Heartbeat.objects.values_list("name", "seen_at"))
    wanted = [("dispatcher", "调度进程", DISPATCHER_SILENT)]
    wanted += [
        (f"worker:{queue}", f"执行进程（{NAMES.get(queue, queue)}）", WORKER_SILENT) for queue in settings.RQ_QUEUES
    ]
    return [Process(words, seen.get(name), _silent(seen.get(name), limit)) for name, words, limit in wanted]


def versions() -> list[tuple[str, str]]:
    """Return what runs here, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        postgres = str(cursor.fetchone()[0])
    packages = [(name, importlib.metadata.version(name)) for name in ("django-rq", "granian", "cryptography")]
    return [
        ("平台", _own_version()),
        ("Python", platform.python_version()),
        ("Django", django.get_version()),
        ("PostgreSQL", postgres),
        ("Redis", _redis_info().get("redis_version", "没有响应")),
        *packages,
    ]


def database() -> dict[str, Any]:
    """Return the database's size, its largest tables (with partitions), connections and what it says of backups."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_size_pretty(pg_database_size(current_database())), "
            "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()), "
            "current_setting('max_connections')::int, current_setting('archive_mode'), "
            "(SELECT last_archived_time FROM pg_stat_archiver), (SELECT count(*) FROM pg_stat_replication), "
            "pg_postmaster_start_time()"
        )
        size, used, most, archive, archived, replicas, started = cursor.fetchone()
        cursor.execute(
            "SELECT relname, (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = pg_class.oid), "
            "pg_size_pretty(pg_total_relation_size(oid)), reltuples::bigint FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
            "ORDER BY pg_total_relation_size(oid) DESC LIMIT %s",
            [TABLES],
        )
        found = cursor.fetchall()
    words = table_words()
    tables = [(name, _words_of(name, parent, words), pretty, max(rows, 0)) for name, parent, pretty, rows in found]
    return {
        "size": size, "used": used, "most": most, "archives": archive != "off",
        "archived": archived, "replicas": replicas, "started": started, "tables": tables,
    }  # fmt: skip


def table_words() -> dict[str, str]:
    """Return table name → what lies in it, in words, for the tables of our own rooms."""
    own = [model for model in apps.get_models() if model.__module__.startswith(("portal.", "insurance."))]
    return {model._meta.db_table: str(model._meta.verbose_name) for model in own}


def _words_of(name: str, parent: str | None, words: dict[str, str]) -> str:
    """Return a table in words; a month's part of a larger one says which month."""
    if parent is None:
        return words.get(name, "框架内部")
    part = name.removeprefix(f"{parent}_")
    month = f"{part[:4]} 年 {int(part[4:])} 月" if MONTH.fullmatch(part) else "其余月份"
    return f"{words.get(parent, '框架内部')}（{month}）"


def disks() -> list[Disk]:
    """Return the disks of run-time data and files, each once."""
    found: dict[tuple[int, int], Disk] = {}
    for what, path in (("运行目录", settings.RUN_DIR), ("文件目录", settings.FILES_DIR)):
        place = _existing(Path(path))
        use = shutil.disk_usage(place)
        key = (place.stat().st_dev, use.total)
        name = f"{found[key].what}、{what}" if key in found else what
        found[key] = Disk(name, use.free / 1e9, use.total / 1e9)
    return list(found.values())


def queues() -> list[tuple[str, int | None]]:
    """Return how many rings wait in each queue (None when Redis does not answer), then waiting and running tasks."""
    client = _client()
    found: list[tuple[str, int | None]] = []
    try:
        for name in settings.RQ_QUEUES:
            found.append((f"{NAMES.get(name, name)}队列", int(client.llen(f"rq:queue:{name}"))))
    except (RedisError, OSError):
        found = [(f"{NAMES.get(name, name)}队列", None) for name in settings.RQ_QUEUES]
    finally:
        client.close()
    for state in (TaskState.QUEUED, TaskState.RUNNING):
        found.append((f"任务{state.label}", Task.objects.filter(state=state, ended_at=None).count()))
    return found


def free_disk_words() -> str:
    """Return which disk runs full, "" when none does."""
    low = [disk for disk in disks() if disk.low]
    return "；".join(f"{disk.what}所在磁盘只剩 {disk.free:.0f} GB" for disk in low)


def unapplied_migrations() -> int:
    """Return how many migrations were not applied. Raises DatabaseError."""
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def readiness() -> dict[str, str]:
    """Return what keeps this process from serving pages, by name; empty when it may serve."""
    found: dict[str, str] = {}
    try:
        pending = unapplied_migrations()
        if pending:
            found["migrations"] = f"还有 {pending} 个数据库变更没有执行（manage.py migrate）"
    except DatabaseError:
        found["database"] = "数据库没有响应"
    if not _static_ready():
        found["static"] = "静态文件没有收集（manage.py collectstatic）"
    return found


def _static_ready() -> bool:
    backend = str(settings.STORAGES["staticfiles"]["BACKEND"])
    if "Manifest" not in backend:
        return True
    return (Path(settings.STATIC_ROOT) / "staticfiles.json").is_file()


def _silent(seen: datetime | None, limit: timedelta) -> bool:
    return seen is None or timezone.now() - seen > limit


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _own_version() -> str:
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _client() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def _redis_info() -> dict[str, str]:
    client = _client()
    try:
        info: dict[str, str] = client.info("server")
        return info
    except (RedisError, OSError):
        return {}
    finally:
        client.close()
