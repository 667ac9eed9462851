"""The audit is kept for 180 days at least: what proves that nobody took any of it away before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.utils import timezone

from portal.audit.models import Pruned, SealLeaves

# 网络安全法: 网络日志 six months at least.
KEPT = timedelta(days=180)
GUARDED = ("audit_auditevent", "audit_seal", "audit_sealleaves", "audit_pruned", "audit_sealcheck")
TRIGGERS = ("audit_append_only", "audit_no_truncate")


def guards_off(alias: str = "default") -> list[str]:
    """Return the guards (`table.trigger`) that are missing or do not always fire."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE relname = ANY(%s) AND tgname = ANY(%s) AND tgenabled = 'A'",
            [list(GUARDED), list(TRIGGERS)],
        )
        on = set(cursor.fetchall())
    return [f"{table}.{trigger}" for table in GUARDED for trigger in TRIGGERS if (table, trigger) not in on]


def faults() -> list[str]:
    """Return in Chinese what shows that audit events younger than KEPT were taken away, by whatever way."""
    found = []
    young = timezone.localdate() - KEPT
    leaves = SealLeaves.objects.filter(source="audit", day__gt=young).order_by("first_key")
    first = leaves.values_list("first_key", flat=True).first()
    if first is not None and Pruned.objects.filter(source="audit", last_key__gte=first).exists():
        found.append(f"{KEPT.days} 天内的审计记录被清理过")
    return found


def check_guards(app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """`migrate` and `check --database default` say when a guard of the audit is off."""
    return [
        Error(
            f"审计保护触发器 {name} 没有启用：审计可能被改动。请恢复后核验封存（manage.py seal verify）。",
            id="audit.E001",
        )
        for alias in databases or []
        if _migrated(alias)
        for name in guards_off(alias)
    ]


def register_checks() -> None:
    """Let Django run the check."""
    register(check_guards, Tags.database)


def _migrated(alias: str) -> bool:
    return "audit_sealcheck" in connections[alias].introspection.table_names()
