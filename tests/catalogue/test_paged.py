"""Paged catalogues: from the sandbox, and from answers that cannot be whole lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as portal
from django.utils import timezone

from insurance.catalogue.choices import LoadState
from insurance.catalogue.loading import pages, refresh
from insurance.catalogue.loading.pages import FIRST_DAY, PagesMoved, PagesUnsound, Walk, each_page
from insurance.catalogue.models import AreaItem, AreaRelation, Ceiling, Item, Load, OwnShare, StagedPage
from insurance.exchange.answers import Answer
from insurance.exchange.choices import CallState
from insurance.exchange.errors import Undelivered
from insurance.exchange.models import Connection
from insurance.specification.books import open_book
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.tasks.models import Task
from portal.tasks.run import Run, TaskFailed
from tests.exchange.conftest import connect
from tests.sandbox_fixture import RunningSandbox

Script = Callable[[Mapping[str, Any]], Any]


@pytest.fixture
def actor(institution: Institution) -> Actor:
    """The night's own account."""
    return Actor.system(institution, "测试")


@pytest.fixture
def connection(institution: Institution, sandbox: RunningSandbox) -> Connection:
    return connect(institution, sandbox.url)


@pytest.fixture
def nobody(institution: Institution) -> Connection:
    """A connection to an address where nobody listens: answers are scripted."""
    return connect(institution, "http://127.0.0.1:9/")


@pytest.fixture
def run(institution: Institution) -> Run:
    """A run of a task that is running."""
    task = Task.objects.create(institution=institution, kind="catalogue.refresh", state="running", attempt=1)
    return Run(task)


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A row of 1318."""
    return {
        "rid": f"r{number:04}", "hilist_code": f"X{number:04}", "hilist_lmtpric_type": "2", "overlmt_dspo_way": "1",
        "insu_admdvs": "441700", "begndate": "2024-01-01", "enddate": None, "hilist_pric_uplmt_amt": "12.50",
        "vali_flag": "1", "updt_time": "2026-11-01 08:00:00", **changes,
    }  # fmt: skip


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """Lets a function answer instead of the platform: `script(answer_of)`; returns the questions as they come."""

    def play(answer_of: Script) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []

        def ask(actor: Actor, purpose: str, message: Mapping[str, Any], *, insuplc_admdvs: str = "") -> Answer:
            book = open_book(portal.PLATFORM_EDITION)
            route = book.route(purpose)
            asked.append(dict(message[route.node]))
            output = answer_of(message[route.node])
            return Answer(CallState.ACCEPTED, output_raw=output, transaction=book.transaction(route.infno))

        monkeypatch.setattr(pages, "ask", ask)
        return asked

    return play


def listed(rows: list[dict[str, Any]], form: str = "data") -> Script:
    """An answerer that pages through `rows` in one of the platform's forms."""

    def answer(given: Mapping[str, Any]) -> Any:
        size, start = given["page_size"], (given["page_num"] - 1) * given["page_size"]
        part = rows[start : start + size]
        if form == "array":
            return part
        if form == "object":
            return part[0] if len(part) == 1 else part
        return {"data": part, **({"recordCounts": len(rows)} if form == "data" else {})}

    return answer


@pytest.mark.parametrize("form", ["data", "array", "uncounted"])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25])
def test_every_form_and_length(actor: Actor, nobody: Connection, script: Any, form: str, count: int) -> None:
    script(listed([row(n) for n in range(count)], form))
    found = [r for page in each_page(actor, "catalogue.ceilings", size=10) for r in page.rows]
    assert [r["rid"] for r in found] == [f"r{n:04}" for n in range(count)]
    assert all(r["hilist_pric_uplmt_amt"] == Decimal("12.50") for r in found)


def test_one_object_instead_of_an_array(actor: Actor, nobody: Connection, script: Any) -> None:
    script(listed([row(1)], "object"))
    assert [page.rows[0]["rid"] for page in each_page(actor, "catalogue.ceilings", size=10)] == ["r0001"]


