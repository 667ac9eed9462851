"""The list page without script: tabs, query form, sorting, pages, rights, query counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.people.models import Person
from portal.tasks.models import Task

pytestmark = pytest.mark.django_db
URL = "/room/"


def text(response: Any) -> str:
    return response.content.decode()


def codes(response: Any) -> list[str]:
    """The codes of the rows shown, in order."""
    return re.findall(r'data-drawer title="(K\d+)"', text(response))


def counts(response: Any) -> dict[str, str]:
    """The tabs' words and numbers."""
    return dict(re.findall(r'class="tab[^>]*>(\S+) <span class="tab-count">([\d,]+)<', text(response)))


def test_tabs_count_what_the_query_finds(office: Client, records: Callable[..., list[Task]]) -> None:
    records(30)
    assert counts(office.get(URL)) == {"待处理": "15", "已完成": "15", "全部": "30"}
    assert counts(office.get(URL, {"words": "K0000"})) == {"待处理": "1", "已完成": "0", "全部": "1"}


def test_first_tab_is_shown_first(office: Client, records: Callable[..., list[Task]]) -> None:
    records(4)
    assert codes(office.get(URL)) == ["K0000", "K0002"]
    assert codes(office.get(URL, {"tab": "all"})) == ["K0000", "K0001", "K0002", "K0003"]


def test_blank_parameters_leave_the_address(office: Client) -> None:
    answer = office.get("/room/?words=&state=done&created_at_from=&page=1")
    assert (answer.status_code, answer["Location"]) == (302, "/room/?state=done")


def test_partial_answers_card_alone_and_pushes_clean_address(office: Client) -> None:
    answer = office.get("/room/?words=&state=done", headers={"HX-Request": "true", "HX-Target": "list-card"})
    assert answer["HX-Push-Url"] == "/room/?state=done"
    assert "<html" not in text(answer)
    assert 'id="list-card"' in text(answer)
    assert {"HX-Request", "HX-Target"} <= {name.strip() for name in answer["Vary"].split(",")}


def test_words_are_found_in_full_width_and_in_any_order(office: Client, records: Callable[..., list[Task]]) -> None:
    records(12)
    assert codes(office.get(URL, {"tab": "all", "words": "　Ｋ０００７　"})) == ["K0007"]
    assert codes(office.get(URL, {"tab": "all", "words": "产科 K0003"})) == ["K0003"]
    assert codes(office.get(URL, {"tab": "all", "words": "儿科 K0003"})) == []


@pytest.mark.parametrize(
    ("start", "stop", "found"),
    [
        ("2026-11-22", "", ["K0001", "K0002"]),
        ("", "2026-11-22", ["K0000", "K0001"]),
        ("2026-11-22", "2026-11-22", ["K0001"]),
    ],
)
def test_days_include_both_ends_in_local_time(
    office: Client, records: Callable[..., list[Task]], start: str, stop: str, found: list[str]
) -> None:
    # five minutes before midnight in Shanghai is still that day, though UTC says it is afternoon
    for n, record in enumerate(records(3)):
        moment = timezone.make_aware(datetime(2026, 11, 21, 23, 55)) + timedelta(days=n)
        Task.objects.filter(pk=record.pk).update(created_at=moment)
    query = {"tab": "all", "created_at_from": start, "created_at_to": stop}
    assert codes(office.get(URL, {name: value for name, value in query.items() if value})) == found


def test_wrong_query_says_so_and_finds_nothing(office: Client, records: Callable[..., list[Task]]) -> None:
    records(3)
    answer = office.get(URL, {"tab": "all", "created_at_from": "2026-11-23", "created_at_to": "2026-11-01"})
    assert "开始日期晚于结束日期，请对调后再查询。" in text(answer)
    assert "查询条件有误" in text(answer)
    assert codes(answer) == []


def test_yes_and_no(office: Client, records: Callable[..., list[Task]]) -> None:
    first, _ = records(2)
    Task.objects.filter(pk=first.pk).update(cancel_asked=True)
    assert codes(office.get(URL, {"tab": "all", "stopped": "1"})) == ["K0000"]
    assert codes(office.get(URL, {"tab": "all", "stopped": "0"})) == ["K0001"]


def test_conditions_under_the_fold_are_unfolded_when_they_count(office: Client) -> None:
    assert '<details class="query-rest"' in text(office.get(URL))
    assert " open>" not in text(office.get(URL)).split('class="query-rest"')[1][:80]
    assert " open>" in text(office.get(URL, {"stopped": "1"})).split('class="query-rest"')[1][:80]


def test_sorting_is_the_databases_and_ends_with_the_key(
    office: Client, records: Callable[..., list[Task]], django_assert_num_queries: Any
) -> None:
    made = records(25)
    Task.objects.update(total=7)
    first = codes(office.get(URL, {"tab": "all", "sort": "total"}))
    second = codes(office.get(URL, {"tab": "all", "sort": "total", "page": "2"}))
    assert sorted(first + second) == sorted(record.kind for record in made)
    assert codes(office.get(URL, {"tab": "all", "sort": "-kind"}))[0] == "K0024"
    assert codes(office.get(URL, {"tab": "all", "sort": "-nonsense"}))[0] == "K0000"


