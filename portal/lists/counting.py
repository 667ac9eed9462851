"""How many rows stand under each tab: exact, in one query, and not again a minute later where there are very many.

Counting a million rows costs more than showing a page of them. Numbers up to 50,000 (what 「选择全部」 can take) are
counted each time, because they are acted upon; above that a number is for reading, and is kept for KEEP seconds for
the same query. Ledgers do not count so far at all (portal.lists.ledger).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db.models import Count, Q, QuerySet

from portal.lists.parts import Tab
from portal.lists.selection import MOST

KEEP = 60


def tab_counts(rows: QuerySet[Any], tabs: Sequence[Tab]) -> dict[str, int]:
    """Return the number of rows under each tab, by the tab's key."""
    rows = rows.order_by()
    name = _name(rows, tabs)
    kept: dict[str, int] | None = cache.get(name) if name else None
    if kept is not None:
        return kept
    found = _counted(rows, tabs)
    if name and max(found.values()) > MOST:
        cache.set(name, dict(found), KEEP)
    return dict(found)


def _counted(rows: QuerySet[Any], tabs: Sequence[Tab]) -> Mapping[str, int]:
    sums = {f"tab_{n}": Count("pk", filter=tab.rows or Q(pk__isnull=False)) for n, tab in enumerate(tabs)}
    found = rows.aggregate(**sums)
    return {tab.key: found[f"tab_{n}"] for n, tab in enumerate(tabs)}


def _name(rows: QuerySet[Any], tabs: Sequence[Tab]) -> str:
    """Return the name under which the numbers of exactly these rows are kept; the query cannot be read in it."""
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return ""
    whole = repr((sql, params, [(tab.key, str(tab.rows)) for tab in tabs]))
    return f"lists.count.{hashlib.sha256(whole.encode()).hexdigest()}"
