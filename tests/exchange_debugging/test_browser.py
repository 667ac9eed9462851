"""2204 and 4101 entered in a real browser, sent to a real sandbox, and the same without script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from insurance.exchange.debugging.drafting import Content, content_of, new_key, start_draft
from insurance.exchange.debugging.example import example
from insurance.exchange.delivery import drain
from insurance.exchange.models import Call, Connection, DebugDraft, DebugSend
from insurance.specification.books import Book
from portal.people.actor import Actor
from portal.people.models import Person
from tests.sandbox_fixture import RunningSandbox

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LogIn = Callable[[Person], Any]
Look = Callable[[str], Path]

FEE = {
    "feedetl_sn": "F1", "mdtrt_id": "M1", "psn_no": "P1", "chrg_bchno": "B1", "rx_circ_flag": "0", "cnt": "2",
    "pric": "12.50", "det_item_fee_sumamt": "25.00", "med_list_codg": "DEMO1", "medins_list_codg": "H1",
    "bilg_dept_codg": "D1", "bilg_dept_name": "产科", "bilg_dr_codg": "DR1", "bilg_dr_name": "演示某某",
}  # fmt: skip


def fill(page: Any, place: str, text: str) -> None:
    page.locator(f'[id="i-{place}"]').fill(text)


def test_2204_with_two_rows_from_the_list_to_the_answer(
    connection: Connection, member: Person, log_in: LogIn, look: Look, sandbox: RunningSandbox, book: Book
) -> None:
    page = log_in(member)
    page.goto("/exchange/debug/")
    look("debug_pick")
    page.get_by_label("查找交易").fill("门诊费用")
    expect(page.locator("[data-pick-item]:visible").first).to_contain_text("2204")
    page.keyboard.press("Enter")
    page.wait_for_url("**/new/2204/")
    for name, text in FEE.items():
        if name in book.transaction("2204").input.find("feedetail").fields:
            fill(page, f"feedetail.0.{name}", text)
    fill(page, "feedetail.0.fee_ocur_time", "2026-11-20T08:30:00")
    page.get_by_text("已自动保存").wait_for()
    page.locator('[data-copy="feedetail.0"]').click()
    expect(page.locator("[data-row]")).to_have_count(2)
    fill(page, "feedetail.1.feedetl_sn", "F2")
    page.locator("[data-add]").click()
    page.locator('[data-drop="feedetail.2"]').click()
    page.get_by_role("button", name="检查").last.click()
    page.locator("#problems").wait_for()
    look("debug_form_problems")
    draft = DebugDraft.objects.get()
    rows = content_of(draft).state["feedetail"]  # type: ignore[index]
    assert [row["feedetl_sn"] for row in rows] == ["F1", "F2"]
    assert rows[1]["pric"] == "12.50"
    assert rows[0]["fee_ocur_time"] == "2026-11-20 08:30:00"


def test_the_main_sections_of_4101(
    connection: Connection, member: Person, log_in: LogIn, look: Look, sandbox: RunningSandbox
) -> None:
    page = log_in(member)
    page.goto("/exchange/debug/new/4101/")
    page.get_by_role("button", name="填入示例").click()
    page.get_by_text("检查通过").wait_for()
    page.set_viewport_size({"width": 1920, "height": 1080})
    look("debug_4101_1920")
    page.set_viewport_size({"width": 1366, "height": 768})
    look("debug_4101")
    page.get_by_text("只看必填").click()
    look("debug_4101_required")
    page.get_by_text("只看必填").click()
    page.locator("#s-diseinfo > [data-add]").click()
    fill(page, "diseinfo.1.diag_code", "O80.0")
    fill(page, "diseinfo.1.diag_name", "演示诊断")
    combo = page.locator('[id="i-diseinfo.1.diag_type"]')
    combo.click()
    page.locator(".debug-option").first.wait_for()
    look("debug_combo")
    combo.fill("")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="上传…").click()
    page.locator("#problems").get_by_role("link").first.click()
    expect(page.locator('[id="i-diseinfo.1.maindiag_flag"]')).to_be_focused()
    page.keyboard.type("0")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="上传…").click()
    page.get_by_text("将要发送的内容").wait_for()
    look("debug_confirm")
    page.get_by_role("button", name="上传 1 条（明细 7 行）").click()
    page.get_by_text("待上传").wait_for()
    drain(connection.pk, "interactive")
    page.get_by_text("接收方报文ID 44").wait_for()
    assert len(sandbox.log("4101")[0]["input"]["diseinfo"]) == 2


def test_look_at_the_answer(
    connection: Connection, member: Person, log_in: LogIn, look: Look, sandbox: RunningSandbox, book: Book
) -> None:
    actor = Actor.of(member, connection.institution)
    what = book.transaction("3401")
    state = example(book, what, connection.institution)
    made = start_draft(actor, key=new_key(), infno="3401", content=Content(state), name="示例科室")
    page = log_in(member)
    page.goto(f"/exchange/debug/drafts/{made.pk}/send/")
    page.get_by_role("button", name="上传 1 条").click()
    page.get_by_text("待上传").wait_for()
    assert drain(connection.pk, "interactive") == 1
    page.get_by_text("上传成功").wait_for()
    look("debug_answer")
    assert Call.objects.get(infno="3401").msgid in page.content()
    assert DebugSend.objects.count() == 1
    page.goto("/exchange/debug/sends/")
    expect(page.locator("tbody tr")).to_have_count(1)
    look("debug_sends")
    page.goto("/exchange/debug/")
    look("debug_pick_used")
    page.goto(f"/exchange/debug/drafts/{made.pk}/?view=json&checked=1")
    look("debug_json")
    page.goto(f"/exchange/debug/drafts/{made.pk}/")
    page.locator(".debug-rule").nth(1).click()
    page.get_by_text("规则出处").wait_for()
    look("debug_rule")
