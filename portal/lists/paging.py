"""Pages by number over very long lists.

OFFSET walks over everything before the page. Far into a list only keys are walked (an index alone can give them:
`Index(fields=["institution", "code", "id"])` for a list in the order of `code`), from whichever end is nearer, and
the page's twenty rows are fetched by key afterwards: first and last page cost the same, the middle is the worst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

DEEP = 1000

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:
    AnyPaginator = Paginator


class LongPaginator(AnyPaginator):
    """A paginator over a queryset whose number of rows is already known."""

    def __init__(self, rows: QuerySet[Any], size: int, count: int) -> None:
        super().__init__(rows, size)
        self.count = count  # a cached property: filled before it asks the database

    def page(self, number: int | str) -> Page[Any]:
        """Return a page. Raises what Paginator raises for a number out of range."""
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        stop = min(start + self.per_page, self.count)
        if start < DEEP:
            return Page(self.object_list[start:stop], number, self)
        return Page(self._far(start, stop), number, self)

    def _far(self, start: int, stop: int) -> list[Any]:
        rows: Any = self.object_list
        keys = self._keys(rows, start, stop)
        found = rows.order_by().in_bulk(keys)
        return [found[key] for key in keys if key in found]

    def _keys(self, rows: QuerySet[Any], start: int, stop: int) -> list[Any]:
        if start <= self.count // 2:
            return list(rows.values_list("pk", flat=True)[start:stop])
        behind = max(self.count - stop, 0)
        return list(rows.reverse().values_list("pk", flat=True)[behind : behind + stop - start])[::-1]