@pytest.mark.parametrize(("page", "first"), [("2", "K0020"), ("99", "K0040"), ("x", "K0000"), ("-1", "K0040")])
def test_page_out_of_range_gives_the_nearest(
    office: Client, records: Callable[..., list[Task]], page: str, first: str
) -> None:
    records(45)
    assert codes(office.get(URL, {"tab": "all", "page": page}))[0] == first


@pytest.mark.parametrize(("size", "rows"), [("50", 45), ("100", 45), ("7", 20), ("1000000", 20)])
def test_page_sizes_are_three(office: Client, records: Callable[..., list[Task]], size: str, rows: int) -> None:
    records(45)
    assert len(codes(office.get(URL, {"tab": "all", "per_page": size}))) == rows


def test_empty_says_why_and_what_next(office: Client, records: Callable[..., list[Task]]) -> None:
    assert "没有待处理的记录。" in text(office.get(URL))
    assert "还没有记录。" in text(office.get(URL, {"tab": "all"}))
    records(1)
    answer = text(office.get(URL, {"tab": "all", "words": "没有这个"}))
    assert "没有符合查询条件的记录。" in answer
    assert "清除查询条件" in answer


def test_what_a_role_may_not_is_shown_with_the_reason(office: Client) -> None:
    page = text(office.get(URL))
    assert re.search(r'title="您没有此操作的权限[^"]*"><button[^>]*disabled[^>]*>删除', page)
    assert re.search(
        r'title="已完成的记录不能重做。"><button[^>]*disabled[^>]*>重做', text(office.get(URL, {"tab": "done"}))
    )


def test_list_is_guarded(client: Client, stranger: Person) -> None:
    assert client.get(URL).status_code == 302
    client.force_login(stranger)
    assert client.get(URL).status_code == 403


def test_names_are_masked_and_cells_escaped(office: Client, records: Callable[..., list[Task]], member: Person) -> None:
    (record,) = records(1)
    Task.objects.filter(pk=record.pk).update(label="<b>产科</b>", message='"><script>')
    table = text(office.get(URL)).split("<tbody>")[1].split("</tbody>")[0]
    assert member.name not in table
    assert f"{member.name[0]}*" in table
    assert "<b>" not in table
    assert "<script>" not in table


def test_export_link_carries_the_query(office: Client) -> None:
    assert "/room/new/?words=K1&amp;tab=all" in text(office.get(URL, {"words": "K1", "tab": "all"}))


def queries_of(office: Client, url: str) -> list[str]:
    """The statements of a page's second view; the first fills what processes keep."""
    office.get(url)
    with CaptureQueriesContext(connection) as seen:
        office.get(url)
    return [query["sql"] for query in seen]


def test_query_count_does_not_grow_with_rows(office: Client, records: Callable[..., list[Task]]) -> None:
    url = f"{URL}?tab=all&per_page=50"
    records(1)
    one = queries_of(office, url)
    records(49, start=1)
    fifty = queries_of(office, url)
    assert len(codes(office.get(url))) == 50
    assert len(one) == len(fifty)
    # counts and rows; views and look
    assert sum('FROM "tasks_task"' in sql and "DISTINCT" not in sql and "kind" in sql for sql in fifty) == 1
    assert sum('FROM "lists_' in sql for sql in fifty) == 2


@pytest.mark.parametrize(
    "query",
    [
        {"per_page": "9" * 5000},
        {"page": "9" * 5000},
        {"created_at_to": "9999-12-31"},
        {"created_at_from": "0001-01-01"},
        {"words": "a\0b"},
        {"words": " ".join(["K"] * 800)},
        {"sort": "--"},
    ],
)
def test_no_query_breaks_the_page(office: Client, records: Callable[..., list[Task]], query: dict[str, str]) -> None:
    records(2)
    assert office.get(URL, query | {"tab": "all"}).status_code == 200


def test_hundreds_of_words_do_not_become_hundreds_of_conditions(
    office: Client, records: Callable[..., list[Task]]
) -> None:
    records(2)
    with CaptureQueriesContext(connection) as queries:
        office.get(URL, {"words": " ".join(["K"] * 800), "tab": "all"})
    assert max(query["sql"].count("LIKE") for query in queries) < 50


@pytest.mark.parametrize("form", [{"row": "1", "intent": "a\0b"}, {"all": "1", "count": "9" * 5000}])
def test_no_posted_value_breaks_a_batch(
    office: Client, records: Callable[..., list[Task]], form: dict[str, str]
) -> None:
    records(2)
    assert office.post("/room/again/", form).status_code == 302
