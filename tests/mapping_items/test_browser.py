"""The items in a real browser: an export of the pharmacy brought in, and found in the list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from insurance.mapping.items.services import change_item
from insurance.mapping.models import HospitalItem, Mapping, Suggestion
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.exchange.processes import running
from tests.mapping_items.factories import make_item
from tests.mapping_items.spreadsheet import DRUG_HEADERS, DRUGS, workbook

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = 60_000


@pytest.fixture
def at_work(pharmacist: Person, redis_url: str, live_server: Any) -> Iterator[Person]:
    """A pharmacist whose tasks are carried out."""
    with running("rqworker", "tasks"), running("dispatcher"):
        yield pharmacist


def bring(page: Any, path: Path, lines: list[list[Any]]) -> None:
    """Upload a file through the wizard."""
    path.write_bytes(workbook(DRUG_HEADERS, lines, "药品字典"))
    page.goto("/mapping/items/import/")
    page.get_by_role("row", name="院内药品").get_by_role("link", name="上传文件").click()
    page.set_input_files("#file", str(path))
    page.get_by_role("button", name="上传并校验").click()


def test_from_the_pharmacy_export_to_the_list(
    at_work: Person, log_in: Callable[[Person], Any], look: Any, tmp_path: Path
) -> None:
    page = log_in(at_work)
    page.goto("/mapping/items/")
    expect(page.locator("#list-card")).to_contain_text("没有未对照的项目")
    page.get_by_role("link", name="导入", exact=True).first.click()
    expect(page.locator("main, .page")).to_contain_text("院内药品")
    look("items-import")

    bring(page, tmp_path / "药品.xlsx", DRUGS)
    page.get_by_role("button", name="导入 5 条").click(timeout=LONG)
    page.get_by_role("link", name="查看导入的院内药品").click(timeout=LONG)
    expect(page.locator(".tab.is-current")).to_contain_text("未对照 5")
    expect(page.locator("table.grid tbody tr").first).to_contain_text("(甲)演示青霉素胶囊")
    look("items-list")

    # A second time with a new price and another maker: shown before it is taken.
    again = [list(line) for line in DRUGS]
    again[0][5], again[0][6] = "13.10", "演示另一制药"
    bring(page, tmp_path / "药品调价.xlsx", again)
    expect(page.locator("#sheet-import")).to_contain_text("更新 1", timeout=LONG)
    expect(page.locator("#sheet-import")).to_contain_text("上调 4.8 %")
    look("items-changes")
    page.get_by_role("button", name="导入 1 条").click(timeout=LONG)
    page.get_by_role("link", name="查看导入的院内药品").click(timeout=LONG)
    page.get_by_role("link", name="(甲)演示青霉素胶囊").click()
    drawer = page.locator("#drawer-body")
    expect(drawer).to_contain_text("价格变动")
    expect(drawer).to_contain_text("13.1（上调 4.8 %）")
    look("items-drawer")


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080)])
def test_how_it_looks(
    office: Actor, member: Person, pharmacist: Person, institution: Institution, log_in: Any, look: Any,
    width: int, height: int,
) -> None:  # fmt: skip
    shelf(institution, pharmacist, member)
    item = HospitalItem.objects.get(fixmedins_hilist_name="(甲)演示注射液01")
    change_item(office, item=item, values={"prodentp_name": "演示另一制药", "pric": "3.2"})
    change_item(office, item=item, values={"pric": "3.5"}, since=timezone.localdate() + dt.timedelta(days=9))
    page = log_in(member)
    page.set_viewport_size({"width": width, "height": height})
    for name, address in {
        "list": "/mapping/items/", "mapped": "/mapping/items/?tab=mapped", "new": "/mapping/items/new/",
        "item": item.get_absolute_url(), "edit": f"{item.get_absolute_url()}edit/",
    }.items():  # fmt: skip
        page.goto(address)
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        look(f"items-{name}-{width}")


def shelf(institution: Institution, proposer: Person, approver: Person) -> None:
    """Some thirty items as a hospital has them."""
    for place in range(30):
        item = make_item(
            institution, fixmedins_hilist_id=f"00{place:05}", fixmedins_hilist_name=f"(甲)演示注射液{place:02}",
            spec="2ml:0.1g*10支/盒", prodentp_name="演示制药股份有限公司", aprvno=f"国药准字H{place:08}",
            pric=Decimal("1.16") * (place + 1), revenue=Decimal(182000 - place * 5511), stock=place * 10,
            inpatients=place % 4,
        )  # fmt: skip
        if place % 3:
            tie(item, proposer, approver, place)
        else:
            suggest(item)


def tie(item: HospitalItem, proposer: Person, approver: Person, place: int) -> None:
    Mapping.objects.create(
        institution=item.institution, item=item, list_type="101", med_list_codg=f"XA01ABT045S0060201046{place:02}",
        begndate=dt.date(2026, 1, 1), state="in_force", proposed_by=proposer, approved_by=approver,
        proposed_at=timezone.now() - dt.timedelta(days=30), approved_at=timezone.now() - dt.timedelta(days=29),
        code_facts={"name": f"演示注射液{place:02}"}, verdict="waiting", source="suggested",
    )  # fmt: skip


def suggest(item: HospitalItem) -> None:
    Suggestion.objects.create(
        item=item, certainty="ambiguous", score=Decimal("0.91"), item_digest="x", deciding=["生产企业", "包装"],
        candidates=[
            {
                "code": f"XA01ABT045S00602010464{rank}", "score": 0.91 - rank / 10,
                "reasons": [
                    {"what": "名称", "ours": "演示注射液", "theirs": "演示注射液", "agrees": True},
                    {"what": "生产企业", "ours": "演示制药", "theirs": "演示医药", "agrees": False},
                ],
            }
            for rank in range(3)
        ],
    )  # fmt: skip
