"""值对照 in a real browser: a missing value mapped in the drawer, approved by the second person; a long export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.sheets import exporting
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from portal.values import services
from portal.values.choices import MappingState
from portal.values.models import ValueMapping
from portal.values.registry import register_waiter
from portal.values.waiting import note_missing

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def filled(member: Person, institution: Institution, settings: Any, tmp_path: Path) -> Actor:
    """Values nobody has mapped, mappings that wait for a second person."""
    settings.FILES_DIR = tmp_path / "files"
    register_waiter("tests.row", lambda where, references: {}, label="导入文件的行", url=lambda one: "/sheets/")
    actor = Actor.of(member, institution)
    for number, name in enumerate(("芒果汁", "西瓜汁", "苹果汁"), start=1):
        note_missing(institution, "fruit", f"{number:03}", label=name, waiting=("tests.row", f"1:{number}"))
        note_missing(institution, "icd", f"A0{number}.001", label="示例诊断")
        made = services.propose(actor, set_code="price", source=f"BOX{number}", source_label="大箱", target="盒")
        services.submit(actor, mappings=[made])
    return actor


def test_a_missing_value_is_mapped(
    filled: Actor, log_in: Callable[..., Any], look: Callable[..., Any], person: Any
) -> None:
    page = log_in(filled.person)
    page.goto(reverse("values:missing"))
    look("values-missing")
    page.get_by_role("row").filter(has_text="芒果汁").get_by_role("link", name="对照").click()
    page.get_by_label("平台值").fill("香")
    page.wait_for_selector("#targets option[value='C3 香蕉']", state="attached")
    page.get_by_label("平台值").fill("C3 香蕉")
    look("values-form")
    page.get_by_role("button", name="提交", exact=True).click()
    page.wait_for_selector("text=已生效")
    look("values-mapping")
    assert ValueMapping.objects.get(set_code="fruit").state == MappingState.IN_FORCE
    second = log_in(person("second", filled.institution, "reviewer"))
    second.goto(f"{reverse('values:mappings')}?tab=waiting")
    second.locator("[data-select-page]").check()
    look("values-waiting")
    second.get_by_role("button", name="通过", exact=True).click()
    second.get_by_role("button", name="通过 3 条").click()
    second.wait_for_selector("text=已通过 3 条")
    second.set_viewport_size({"width": 1920, "height": 1080})
    second.goto(f"{reverse('values:mappings')}?tab=in_force")
    look("values-in-force-1920")
    assert ValueMapping.objects.filter(set_code="price", state=MappingState.IN_FORCE).count() == 3


def test_a_long_export_is_fetched_from_its_page(
    filled: Actor, log_in: Callable[..., Any], look: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.sheets.export_views.AT_ONCE", 2)
    assert exporting.AT_ONCE == 5_000
    page = log_in(filled.person)
    page.goto(f"{reverse('values:mappings')}?tab=waiting")
    page.get_by_role("button", name="导出").click()
    page.wait_for_selector("text=生成中")
    look("export-moving")
    run_task(Task.objects.get(kind="sheets.export").pk)
    page.wait_for_selector("text=可下载")
    look("export-ready")
    with page.expect_download() as found:
        page.get_by_role("link", name="下载", exact=True).click()
    assert found.value.suggested_filename.startswith("值对照_")
    page.goto(reverse("sheets:exports"))
    look("exports")
