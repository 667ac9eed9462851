"""Batch actions: the panel, what is counted, once and only once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client

from portal.lists.intent import Result, UnknownIntent, issue, once
from portal.lists.models import Intent
from portal.people.models import Institution, Person
from portal.tasks.choices import TaskState
from portal.tasks.models import Task

URL = "/room/again/"


def text(response: Any) -> str:
    return response.content.decode()


def messages(response: Any) -> list[str]:
    """What the page says after following the redirect."""
    return [part.strip() for part in re.findall(r'class="note-text">([^<]*)<', text(response))]


def posted(panel: Any) -> dict[str, Any]:
    """The fields of the panel's form, as a browser would send them."""
    form = next((part for part in text(panel).split("<form") if 'name="intent"' in part), "")
    pairs = re.findall(r'(?:<input type="hidden"|<button type="submit") name="([^"]+)" value="([^"]*)"', form)
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value.replace("&amp;", "&"))
    return found


def again(office: Client, panel: Any, **fields: Any) -> Any:
    return office.post(URL, {**posted(panel), "reason": "核对后重做", **fields}, follow=True)


@pytest.mark.django_db
def test_panel_says_how_many_and_which_not(office: Client, records: Callable[..., list[Task]]) -> None:
    made = records(4)
    panel = text(office.post(URL, {"row": [record.pk for record in made], "query": "tab=all"}))
    assert "重做 2 条</button>" in panel
    assert "金额合计" in panel
    assert "2,002.00" in panel
    assert panel.count("只有失败的记录可以重做") == 2
    assert Task.objects.filter(state=TaskState.QUEUED).count() == 0


@pytest.mark.django_db
def test_carried_out_once_however_often_pressed(office: Client, records: Callable[..., list[Task]]) -> None:
    made = records(3, state="failed")
    panel = office.post(URL, {"row": [record.pk for record in made[:2]]})
    assert messages(again(office, panel)) == ["已重做 2 条。"]
    second = again(office, panel)
    assert messages(second) == ["这次重做之前已经执行过，没有重复执行。当时的结果：已重做 2 条。"]
    assert second.redirect_chain[-1][0] == "/room/?tab=all"
    assert sorted(Task.objects.values_list("attempt", flat=True)) == [0, 1, 1]


@pytest.mark.django_db
def test_nothing_chosen_is_said(office: Client, records: Callable[..., list[Task]]) -> None:
    records(1)
    answer = office.post(URL, {"query": "tab=all"}, follow=True)
    assert messages(answer) == ["重做没有执行：还没有选择记录。请先在列表里勾选，再点按钮。"]
    assert answer.redirect_chain[-1][0] == "/room/?tab=all"


@pytest.mark.django_db
def test_all_matching_reaches_beyond_the_page_and_keeps_the_query(
    office: Client, records: Callable[..., list[Task]]
) -> None:
    records(45, state="failed")
    Task.objects.filter(kind__in=["K0001", "K0002"]).update(label="儿科")
    panel = office.post(URL, {"all": "1", "count": "43", "query": "tab=all&words=%E4%BA%A7%E7%A7%91"})
    assert messages(again(office, panel)) == ["已重做 43 条。"]
    assert list(Task.objects.filter(state="failed").order_by("kind").values_list("kind", flat=True)) == [
        "K0001", "K0002",
    ]  # fmt: skip


@pytest.mark.django_db
def test_all_matching_is_counted_again_when_the_panel_opens(office: Client, records: Callable[..., list[Task]]) -> None:
    records(5, state="failed")
    answer = office.post(URL, {"all": "1", "count": "4", "query": "tab=all"}, follow=True)
    assert messages(answer) == ["重做没有执行：符合条件的记录已由 4 条变为 5 条，没有执行。请查看最新列表后重新选择。"]


@pytest.mark.django_db
def test_all_matching_is_counted_again_when_it_is_carried_out(
    office: Client, records: Callable[..., list[Task]]
) -> None:
    records(5, state="failed")
    panel = office.post(URL, {"all": "1", "count": "5", "query": "tab=all"})
    records(1, state="failed", start=90)
    assert "已由 5 条变为 6 条" in messages(again(office, panel))[0]
    assert not Task.objects.filter(state=TaskState.QUEUED).exists()


