"""A whole round by the keyboard alone: take, search, skip, bulk; another person's sample; sent; in force."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect

from insurance.exchange.models import Submission
from insurance.mapping.choices import Certainty, MappingState
from insurance.mapping.models import HospitalItem, Mapping
from portal.people.models import Institution, Person
from tests.mapping_delivery.world import code_number, connect, deliver
from tests.mapping_items.factories import make_code, make_item
from tests.mapping_review.conftest import suggest
from tests.sandbox_fixture import RunningSandbox

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAUSE = 400


def known(institution: Institution, place: int, certainty: str | None) -> HospitalItem:
    """An item and the sandbox's own drug that fits it."""
    name = f"演示键盘药{place}号片"
    item = make_item(
        institution, fixmedins_hilist_id=f"K{place:04}", fixmedins_hilist_name=name, revenue=Decimal(9000 - place)
    )
    code = make_code("101", code_number(place), name=name, spec=item.spec, maker=item.prodentp_name)
    if certainty:
        suggest(item, code, certainty=certainty)
    return item


def press(page: Any, *keys: str) -> None:
    """Press keys as a person does, one after the other."""
    for key in keys:
        page.wait_for_load_state()
        page.wait_for_timeout(PAUSE)
        page.keyboard.press(key)


def test_a_round_by_the_keyboard(
    page: Any,
    log_in: Callable[[Person], Any],
    live_server: Any,
    sandbox: RunningSandbox,
    institution: Institution,
    mapper_person: Person,
    approver_person: Person,
    settings: Any,
) -> None:
    settings.VERIFY_MIN_AGE = 0.3
    connect(institution, sandbox.url)
    taken = known(institution, 0, Certainty.LIKELY)
    skipped = known(institution, 1, Certainty.AMBIGUOUS)
    searched = known(institution, 2, None)
    for place in range(3, 26):
        known(institution, place, Certainty.CERTAIN)
    page.set_viewport_size({"width": 1366, "height": 768})

    log_in(mapper_person)
    page.goto(f"{live_server.url}/mapping/review/")
    press(page, "1")
    expect(page.locator("#messages")).to_contain_text(f"已对码，待另一人审核：{taken.fixmedins_hilist_name}")
    expect(page.locator(".bench-item h2")).to_have_text(skipped.fixmedins_hilist_name)
    press(page, "s")
    expect(page.locator("#messages")).to_contain_text("已搁置")
    expect(page.locator(".bench-item h2")).to_have_text(searched.fixmedins_hilist_name)
    press(page, "f")
    page.keyboard.type(code_number(2))
    page.keyboard.press("Enter")
    expect(page.locator("[data-card]")).to_have_count(1)
    press(page, "Escape")
    page.evaluate("document.activeElement.blur()")
    press(page, "1")
    expect(page.locator("#messages")).to_contain_text("已对码")
    expect(page.locator(".bench-progress")).to_contain_text("今日已对 2 条")
    press(page, "b")
    expect(page.locator("[data-bulk-button]")).to_be_focused()
    press(page, "Enter")
    expect(page.locator("#messages")).to_contain_text("已提交 23 条")
    assert Mapping.objects.filter(state=MappingState.PROPOSED).count() == 25

    log_in(approver_person)
    page.goto(f"{live_server.url}/mapping/approvals/")
    press(page, "x", "x", "a")
    expect(page.locator("h1")).to_have_text("审核 25 条")
    press(page, "r")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("已退回")
    drawn = page.locator(".round-meter").get_attribute("max")
    assert int(drawn) >= 6
    for number in range(1, int(drawn)):
        expect(page.locator(".round-bar b")).to_have_text(str(number))
        press(page, "a")
    expect(page.get_by_role("button", name="通过 24 条")).to_be_visible()
    press(page, "a")
    expect(page.locator("#messages")).to_contain_text("已通过 24 条，24 条正在上传")
    assert Mapping.objects.filter(state=MappingState.RETURNED).count() == 1

    deliver()
    assert set(Submission.objects.values_list("state", flat=True)) == {"accepted"}
    assert Mapping.objects.filter(state=MappingState.IN_FORCE).count() == 24
    page.goto(f"{live_server.url}/mapping/mappings/?tab=waiting")
    expect(page.locator("#list-card tbody tr")).to_have_count(20)
    expect(page.locator("#list-card tbody tr").first).to_contain_text("待局方审核")
