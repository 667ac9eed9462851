"""The list page in a real browser: choosing, drawer, panel, folding, keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.people.models import Person
from portal.tasks.choices import TaskState
from portal.tasks.models import Task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROWS = "table.grid tbody tr"


@pytest.fixture
def room(log_in: Callable[[Person], Page], member: Person, records: Callable[..., list[Task]]) -> Page:
    """The list with 45 records, 23 of them failed."""
    records(45)
    opened = log_in(member)
    opened.goto("/room/?tab=all")
    return opened


def test_rows_are_chosen_and_counted(room: Page) -> None:
    button = room.get_by_role("button", name="重做", exact=True).first
    expect(button).to_be_disabled()
    room.locator('input[name="row"]').nth(0).check()
    room.locator('input[name="row"]').nth(3).check()
    expect(room.locator("[data-chosen]")).to_contain_text("已选 2 项")
    expect(button).to_be_enabled()
    room.get_by_label("选择本页全部").check()
    expect(room.locator("[data-chosen]")).to_contain_text("已选 20 项")
    room.get_by_role("button", name="取消").click()
    expect(room.locator("[data-chosen]")).to_be_hidden()
    expect(button).to_be_disabled()


def test_all_matching_are_carried_out_once(room: Page, member: Person) -> None:
    room.goto("/room/?tab=waiting")
    room.get_by_label("选择本页全部").check()
    room.get_by_role("button", name="选择全部 23 条").click()
    expect(room.locator("[data-chosen]")).to_contain_text("已选 23 项")
    room.locator("[data-batch]").first.click()
    drawer = room.locator("#drawer")
    expect(drawer.get_by_role("button", name="重做 23 条")).to_be_visible()
    drawer.get_by_label("原因").fill("核对后重做")
    drawer.get_by_role("button", name="重做 23 条").dblclick()
    expect(room.locator(".note").last).to_contain_text("已重做 23 条。")
    assert set(Task.objects.filter(state=TaskState.QUEUED).values_list("attempt", flat=True)) == {1}
    assert Task.objects.filter(state=TaskState.QUEUED).count() == 23


def test_unticking_one_row_ends_all_matching(room: Page) -> None:
    room.get_by_label("选择本页全部").check()
    room.get_by_role("button", name="选择全部 45 条").click()
    room.locator('input[name="row"]').nth(1).uncheck()
    expect(room.locator("[data-chosen]")).to_contain_text("已选 19 项")
    assert room.locator("[data-all]").input_value() == ""


def test_row_opens_in_the_drawer_and_the_list_stays(room: Page) -> None:
    room.locator(ROWS).nth(5).locator("td").nth(2).click()
    drawer = room.locator("#drawer")
    expect(drawer.locator("h2")).to_have_text("记录 产科 5")
    assert room.url.endswith("/room/?tab=all")
    drawer.get_by_role("link", name="单独打开").click()
    expect(room.locator("h1")).to_have_text("记录 产科 5")
    expect(room.locator("#drawer")).to_be_hidden()


def test_drawer_answers_with_words_when_the_record_is_gone(room: Page) -> None:
    Task.objects.filter(kind="K0002").delete()
    room.locator(ROWS).nth(2).locator("td").nth(2).click()
    expect(room.locator("#drawer")).to_contain_text("记录已被删除、不属于当前机构")


def test_query_swaps_the_card_and_the_address_holds_it(room: Page) -> None:
    room.get_by_label("编码、名称").fill("K0007")
    room.keyboard.press("Enter")
    expect(room.locator(ROWS)).to_have_count(1)
    expect(room.locator(".tab.is-current")).to_contain_text("全部 1")
    assert room.url.endswith("/room/?tab=all&words=K0007")
    room.go_back()
    expect(room.locator(ROWS)).to_have_count(20)


def test_sorting_and_pages_swap_the_card(room: Page) -> None:
    room.get_by_role("link", name="编码").click()
    room.wait_for_url("**/room/?tab=all&sort=kind")
    room.get_by_role("link", name="编码").click()
    expect(room.locator(f"{ROWS} >> nth=0")).to_contain_text("K0044")
    room.get_by_role("link", name="下一页").click()
    expect(room.locator(f"{ROWS} >> nth=0")).to_contain_text("K0024")
    assert "page=2" in room.url


def test_folding_is_remembered(room: Page) -> None:
    field = room.get_by_label("已请求取消")
    expect(field).to_be_hidden()
    room.get_by_text("展开").click()
    expect(field).to_be_visible()
    room.reload()
    expect(field).to_be_visible()
    room.get_by_text("收起").click()
    room.reload()
    expect(field).to_be_hidden()


def test_twelve_rows_and_the_pager_are_seen(room: Page) -> None:
    seen = room.evaluate(
        "() => { const end = document.querySelector('.pager').getBoundingClientRect();"
        " return [end.bottom <= innerHeight, [...document.querySelectorAll('table.grid tbody tr')]"
        ".filter(row => row.getBoundingClientRect().bottom <= end.top).length]; }"
    )
    assert seen[0]
    assert seen[1] >= 12


def test_keys_walk_choose_open_and_close(room: Page) -> None:
    room.keyboard.press("ArrowDown")
    room.keyboard.press("ArrowDown")
    expect(room.locator("tr.is-current")).to_contain_text("K0001")
    room.keyboard.press("Space")
    expect(room.locator("[data-chosen]")).to_contain_text("已选 1 项")
    room.keyboard.press("Enter")
    expect(room.locator("#drawer h2")).to_have_text("记录 产科 1")
    room.keyboard.press("Escape")
    expect(room.locator("#drawer")).to_be_hidden()
    room.keyboard.press("ArrowUp")
    expect(room.locator("tr.is-current")).to_contain_text("K0000")


def test_keys_belong_to_the_field_that_has_the_focus(room: Page) -> None:
    room.keyboard.press("/")
    field = room.get_by_label("编码、名称")
    expect(field).to_be_focused()
    room.keyboard.type("a/ b")
    room.keyboard.press("ArrowDown")
    expect(field).to_have_value("a/ b")
    expect(room.locator("tr.is-current")).to_have_count(0)
    room.keyboard.press("Escape")
    expect(field).not_to_be_focused()


def test_text_can_be_selected_without_opening(room: Page) -> None:
    cell = room.locator(ROWS).nth(4).locator("td").nth(2)
    cell.locator("span").select_text()
    cell.dispatch_event("click", {"button": 0, "bubbles": True})
    expect(room.locator("#drawer")).to_be_hidden()


def test_works_without_script(browser: Any, live_server: Any, client: Any, member: Person, records: Any) -> None:
    records(3, state="failed")
    client.force_login(member)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    cookie = client.cookies["sessionid"]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    page.goto("/room/")
    page.get_by_label("编码、名称").fill("K0001")
    page.get_by_role("button", name="查询").click()
    assert page.url.endswith("?words=K0001") or "words=K0001" in page.url
    page.goto("/room/")
    page.locator('input[name="row"]').nth(1).check()
    page.get_by_role("button", name="重做", exact=True).first.click()
    page.get_by_label("原因").fill("重做")
    page.get_by_role("button", name="重做 1 条").click()
    assert "已重做 1 条。" in page.content()
    page.get_by_role("link", name="K0000").click()
    assert page.locator("h1").inner_text() == "记录 产科 0"
    context.close()
