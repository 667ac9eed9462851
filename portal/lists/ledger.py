"""A list that only grows: pages by key instead of by number, and stops counting where nobody would count.

    class CallList(LedgerPage):             # otherwise like a ListPage
        time_field = "created_at"           # for the jump to a time; its order must be that of the key

The newest row comes first. `before=<key>` is the next page, `after=<key>` the previous one, `at=2026-11-23T16:00`
starts at a time, `after=0` is the last page.

No page costs more than the first, however many millions of rows there are (measured over a million:
0.05 ms by key, 580 ms by offset). Columns cannot be sorted by, because no index would serve it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from portal.lists.exporting import CHUNK
from portal.lists.tables import ListTable
from portal.lists.views import ListPage

MOST_COUNTED = 10_000


class LedgerPage(ListPage):
    """A list page over a ledger."""

    time_field: ClassVar[str] = ""
    pager_template: ClassVar[str] = "lists/ledger_pager.html"
    moves: ClassVar[Sequence[str]] = ("page", "before", "after", "at")

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many rows stand under each tab, up to one more than MOST_COUNTED."""
        if not self.filter.is_valid():
            return {tab.key: 0 for tab in self.tabs}
        rows = self.filter.qs.order_by()
        return {tab.key: rows.filter(tab.rows).values("pk")[: MOST_COUNTED + 1].count() for tab in self.tabs}

    def number_words(self, number: int) -> str:
        """Return 12,345, or 10,000+ where counting stopped."""
        return f"{MOST_COUNTED:,}+" if number > MOST_COUNTED else f"{number:,}"

    @property
    def countable(self) -> bool:
        """Say whether 「全部」 is a number, so that all of it can be chosen."""
        return self.counts[self.tab.key] <= MOST_COUNTED

    @cached_property
    def records(self) -> list[Any]:
        """The rows of the page, newest first."""
        found = self._found[: self.size]
        found = found[::-1] if self._backwards else found
        self.decorate(found)
        return found

    @cached_property
    def _found(self) -> list[Any]:
        """The rows of the page and one more, where there is one, in the direction of reading."""
        if not self.filter.is_valid():
            return []
        rows = self._since(self.filter.qs.filter(self.tab.rows))
        before, after = self._key("before"), self._key("after")
        if after is not None:
            return list(rows.filter(pk__gt=after).order_by("pk")[: self.size + 1])
        rows = rows if before is None else rows.filter(pk__lt=before)
        return list(self.ordered(rows)[: self.size + 1])

    @property
    def _backwards(self) -> bool:
        return self._key("after") is not None

    def out_chunks(self, size: int = CHUNK) -> Iterator[list[Any]]:
        """Yield every row that the query finds, newest first, by key: no statement lasts longer than a chunk."""
        rows = self.ordered(self.matching(self.query))
        chunk = list(rows[:size])
        while chunk:
            last = chunk[-1].pk
            self.decorate(chunk)
            yield chunk
            chunk = list(rows.filter(pk__lt=last)[:size])

    def ordered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the newest first: no other order has an index for every query."""
        return rows.order_by("-pk")

    def first(self, most: int) -> list[Any]:
        """Return the first rows from the time jumped to, decorated."""
        found = list(self.ordered(self._since(self.matching(self.query)))[:most])
        self.decorate(found)
        return found

    @cached_property
    def newer_url(self) -> str:
        """The previous page, "" when this is the first."""
        return self._moved(after=str(self.records[0].pk)) if self.records and self._newer() else ""

    @cached_property
    def older_url(self) -> str:
        """The next page, "" when this is the last."""
        return self._moved(before=str(self.records[-1].pk), at=self.query.get("at")) if self._older() else ""

    def _newer(self) -> bool:
        if self._backwards:
            return len(self._found) > self.size
        if not any(name in self.query for name in ("before", "at")):
            return False
        # In key order, so that the planner takes the key's index and not the first row it happens upon.
        return bool(self._rows().filter(pk__gt=self.records[0].pk).order_by("pk").values("pk")[:1])

    def _older(self) -> bool:
        if not self.records:
            return False
        if not self._backwards:
            return len(self._found) > self.size
        return bool(self._rows().filter(pk__lt=self.records[-1].pk).order_by("-pk").values("pk")[:1])

    @property
    def narrowed(self) -> bool:
        """Say whether anything narrows the ledger, the time jumped to included."""
        return super().narrowed or any(name in self.query for name in self.moves)

    @property
    def position(self) -> str:
        """The keys of the first and the last row on this paper."""
        return f"流水号 {self.records[0].pk} 至 {self.records[-1].pk}" if self.records else "无记录"

    @property
    def newest_url(self) -> str:
        """The first page."""
        return self._moved()

    @property
    def oldest_url(self) -> str:
        """The last page."""
        return self._moved(after="0")

    def table_over(self, records: list[Any], names: list[str]) -> ListTable:
        """Return the table; its order is the ledger's."""
        table = super().table_over(records, names)
        table.orderable = False
        return table

    def _rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.filter.qs.filter(self.tab.rows).order_by()
        return rows

    def _moved(self, **move: str | None) -> str:
        return f"{self.request.path}?{self._query_string(**move)}"

    def _since(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Begin at the newest row of the time jumped to.

        That row is looked for among all rows, where the index on the time finds it at once; the query then only
        compares keys. Asking for both time and key order would walk the key's index down to the time.
        """
        moment = self._moment()
        if not moment or not self.time_field:
            return rows
        older = self.rows().order_by().filter(**{f"{self.time_field}__lte": moment})
        newest = older.order_by(f"-{self.time_field}", "-pk").values_list("pk", flat=True).first()
        return rows.none() if newest is None else rows.filter(pk__lte=newest)

    def _moment(self) -> datetime | None:
        try:
            found = parse_datetime(self.query.get("at", ""))
        except ValueError:
            return None
        if found is not None and timezone.is_naive(found):
            # the whole minute that was asked for, since the field has no seconds
            found = timezone.make_aware(found.replace(second=59, microsecond=999_999))
        return found

    def _key(self, name: str) -> int | None:
        given = self.query.get(name, "")
        return int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else None
