"""Lists outside of the browser: opened by path, plain values masked as on the screen, every row once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from portal.lists import exporting
from portal.lists.columns import TimeColumn
from portal.lists.exporting import open_list, set_exporter
from portal.lists.reading import kind_of, says_otherwise
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Person
from portal.tasks.choices import TaskState
from portal.tasks.models import Task
from tests.lists.test_list_page import text

pytestmark = pytest.mark.django_db
LIST, LEDGER = "tests.lists.room.RecordList", "tests.lists.room.Ledger"


@pytest.fixture
def actor(member: Person, institution: Institution) -> Actor:
    return Actor.of(member, institution)


@pytest.fixture
def exported() -> Iterator[list[tuple[str, int]]]:
    """What the button handed over: the list's query and its number of rows."""
    before, seen = list(exporting._exporter), []

    def answer(request: Any, page: Any) -> HttpResponse:
        seen.append((request.GET.urlencode(), page.out_count()))
        return HttpResponse("file")

    set_exporter(answer)
    yield seen
    exporting._exporter[:] = before


def cells(page: Any) -> list[list[Any]]:
    columns = page.out_columns()
    return [[column.value(record) for column in columns] for chunk in page.out_chunks(7) for record in chunk]


def test_columns_have_their_kind_and_leave_out_what_is_for_hands(actor: Actor, records: Callable[..., Any]) -> None:
    found = [(column.name, column.label, column.kind) for column in open_list(LIST, actor, "").out_columns()]
    assert found == [
        ("kind", "编码", "code"),
        ("label", "名称", "text"),
        ("name", "发起人", "text"),
        ("state", "状态", "text"),
        ("state_more", "状态说明", "text"),
        ("total", "金额", "money"),
        ("created_at", "创建时间", "datetime"),
    ]


def test_values_are_plain_and_masked_as_on_the_screen(actor: Actor, records: Callable[..., list[Task]]) -> None:
    (made,) = records(1)
    local = datetime(2026, 11, 23, 0, 8, 31)
    moment = timezone.make_aware(local)
    Task.objects.filter(pk=made.pk).update(created_at=moment, total=7)
    assert cells(open_list(LIST, actor, "tab=all")) == [
        [
            "K0000",
            "产科 0",
            f"{actor.name[0]}*",
            "失败",
            "平台返回：科室编码在平台已存在",
            7,
            datetime(2026, 11, 23, 0, 8, 31),
        ]
    ]


def test_a_column_read_at_once_is_read_as_each_record_is(actor: Actor, records: Callable[..., list[Task]]) -> None:
    records(3)
    page = open_list(LIST, actor, "tab=all")
    (chunk,) = page.out_chunks()
    for column in page.out_columns():
        assert [value or None for value in column.values(chunk)] == [column.value(each) or None for each in chunk]


def test_empty_cells_are_none(actor: Actor, institution: Institution) -> None:
    Task.objects.create(institution=institution, kind="K1", label="", state=TaskState.DONE, requested_by=None)
    assert cells(open_list(LIST, actor, "tab=all"))[0][:5] == ["K1", None, None, "已完成", None]


@pytest.mark.parametrize(("path", "first"), [(LIST, "K0000"), (LEDGER, "K0044")])
def test_every_row_once_in_the_lists_order(
    actor: Actor, records: Callable[..., list[Task]], path: str, first: str
) -> None:
    made = records(45)
    page = open_list(path, actor, "tab=all&page=2&per_page=20")
    found = [row[0] for row in cells(page)]
    assert found[0] == first
    assert sorted(found) == [record.kind for record in made]
    assert page.out_count() == 45


def test_query_and_tab_narrow_and_sorting_holds(actor: Actor, records: Callable[..., list[Task]]) -> None:
    records(20)
    found = cells(open_list(LIST, actor, "tab=done&words=K000&sort=-kind"))
    assert [row[0] for row in found] == ["K0009", "K0007", "K0005", "K0003", "K0001"]


def test_another_institutions_rows_stay_there(
    records: Callable[..., list[Task]], outsider: Person, other_institution: Institution
) -> None:
    records(3)
    assert cells(open_list(LIST, Actor.of(outsider, other_institution), "tab=all")) == []


def test_without_the_right_nothing_opens(stranger: Person, institution: Institution) -> None:
    with pytest.raises(NotAllowed):
        open_list(LIST, Actor.of(stranger, institution), "")


@pytest.mark.parametrize("path", ["tests.lists.room.Nothing", "tests.lists.room.Again", "os.path.join", "x"])
def test_only_lists_open(actor: Actor, path: str) -> None:
    with pytest.raises(LookupError):
        open_list(path, actor, "")


def test_a_day_made_of_a_time_is_its_words() -> None:
    class Day(TimeColumn):
        def words(self, value: Any, record: Any) -> str:
            return "2026-11-23"

    class OwnKind(Day):
        kind = "date"

        def plain(self, value: Any, record: Any) -> Any:
            return value

    assert (says_otherwise(Day()), kind_of(Day(), Task, "created_at")) == (True, "text")
    assert (says_otherwise(OwnKind()), kind_of(OwnKind(), Task, "created_at")) == (False, "date")


def test_button_hands_over_the_query(
    office: Client, records: Callable[..., list[Task]], exported: list[tuple[str, int]]
) -> None:
    records(6)
    answer = office.post("/room/?tab=done&words=K", {"export": "1"})
    assert (text(answer), exported) == ("file", [("tab=done&words=K", 3)])


def test_button_needs_its_right(
    office: Client, records: Callable[..., list[Task]], exported: list[tuple[str, int]], monkeypatch: Any
) -> None:
    from tests.lists.room import RecordList

    records(1)
    monkeypatch.setattr(RecordList, "export_action", "room.nobody")
    assert office.post("/room/", {"export": "1"}).status_code == 403
    monkeypatch.setattr(RecordList, "export_action", "")
    assert office.post("/room/", {"export": "1"}).status_code == 302
    assert exported == []


def test_money_stays_exact() -> None:
    from portal.lists.columns import MoneyColumn

    assert MoneyColumn().plain(Decimal("0.10"), None) == Decimal("0.10")
