"""The catalogues' pages as a person uses them: keys, drawer, the buttons that refresh, paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from insurance.catalogue.choices import LoadState
from insurance.catalogue.models import AreaItem
from insurance.directory.pinyin import initials
from portal.people.models import Institution, Person
from tests.catalogue.shelf import entry, load_of, paid, replaced, row, shelf

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_find_a_code_by_the_keyboard(
    member: Person, institution: Institution, log_in: Callable[[Person], Any], look: Any
) -> None:
    codes = shelf(institution)
    more = load_of(institution)
    for number in range(30):
        row(
            more, f"XJ01CAA041E{number:03}", f"阿莫西林克拉维酸钾片{number}号", spec="0.457g", dosform="片剂",
            maker="演示中部制药股份有限公司", aprvno=f"国药准字H9998{number:04}",
        )  # fmt: skip
    later = load_of(institution, version="20261201", rows_changed=1)
    now = replaced(codes["a"], later, spec="0.5g", limits="限二级及以上医疗机构")
    paid(institution, now.code)
    page = log_in(member)
    page.goto("/catalogue/")
    look("catalogue-items")
    page.reload()  # the picture leaves empty style attributes behind, which the swap of the list would copy
    page.keyboard.press("/")
    page.keyboard.type("阿莫 北方")
    page.keyboard.press("Enter")
    expect(page.locator("table.grid tbody tr")).to_have_count(1)
    page.locator("main").click(position={"x": 5, "y": 5})
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    drawer = page.locator("#drawer-body")
    expect(drawer).to_contain_text("版本变化")
    expect(drawer).to_contain_text("限二级及以上医疗机构")
    look("catalogue-item-drawer")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    page.goto(f"/catalogue/{now.pk}/")
    look("catalogue-item")
    page.goto(f"/catalogue/loads/{later.pk}/changes/")
    expect(page.locator("table.grid")).to_contain_text("药品规格：0.25g → 0.5g")
    look("catalogue-changes")
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto("/catalogue/?words=阿莫")
    look("catalogue-items-1920")


def test_how_the_catalogues_stand_and_refreshing(
    member: Person, institution: Institution, log_in: Callable[[Person], Any], look: Any
) -> None:
    shelf(institution)
    load_of(institution, "1302", ended_at=timezone.now() - timezone.timedelta(days=40), rows_new=8123)
    remark = {
        "level": "ask", "column": "vali_flag", "words": "停用的行占 12%，远多于平常", "todo": "请与医保局核实。",
        "count": 900, "places": [{"line": 7 + n, "found": "0"} for n in range(5)], "said": "停用的行异常多",
    }  # fmt: skip
    bad = load_of(
        institution, "1301", state=LoadState.FAILED, remarks=[remark],
        words="1301 没有更新，仍用原来的版本：停用的行占 12%",
    )  # fmt: skip
    page = log_in(member)
    page.goto("/catalogue/loads/")
    expect(page.locator("table.loads")).to_contain_text("从未下载")
    look("catalogue-loads")
    page.locator("table.loads").get_by_role("button", name="更新").nth(1).click()
    expect(page.locator("#messages")).to_contain_text("已在后台运行")
    look("catalogue-loads-running")
    page.goto("/catalogue/loads/history/")
    look("catalogue-history")
    page.goto(f"/catalogue/loads/{bad.pk}/")
    look("catalogue-load")
    page.get_by_role("button", name="采用这次下载").click()
    expect(page.locator("#messages")).to_contain_text("已在后台运行")
    page.goto("/")
    expect(page.locator("body")).to_contain_text("医保目录从未下载")
    look("catalogue-desk")


def test_terms_and_dictionaries(
    member: Person, institution: Institution, log_in: Callable[[Person], Any], look: Any
) -> None:
    codes = shelf(institution)
    one = paid(institution, codes["a"].code)
    for number in range(15):
        name = f"演示医保目录项目{number}"
        AreaItem.objects.create(
            insu_admdvs="441700", rid=f"x{number}", hilist_code=f"L{number:05}", hilist_name=name, load=one.load,
            list_type="201", chrgitm_lv="01", vali_flag="1", pinyin=initials(name), raw={"hilist_name": name},
        )  # fmt: skip
        entry(institution, "gend", str(number), f"演示{number}")
    page = log_in(member)
    page.goto("/catalogue/terms/")
    look("catalogue-terms")
    page.get_by_text(f"L{codes['a'].code}").first.click()
    expect(page.locator("#drawer-body")).to_contain_text("对应的国家编码")
    look("catalogue-term-drawer")
    page.goto("/catalogue/dictionaries/")
    look("catalogue-dictionaries")
    page.goto("/catalogue/terms/?print=1")
    look("catalogue-terms-print")