def test_a_counted_list_is_not_asked_beyond_its_end(actor: Actor, nobody: Connection, script: Any) -> None:
    asked = script(listed([row(n) for n in range(20)]))
    list(each_page(actor, "catalogue.ceilings", {"insu_admdvs": "441700"}, dt.date(2026, 1, 2), size=10))
    assert [given["page_num"] for given in asked] == [1, 2]
    assert asked[0]["updt_time"] == dt.date(2026, 1, 2)
    assert asked[0]["insu_admdvs"] == "441700"


def walked(actor: Actor, answer: Script, script: Any) -> None:
    script(answer)
    list(each_page(actor, "catalogue.ceilings", size=10))


def test_lists_that_cannot_be_whole(actor: Actor, nobody: Connection, script: Any) -> None:
    rows = [row(n) for n in range(30)]
    with pytest.raises(PagesUnsound, match="第 2 页与第 1 页内容相同"):
        walked(actor, lambda given: {"data": rows[:10], "recordCounts": 30}, script)
    with pytest.raises(PagesUnsound, match="共 30 条，2 页只给出 10 条"):
        walked(actor, lambda g: {"data": rows[:10] if g["page_num"] == 1 else [], "recordCounts": 30}, script)
    with pytest.raises(PagesUnsound, match="CATALOGUE_PAGE_SIZE，现为 10）改为 5"):
        walked(actor, lambda g: {"data": rows[:5], "recordCounts": 30}, script)
    with pytest.raises(PagesUnsound, match="却给出 12 条"):
        walked(actor, lambda g: {"data": rows[:12], "recordCounts": 11}, script)

    def moving(given: Mapping[str, Any]) -> Any:
        answer = listed(rows)(given)
        return answer | {"recordCounts": 29 + given["page_num"]}

    with pytest.raises(PagesMoved, match="由 30 条变为 31 条"):
        walked(actor, moving, script)


def test_a_platform_that_cuts_pages_and_tells_only_how_many(actor: Actor, nobody: Connection, script: Any) -> None:
    script(lambda given: {"data": [row(number) for number in range(3)], "pages": 2})
    with pytest.raises(PagesUnsound, match=r"共 2 页，第 1 页却不满 5 条.*改为 3 再试"):
        list(each_page(actor, "catalogue.ceilings", size=5))


def test_a_walk_goes_on_behind_its_last_page(actor: Actor, nobody: Connection, script: Any) -> None:
    asked = script(listed([row(n) for n in range(35)]))
    walk = Walk()
    for page in each_page(actor, "catalogue.ceilings", size=10, walk=walk):
        if page.number == 2:
            break
    kept = Walk.from_json(walk.as_json())
    rest = [r["rid"] for page in each_page(actor, "catalogue.ceilings", size=10, walk=kept) for r in page.rows]
    assert rest[0] == "r0020"
    assert rest[-1] == "r0034"
    assert [given["page_num"] for given in asked] == [1, 2, 3, 4]


PAGED = {"1312": AreaItem, "1316": AreaRelation, "1318": Ceiling, "1319": OwnShare}


def test_all_kinds_from_the_sandbox(run: Run, connection: Connection, sandbox: RunningSandbox, settings: Any) -> None:
    settings.CATALOGUE_PAGE_SIZE = 1000
    sizes = {}
    for infno, model in PAGED.items():
        load = refresh(run, infno)
        assert load.state == LoadState.DONE
        assert load.rows_new == load.rows_read == model._default_manager.count() > 100
        assert load.ver_to
        assert not load.remarks
        sizes[infno] = load.rows_new
    assert not StagedPage.objects.exists()
    load = refresh(run, "1304")
    item = Item.objects.filter(infno="1304").first()
    assert load.rows_new == Item.objects.filter(infno="1304", current=True).count() == 40
    assert item is not None
    assert item.code.startswith("Z")
    assert item.name
    assert item.begndate
    assert len(item.cells) > 40


def test_a_second_time_only_what_is_newer(run: Run, connection: Connection, sandbox: RunningSandbox) -> None:
    refresh(run, "1318")
    before = Ceiling.objects.count()
    again = refresh(run, "1318")
    assert again.state == LoadState.NOTHING
    assert again.rows_new == again.rows_changed == 0
    assert again.rows_read < before, "only what changed since the newest row held, with an overlap"
    sandbox.publish("1301", rows=40)
    third = refresh(run, "1318")
    assert third.state == LoadState.DONE
    assert third.rows_new > 0
    assert third.rows_same + third.rows_new <= third.rows_read


