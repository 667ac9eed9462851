"""Pages far into a list: the very rows that OFFSET gives; numbers are kept only where they are large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from portal.lists import counting, paging
from portal.lists.parts import Tab
from portal.tasks.models import Task

pytestmark = pytest.mark.django_db
TABS = [Tab("failed", "失败", Q(state="failed")), Tab("all", "全部")]


@pytest.mark.parametrize("order", [("total", "pk"), ("-kind", "-pk"), ("state", "-total", "-pk")])
def test_every_page_is_the_one_that_offset_gives(
    records: Callable[..., list[Task]], monkeypatch: pytest.MonkeyPatch, order: tuple[str, ...]
) -> None:
    monkeypatch.setattr(paging, "DEEP", 4)
    records(47)
    rows = Task.objects.order_by(*order)
    plain, long = Paginator(rows, 5), paging.LongPaginator(rows, 5, 47)
    assert long.num_pages == 10
    for number in long.page_range:
        assert list(long.page(number).object_list) == list(plain.page(number).object_list), number


def test_far_pages_walk_keys_from_the_nearer_end(
    records: Callable[..., list[Task]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "DEEP", 4)
    records(40)
    with CaptureQueriesContext(connection) as seen:
        list(paging.LongPaginator(Task.objects.order_by("kind", "pk"), 5, 40).page(8).object_list)
    assert not any("OFFSET" in query["sql"] for query in seen)
    assert "DESC" in seen[0]["sql"]


def test_rows_that_came_meanwhile_do_not_break_the_last_page(
    records: Callable[..., list[Task]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "DEEP", 4)
    made = records(23)
    page = paging.LongPaginator(Task.objects.order_by("kind", "pk"), 5, 21).page(5)
    assert [row.kind for row in page.object_list] == [made[-1].kind]


def queries(rows: Any) -> tuple[dict[str, int], int]:
    with CaptureQueriesContext(connection) as seen:
        found = counting.tab_counts(rows, TABS)
    return found, len(seen)


def test_only_large_numbers_are_kept(records: Callable[..., list[Task]], monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    records(6)
    assert queries(Task.objects.all()) == ({"failed": 3, "all": 6}, 1)
    records(1, start=50)
    assert queries(Task.objects.all()) == ({"failed": 4, "all": 7}, 1)  # acted upon: always counted
    monkeypatch.setattr(counting, "MOST", 5)
    assert queries(Task.objects.all()) == ({"failed": 4, "all": 7}, 1)
    records(1, start=60)
    assert queries(Task.objects.all()) == ({"failed": 4, "all": 7}, 0)
    assert queries(Task.objects.filter(total__gte=0)) == ({"failed": 5, "all": 8}, 1)  # another query, another number
    cache.clear()
    assert queries(Task.objects.none()) == ({"failed": 0, "all": 0}, 0)