@pytest.mark.django_db
def test_same_number_but_other_records_is_refused(office: Client, records: Callable[..., list[Task]]) -> None:
    first, *_ = records(5, state="failed")
    panel = office.post(URL, {"all": "1", "count": "5", "query": "tab=all"})
    first.delete()
    records(1, state="failed", start=90)
    assert "确认之后记录有变化" in messages(again(office, panel))[0]
    assert not Task.objects.filter(state=TaskState.QUEUED).exists()


@pytest.mark.django_db
def test_wrong_query_means_no_rows_and_not_all(office: Client, records: Callable[..., list[Task]]) -> None:
    records(5, state="failed")
    answer = office.post(URL, {"all": "1", "count": "5", "query": "tab=all&created_at_from=nonsense"}, follow=True)
    assert "已由 5 条变为 0 条" in messages(answer)[0]


@pytest.mark.django_db
def test_rows_of_another_institution_are_refused(
    office: Client, records: Callable[..., list[Task]], other_institution: Institution
) -> None:
    (mine,) = records(1, state="failed")
    theirs = Task.objects.create(institution=other_institution, kind="X", label="别家", state="failed")
    answer = office.post(URL, {"row": [mine.pk, theirs.pk]}, follow=True)
    assert "1 条已不存在或不属于您的机构" in messages(answer)[0]
    assert "别家" not in text(answer)


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x", "999999999999999999999999", "1; drop"])
def test_nonsense_as_a_row_is_refused(office: Client, key: str) -> None:
    answer = office.post(URL, {"row": [key]}, follow=True)
    assert answer.status_code == 200
    assert "重做没有执行" in messages(answer)[0]


@pytest.mark.django_db
def test_own_button_of_a_row_wins_over_ticked_rows(office: Client, records: Callable[..., list[Task]]) -> None:
    first, second = records(2, state="failed")
    panel = office.post(URL, {"row": [first.pk], "all": "1", "count": "2", "only": second.pk})
    again(office, panel)
    assert Task.objects.get(state=TaskState.QUEUED) == second


@pytest.mark.django_db
def test_form_of_the_panel_shows_its_errors_and_keeps_the_choice(
    office: Client, records: Callable[..., list[Task]]
) -> None:
    made = records(2, state="failed")
    panel = office.post(URL, {"row": [record.pk for record in made]})
    refused = again(office, panel, reason="")
    assert "这个字段是必填项。" in text(refused)
    assert messages(again(office, refused)) == ["已重做 2 条。"]


@pytest.mark.django_db
def test_key_of_another_person_is_refused(
    office: Client, records: Callable[..., list[Task]], person: Callable[..., Person], institution: Institution
) -> None:
    (record,) = records(1, state="failed")
    panel = office.post(URL, {"row": [record.pk]})
    office.force_login(person("colleague", institution, "insurance_office"))
    assert "这次确认已失效" in messages(again(office, panel))[0]
    assert not Task.objects.filter(state=TaskState.QUEUED).exists()


@pytest.mark.django_db
def test_going_back_leads_only_to_our_own_pages(office: Client, records: Callable[..., list[Task]]) -> None:
    (record,) = records(1, state="failed")
    panel = office.post(URL, {"row": [record.pk], "next": "https://elsewhere.example/"})
    assert 'href="/room/"' in text(panel)


@pytest.mark.django_db
def test_address_alone_leads_back_to_the_list(office: Client) -> None:
    assert office.get(URL)["Location"] == "/room/"


@pytest.mark.django_db
def test_failed_work_leaves_the_key_unused(member: Person) -> None:
    key = issue(member, "test.work").key

    def fails(intent: Intent) -> Result:
        raise RuntimeError("as a bug would")

    with pytest.raises(RuntimeError):
        once(member, key, "test.work", fails)
    assert once(member, key, "test.work", lambda intent: Result("好")).again is False


@pytest.mark.django_db
def test_key_is_good_for_its_purpose_only(member: Person) -> None:
    key = issue(member, "test.work").key
    with pytest.raises(UnknownIntent):
        once(member, key, "test.other", lambda intent: Result("好"))


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_time_do_the_work_once(member: Person) -> None:
    key = issue(member, "test.work").key
    both = threading.Barrier(2)
    done: list[int] = []
    results: list[Result] = []

    def work(intent: Intent) -> Result:
        done.append(1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")
        return Result("好", "/room/1/")

    def press() -> None:
        both.wait()
        results.append(once(member, key, "test.work", work))
        connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1
    assert sorted((result.again, result.url) for result in results) == [(False, "/room/1/"), (True, "/room/1/")]
