"""A list over hundreds of thousands of rows: what a query finds is counted and paged up to 10,000 rows.

Nobody reads further, and a page then costs the same for 「片」 (60,000 rows) as for a code. Without a query the whole
catalogue can be leafed through, by an index.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Any, ClassVar

from django.core.cache import cache
from django.core.paginator import Page
from django.db.models import Case, Count, IntegerField, QuerySet, Value, When

from insurance.catalogue.overview import merged_key
from portal.lists.ledger import MOST_COUNTED
from portal.lists.paging import LongPaginator
from portal.lists.searching import fold
from portal.lists.views import ListPage

KEEP_SECONDS = 300
FEW = 2_000


class CappedPage(ListPage):
    """A list page over current catalogue rows, each tab one catalogue (its key) or all of them ("all")."""

    order = ("infno", "code")
    nearest: ClassVar[bool] = True
    """What fits the words best stands first."""

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many rows stand under each tab; with a query up to one more than MOST_COUNTED."""
        if not self.filter.is_valid():
            return {tab.key: 0 for tab in self.tabs}
        if not self.narrowed:
            return self._of_all()
        found = self._found
        if len(found) <= MOST_COUNTED:
            numbers = Counter(infno for _, infno in found)
            return {tab.key: numbers[tab.key] if tab.rows else len(found) for tab in self.tabs}
        rows = self.filter.qs.order_by()
        return {tab.key: rows.filter(tab.rows).values("pk")[: MOST_COUNTED + 1].count() for tab in self.tabs}

    @cached_property
    def _found(self) -> list[tuple[int, str]]:
        """Key and catalogue of what the query finds, up to one more than MOST_COUNTED: the table is walked once."""
        return list(self.filter.qs.order_by().values_list("pk", "infno")[: MOST_COUNTED + 1])

    def _of_all(self) -> dict[str, int]:
        kept = cache.get_or_set(merged_key("counts"), lambda: self._by_catalogue(self.rows()), KEEP_SECONDS)
        return dict(kept or {})

    def _by_catalogue(self, rows: QuerySet[Any]) -> dict[str, int]:
        numbers = dict(rows.order_by().values_list("infno").annotate(number=Count("pk")))
        return {tab.key: numbers.get(tab.key, 0) if tab.rows else sum(numbers.values()) for tab in self.tabs}

    @cached_property
    def page(self) -> Page[Any]:
        """The page shown. With a query its first MOST_COUNTED rows are taken, and these are sorted."""
        rows = self.filter.qs.filter(self.tab.rows) if self.filter.is_valid() else self.rows().none()
        count = self.counts[self.tab.key]
        if not self.narrowed:
            return LongPaginator(self.ordered(rows), self.size, count).get_page(self.query.get("page"))
        sorted_rows = self.nearest_first(self._first_of(rows))
        return LongPaginator(sorted_rows, self.size, min(count, MOST_COUNTED)).get_page(self.query.get("page"))

    def _first_of(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows to sort: by their keys where they are few, else the first MOST_COUNTED."""
        if len(self._found) > FEW:
            return self.rows().filter(pk__in=rows.order_by().values("pk")[:MOST_COUNTED])
        found = [(key, infno) for key, infno in self._found if not self.tab.rows or infno == self.tab.key]
        # the catalogue names the partition, without which each key would be looked for in all of them
        return self.rows().filter(pk__in=[key for key, _ in found], infno__in={infno for _, infno in found})

    def nearest_first(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Sort: the code or name itself, names that begin so, the rest; then by name, specification and maker."""
        word = (fold(str(self.query.get("words", ""))).split() or [""])[0]
        if not word or not self.nearest:
            return rows.order_by(*self.order, "pk")
        fit = Case(
            When(code__iexact=word, then=Value(0)),
            When(name__iexact=word, then=Value(1)),
            When(name__istartswith=word, then=Value(2)),
            default=Value(3),
            output_field=IntegerField(),
        )
        found: QuerySet[Any] = rows.annotate(fit=fit).order_by("fit", "name", "spec", "maker", "code", "pk")
        return found

    def number_words(self, number: int) -> str:
        """Return 12,345, or 10,000+ where counting stopped."""
        return f"{MOST_COUNTED:,}+" if self.narrowed and number > MOST_COUNTED else f"{number:,}"

    @property
    def countable(self) -> bool:
        """Say whether 全部 is a number."""
        return not self.narrowed or self.counts[self.tab.key] <= MOST_COUNTED