def scripted_refresh(run: Run, script: Any, rows: list[dict[str, Any]], **options: Any) -> Load:
    script(listed(rows))
    return refresh(run, "1318", **options)


def test_upsert_by_rid(run: Run, nobody: Connection, script: Any) -> None:
    first = scripted_refresh(run, script, [row(1), row(2), row(3)])
    assert (first.rows_new, first.ver_to) == (3, "2026-11-01 08:00:00")
    later = "2026-11-02 08:00:00"
    changed = [row(1), row(2, hilist_pric_uplmt_amt="9.9", updt_time=later), row(3, vali_flag="0", updt_time=later)]
    second = scripted_refresh(run, script, [*changed, row(4)])
    counts = (second.rows_new, second.rows_changed, second.rows_ended, second.rows_same)
    assert counts == (1, 1, 1, 1)
    assert Ceiling.objects.get(rid="r0002").hilist_pric_uplmt_amt == Decimal("9.9")
    assert Ceiling.objects.get(rid="r0001").load_id == first.pk, "what did not change was not written"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no rid": ({"rid": ""}, "缺少 rid"),
    "no code": ({"hilist_code": None}, "缺少 hilist_code"),
    "bad date": ({"begndate": "2024-13-01"}, "开始日期不是日期"),
    "bad time": ({"updt_time": "昨天"}, "更新时间不是日期"),
    "bad amount": ({"hilist_pric_uplmt_amt": "面议"}, "定价上限金额不是数字"),
    "below zero": ({"hilist_pric_uplmt_amt": "-1"}, "限价小于 0"),
    "odd flag": ({"vali_flag": "2"}, "有效标志不是 0 或 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_named_and_nothing_is_taken(run: Run, nobody: Connection, script: Any, name: str) -> None:
    changes, words = BAD[name]
    with pytest.raises(TaskFailed, match=words):
        scripted_refresh(run, script, [row(1), row(2, **changes), row(3)])
    assert not Ceiling.objects.exists()
    assert not StagedPage.objects.exists()
    load = Load.objects.get()
    assert load.state == LoadState.FAILED
    assert load.remarks
    assert "仍用原来的版本" in load.words


def test_a_rid_twice(run: Run, nobody: Connection, script: Any) -> None:
    same = scripted_refresh(run, script, [row(1), row(2), row(1)])
    assert same.rows_new == 2
    assert "唯一记录号重复" in same.remarks[0]["said"]
    Ceiling.objects.all().delete()
    newer = row(1, hilist_pric_uplmt_amt="8", updt_time="2026-11-03 08:00:00")
    scripted_refresh(run, script, [row(1), newer, row(2)])
    assert Ceiling.objects.get(rid="r0001").hilist_pric_uplmt_amt == 8
    Ceiling.objects.all().delete()
    with pytest.raises(TaskFailed, match="唯一记录号重复而内容不同"):
        scripted_refresh(run, script, [row(1), row(1, hilist_pric_uplmt_amt="8"), row(2)])
    assert not Ceiling.objects.exists()


def test_a_stale_answer_is_asked_again_then_left_to_a_person(run: Run, nobody: Connection, script: Any) -> None:
    scripted_refresh(run, script, [row(1), row(2, updt_time="2026-11-02 08:00:00")])
    asked = script(listed([row(1)]))
    with pytest.raises(TaskFailed, match="本地有 1 行平台这次没有给出"):
        refresh(run, "1318")
    assert len(asked) == 2, "asked again before anybody is bothered"
    assert Ceiling.objects.filter(vali_flag="1").count() == 2
    failed = Load.objects.order_by("-pk").first()
    assert failed is not None
    taken = refresh(run, "1318", accept=failed.pk)
    assert taken.rows_ended == 1
    assert Ceiling.objects.get(rid="r0002").vali_flag == "0"
    old = row(1, hilist_pric_uplmt_amt="1", updt_time="2026-10-31 00:00:00")
    script(listed([old]))
    with pytest.raises(TaskFailed, match="更新时间早于本地保存的"):
        refresh(run, "1318")


def test_the_stale_page_of_the_sandbox(run: Run, connection: Connection, sandbox: RunningSandbox) -> None:
    refresh(run, "1318")
    sandbox.publish("1301", rows=40)
    refresh(run, "1318")
    held = Ceiling.objects.count()
    sandbox.fault("stale_page", "1318", times=1)
    assert refresh(run, "1318").state == LoadState.NOTHING, "the second answer was a fresh one"
    sandbox.fault("stale_page", "1318", times=0)
    with pytest.raises(TaskFailed, match="旧数据"):
        refresh(run, "1318")
    assert Ceiling.objects.filter(vali_flag="1").count() == held


def test_goes_on_behind_the_last_page_when_the_platform_comes_back(run: Run, nobody: Connection, script: Any) -> None:
    rows = [row(n) for n in range(1200)]

    def breaking(given: Mapping[str, Any]) -> Any:
        if given["page_num"] == 3:
            raise Undelivered("连不上平台")
        return listed(rows)(given)

    script(breaking)
    with pytest.raises(TaskFailed, match="连不上平台"):
        refresh(run, "1318")
    assert not Ceiling.objects.exists()
    assert StagedPage.objects.count() == 2
    asked = script(listed(rows))
    load = refresh(run, "1318")
    assert [given["page_num"] for given in asked] == [3]
    assert load.rows_new == 1200 == Ceiling.objects.count()
    assert not StagedPage.objects.exists()


def test_pages_left_too_long_ago_are_not_gone_on_with(run: Run, nobody: Connection, script: Any) -> None:
    rows = [row(n) for n in range(700)]

    def breaking(given: Mapping[str, Any]) -> Any:
        if given["page_num"] == 2:
            raise Undelivered("连不上平台")
        return listed(rows)(given)

    script(breaking)
    with pytest.raises(TaskFailed):
        refresh(run, "1318")
    Load.objects.update(ended_at=timezone.now() - dt.timedelta(hours=7))
    asked = script(listed(rows))
    assert refresh(run, "1318").rows_new == 700
    assert [given["page_num"] for given in asked] == [1, 2]


def test_a_list_that_moves_is_read_again(run: Run, nobody: Connection, script: Any) -> None:
    rows, calls = [row(n) for n in range(600)], []

    def moving(given: Mapping[str, Any]) -> Any:
        calls.append(given["page_num"])
        if len(calls) == 2:
            rows.append(row(600))
        return listed(rows)(given)

    script(moving)
    assert refresh(run, "1318").rows_new == 601
    assert calls == [1, 2, 1, 2]


def test_areas(run: Run, nobody: Connection, script: Any, settings: Any) -> None:
    settings.CATALOGUE_AREAS = ["441700", "440100"]
    asked = script(listed([row(1), row(2)]))
    load = refresh(run, "1318")
    assert {given["insu_admdvs"] for given in asked} == {"441700", "440100"}
    assert (
        Ceiling.objects.filter(insu_admdvs="440100").count()
        == 2
        == Ceiling.objects.filter(insu_admdvs="441700").count()
    )
    assert "平台答的是 441700" in str(load.remarks)
    only = refresh(run, "1318", "440600")
    assert asked[-1]["insu_admdvs"] == "440600"
    assert only.rows_new == 2


def test_rows_of_other_areas_among_the_own_are_left_out(run: Run, nobody: Connection, script: Any) -> None:
    dearer = row(1, rid="elsewhere", insu_admdvs="440100", hilist_pric_uplmt_amt="99")
    script(listed([row(1), row(2), dearer]))
    load = refresh(run, "1318")
    assert sorted(Ceiling.objects.values_list("rid", flat=True)) == ["r0001", "r0002"]
    assert "平台另外答了 440100 的 1 行" in str(load.remarks)


def test_everything_anew(run: Run, nobody: Connection, script: Any) -> None:
    asked = script(listed([row(1)]))
    refresh(run, "1318")
    refresh(run, "1318")
    refresh(run, "1318", full=True)
    days = [given["updt_time"] for given in asked]
    assert days == [FIRST_DAY, dt.date(2026, 10, 31), FIRST_DAY]


@pytest.fixture(autouse=True)
def small_pages(settings: Any) -> Iterator[None]:
    settings.CATALOGUE_PAGE_SIZE = 500
    return
