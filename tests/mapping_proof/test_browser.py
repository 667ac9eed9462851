"""The pages of this corner in a real browser, at the size of the hospital's screens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from insurance.mapping.choices import DifferenceKind, WorkState
from insurance.mapping.models import Difference
from portal.people.models import Person
from tests.mapping_delivery.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_the_board_to_the_difference(
    full: World, member: Person, log_in: Callable[[Person], Any], look: Callable[[str], Path]
) -> None:
    from playwright.sync_api import expect

    page = log_in(member)
    page.goto("/mapping/board/")
    look("mapping-board")
    page.get_by_role("link", name="西药中成药上传失败 1").click()
    expect(page.get_by_text("平台返回：该机构目录在该期间已有对照").first).to_be_visible()
    look("mapping-deliveries")
    page.goto("/mapping/uploads/?tab=all")
    look("mapping-deliveries-all")
    page.goto("/mapping/proof/")
    look("mapping-proof")
    page.locator("a[data-drawer]", has_text="Y0").first.click()
    expect(page.get_by_role("heading", name="核对：Y0")).to_be_visible()
    look("mapping-difference")
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto("/mapping/board/")
    look("mapping-board-wide")
    page.goto("/mapping/uploads/?tab=all")
    look("mapping-deliveries-wide")


def test_a_difference_is_set_aside_with_the_panel(
    full: World, member: Person, log_in: Callable[[Person], Any], look: Callable[[str], Path]
) -> None:
    from playwright.sync_api import expect

    page = log_in(member)
    page.goto(f"/mapping/proof/?tab={DifferenceKind.OTHER_DATES.value}")
    page.get_by_role("button", name="不处理").last.click()
    page.get_by_label("原因").fill("医保局已知")
    look("mapping-ignore")
    page.get_by_role("button", name="不处理 1 条").click()
    expect(page.get_by_text("已标为不处理 1 条")).to_be_visible()
    assert Difference.objects.get(kind=DifferenceKind.OTHER_DATES).state == WorkState.IGNORED
