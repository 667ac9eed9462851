"""Ledgers: pages by key, counting that stops, the jump to a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.lists import ledger
from portal.tasks.models import Task
from tests.lists.test_list_page import codes, counts, queries_of, text

pytestmark = pytest.mark.django_db
URL = "/room/ledger/"


def link(response: Any, words: str) -> str:
    """The address behind a word of the pager, "" when it is no link."""
    found = re.search(rf'<a href="([^"]+)" data-swap>{words}</a>', text(response))
    return found[1].replace("&amp;", "&") if found else ""


def expected(first: int, last: int) -> list[str]:
    return [f"K{n:04d}" for n in range(first, last - 1, -1)]


def test_pages_lead_through_all_rows_and_back(office: Client, records: Callable[..., list[Task]]) -> None:
    records(45)
    first = office.get(URL)
    second = office.get(link(first, "下一页"))
    third = office.get(link(second, "下一页"))
    assert [codes(first), codes(second), codes(third)] == [expected(44, 25), expected(24, 5), expected(4, 0)]
    assert link(third, "下一页") == ""
    assert link(first, "上一页") == ""
    assert codes(office.get(link(third, "上一页"))) == expected(24, 5)
    assert codes(office.get(link(third, "最新"))) == expected(44, 25)


def test_rows_that_arrive_do_not_shift_the_pages(office: Client, records: Callable[..., list[Task]]) -> None:
    records(25)
    older = link(office.get(URL), "下一页")
    records(5, start=100)
    assert codes(office.get(older)) == expected(4, 0)


def test_counting_stops(office: Client, records: Callable[..., list[Task]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST_COUNTED", 10)
    records(12)
    page = office.get(URL)
    assert "10+</span>" in text(page)
    assert "选择全部" not in text(page)
    assert counts(page)["已完成"] == "6"


def test_jump_to_a_time_includes_its_minute(office: Client, records: Callable[..., list[Task]]) -> None:
    for hour, record in enumerate(records(3), start=8):
        moment = timezone.make_aware(datetime(2026, 11, 23, hour, 30, 40))
        Task.objects.filter(pk=record.pk).update(created_at=moment)
    assert codes(office.get(URL, {"at": "2026-11-23T09:30"})) == expected(1, 0)
    assert "没有符合查询条件的记录" in text(office.get(URL, {"at": "2020-01-01T00:00"}))


@pytest.mark.parametrize("query", [{"before": "x"}, {"after": "9" * 30}, {"at": "2026-13-99T99:99"}, {"sort": "kind"}])
def test_nonsense_shows_the_newest(office: Client, records: Callable[..., list[Task]], query: dict[str, str]) -> None:
    records(3)
    assert codes(office.get(URL, query)) == expected(2, 0)


def test_columns_cannot_be_sorted(office: Client, records: Callable[..., list[Task]]) -> None:
    records(1)
    assert "sort=" not in text(office.get(URL))


def test_query_count_does_not_grow_with_rows(office: Client, records: Callable[..., list[Task]]) -> None:
    url = f"{URL}?per_page=50&tab=all"
    records(1)
    one = queries_of(office, url)
    records(49, start=1)
    fifty = queries_of(office, url)
    assert len(codes(office.get(url))) == 50
    assert len(one) == len(fifty)
    assert not any("OFFSET" in sql for sql in fifty)


def test_last_page_leads_back(office: Client, records: Callable[..., list[Task]]) -> None:
    records(45)
    last = office.get(link(office.get(URL), "最早"))
    assert codes(last) == expected(19, 0)
    assert link(last, "下一页") == ""
    assert codes(office.get(link(last, "上一页"))) == expected(39, 20)
