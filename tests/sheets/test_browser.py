"""In the browser: a file whose headers nobody knows, errors mended and sent again, and every page looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from portal.people.models import Institution, Person
from portal.sheets.models import SheetImport
from portal.tasks.runner import run_task
from tests.sheets.files import xlsx
from tests.sheets.ward import WardImport

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
ROWS = (
    ("某某医院病区一览表",),
    ("BQDM", "BQMC", "开放数", "负责人", "电话"),
    ("0101", "产科一区", 42, "样例某", "13900001234"),
    ("0102", "", 38, "样例甲", "13900001235"),
    ("0103", "儿科", "三十", "样例乙", "13900001236"),
    ("合计", None, 81, None, None),
)


def run_newest() -> SheetImport:
    """Do the newest import's task, as a worker would."""
    made: SheetImport = SheetImport.objects.order_by("-pk")[0]
    assert made.task is not None
    run_task(made.task.pk)
    made.refresh_from_db()
    return made


def send(page: Any, data: bytes, name: str) -> None:
    page.goto("/sheets/tests.ward/new/")
    page.set_input_files("#file", files=[{"name": name, "mimeType": "application/octet-stream", "buffer": data}])
    page.get_by_role("button", name="上传并校验").click()
    page.wait_for_url("**/sheets/*/")


def test_columns_are_told_errors_mended_and_the_rest_imported(
    page: Any, log_in: Callable[[Person], Any], clerk: Person, look: Callable[[str], Path], tmp_path: Path
) -> None:
    log_in(clerk)
    page.goto("/sheets/tests.ward/new/")
    look("sheets-new")
    send(page, xlsx(*ROWS), "病区.xlsx")
    run_newest()
    page.get_by_role("link", name="列对应", exact=True).first.wait_for()
    look("sheets-mapping-asked")
    page.locator(".confirm-buttons").get_by_role("link", name="列对应").click()
    page.get_by_label("表头从").select_option("2")
    page.get_by_role("button", name="按此重新读取表头").click()
    page.get_by_label("病区编码", exact=True).select_option("0")
    page.get_by_label("病区名称", exact=True).select_option("1")
    page.get_by_label("床位数", exact=True).select_option("2")
    page.get_by_label("电话", exact=True).select_option("4")
    assert "样例某" not in page.content()
    look("sheets-columns")
    page.get_by_role("button", name="按此对应校验").click()
    page.wait_for_url("**/sheets/*/")
    run_newest()
    page.get_by_text("只导入正确行：导入 1 条").wait_for()
    look("sheets-found")
    page.get_by_role("link", name="合计核对").click()
    page.get_by_text("不一致").first.wait_for()
    look("sheets-controls")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载错误行").click()
    file = tmp_path / "errors.xlsx"
    waiting.value.save_as(file)
    page.get_by_role("button", name="只导入正确行").click()
    page.wait_for_url("**/sheets/*/")
    run_newest()
    page.get_by_role("link", name="查看导入的病区").wait_for()
    look("sheets-result")
    mend(file)
    send(page, file.read_bytes(), "病区-错误行.xlsx")
    run_newest()
    page.get_by_text("已自动套用").wait_for()
    page.get_by_role("button", name="导入 2 条").click()
    run_newest()
    page.get_by_role("link", name="查看导入的病区").wait_for()
    assert sorted(WardImport.records) == ["0101", "0102", "0103"]


def mend(path: Path) -> None:
    """Put right what the reasons complain of, as a person would in Excel."""
    book = load_workbook(path)
    sheet = book.active
    assert [cell.value for cell in sheet[2]][:5] == list(ROWS[1])
    assert sheet["F3"].value == "病区名称：必填，不能为空"
    sheet["B3"].value = "产科二区"
    sheet["C4"].value = "30"
    book.save(path)


def test_the_list_of_what_is_remembered(
    page: Any, log_in: Callable[[Person], Any], clerk: Person, hospital: Institution, look: Callable[[str], Path]
) -> None:
    from portal.sheets.models import ColumnMapping

    ColumnMapping.objects.create(
        institution=hospital, importer="tests.ward", label="病区", fingerprint="1", headers=["BQDM", "BQMC", "开放数"],
        columns={"ward_code": "bqdm", "ward_name": "bqmc"}, source="病区.xlsx", owner=clerk,
    )  # fmt: skip
    log_in(clerk).goto("/sheets/mappings/")
    page.get_by_text("BQDM、BQMC、开放数").wait_for()
    look("sheets-mappings")
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.get_by_role("link", name="病区", exact=True).click()
    page.get_by_role("button", name="删除此列对应").wait_for()
    look("sheets-mapping-drawer")
    page.get_by_role("button", name="删除此列对应").click()
    page.get_by_text("已删除「病区」的列对应").wait_for()
