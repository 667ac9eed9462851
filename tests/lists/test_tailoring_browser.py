"""In the browser: everything that matches over two pages, a view saved and used again, columns moved, the paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from portal.lists.models import ListLook, SavedView
from portal.people.models import Person
from portal.tasks.choices import TaskState
from portal.tasks.models import Task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_everything_that_matches_over_two_pages_is_done_once(
    log_in: Callable[[Person], Any], member: Person, records: Callable[..., list[Task]], look: Callable[[str], Any]
) -> None:
    records(33, state="failed")
    page = log_in(member)
    page.goto("/room/?tab=all")
    page.check("[data-select-page]")
    expect(page.locator("[data-chosen-count]")).to_have_text("20")
    page.click("[data-choose-all]")
    expect(page.locator("[data-chosen-count]")).to_have_text("33")
    page.click("button:has-text('重做')[data-batch]")
    page.fill("#drawer [name=reason]", "核对后重做")
    look("select-all")
    page.click("#drawer button:has-text('重做 33 条')")
    expect(page.locator(".note-text").first).to_contain_text("已重做 33 条。")
    assert Task.objects.filter(state=TaskState.QUEUED, attempt=1).count() == 33


def test_a_number_that_changed_between_panel_and_button_stops_it(
    log_in: Callable[[Person], Any], member: Person, records: Callable[..., list[Task]]
) -> None:
    records(25, state="failed")
    page = log_in(member)
    page.goto("/room/?tab=all")
    page.check("[data-select-page]")
    page.click("[data-choose-all]")
    page.click("button:has-text('重做')[data-batch]")
    page.fill("#drawer [name=reason]", "核对后重做")
    records(1, state="failed", start=70)
    page.click("#drawer button:has-text('重做 25 条')")
    expect(page.locator(".note-text").first).to_contain_text("已由 25 条变为 26 条，没有执行")
    assert not Task.objects.filter(attempt=1).exists()


def test_a_view_is_saved_and_laid_over_again(
    log_in: Callable[[Person], Any], member: Person, records: Callable[..., list[Task]], look: Callable[[str], Any]
) -> None:
    records(40)
    page = log_in(member)
    page.goto("/room/?tab=done&words=K00&sort=-kind")
    page.click(".drop-views > summary")
    look("views-menu")
    page.click("text=保存视图…")
    page.fill("#drawer [name=name]", "本月已完成")
    look("view-save")
    page.click("#drawer button:has-text('保存')")
    expect(page.locator(".drop-views > summary")).to_contain_text("本月已完成")
    page.goto("/room/?tab=all")
    expect(page.locator("tbody tr").first).to_contain_text("K0000")
    page.click(".drop-views > summary")
    page.click(".drop-views a:has-text('本月已完成')")
    expect(page.locator("tbody tr").first).to_contain_text("K0039")
    page.click(".drop-views > summary")
    page.click("text=管理视图…")
    expect(page.locator("#drawer")).to_contain_text("更新为当前")
    look("views-panel")
    assert SavedView.objects.get().query == "tab=done&words=K00&sort=-kind"


def test_columns_move_by_buttons_and_rows_grow(
    log_in: Callable[[Person], Any], member: Person, records: Callable[..., list[Task]], look: Callable[[str], Any]
) -> None:
    records(30)
    page = log_in(member)
    page.goto("/room/?tab=all")
    page.click(".tools-right a:has-text('列')")
    page.click("#drawer [aria-label='名称上移']")
    page.uncheck("#shown-created_at")
    look("columns")
    page.click("#drawer button:has-text('保存')")
    heads = page.locator("thead th").all_inner_texts()
    assert [head.strip() for head in heads][1:3] == ["名称", "编码"]
    assert "创建时间" not in heads
    page.click(".tools-right summary:has-text('密度')")
    page.click("button:has-text('宽松')")
    expect(page.locator(".grid-wrap.is-medium")).to_be_visible()
    assert ListLook.objects.get().columns[:2] == ["label", "kind"]
    assert "-created_at" in ListLook.objects.get().columns


def test_twelve_rows_fit_a_small_screen(
    log_in: Callable[[Person], Any], member: Person, records: Callable[..., list[Task]], look: Callable[[str], Any]
) -> None:
    records(60)
    page = log_in(member)
    page.goto("/room/?tab=all")
    seen = "rows => { const box = document.querySelector('.grid-wrap').getBoundingClientRect();"
    seen += " return rows.filter(r => r.getBoundingClientRect().bottom <= box.bottom + 1).length }"
    assert page.locator("tbody tr").evaluate_all(seen) >= 12
    look("list-1366")
    page.set_viewport_size({"width": 1920, "height": 1080})
    look("list-1920")


def test_paper_shows_the_whole_finding(
    log_in: Callable[[Person], Any], member: Person, records: Callable[..., list[Task]], look: Callable[[str], Any]
) -> None:
    records(45)
    page = log_in(member)
    page.add_init_script("window.print = function () { window.printed = (window.printed || 0) + 1; }")
    page.goto("/room/?tab=all&words=K&print=1")
    for _ in range(50):
        if page.evaluate("() => window.printed") == 1:
            break
        page.wait_for_timeout(100)
    assert page.evaluate("() => window.printed") == 1
    assert page.locator("tbody tr").count() == 45
    look("paper")
    page.emulate_media(media="print")
    assert not page.locator(".paper-tools").is_visible()
    (path := look("paper-a4")).with_suffix(".pdf").write_bytes(page.pdf(prefer_css_page_size=True))
    assert path.with_suffix(".pdf").stat().st_size > 10_000
