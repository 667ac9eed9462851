"""The main job in a real browser, with a real worker, dispatcher and sandbox: from Excel to both books agreeing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from playwright.sync_api import expect

from insurance.directory import services
from insurance.directory.models import ComparisonRow, Department, Practitioner, StaffMember
from insurance.exchange.models import Submission
from portal.people.actor import Actor
from portal.people.models import Person
from portal.tasks.models import Task
from tests.directory.conftest import connect, hold, values
from tests.directory.spreadsheet import rows, spoiled, workbook
from tests.exchange.processes import running, wait_until
from tests.sandbox_fixture import RunningSandbox

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = 60_000


@pytest.fixture
def office(
    member: Person, institution: Any, sandbox: RunningSandbox, redis_url: str, live_server: Any
) -> Iterator[Person]:
    """A clerk whose hospital talks to the sandbox, with worker and dispatcher at work."""
    connect(institution, sandbox.url)
    with running("rqworker", "interactive", "bulk", "tasks"), running("dispatcher"):
        yield member


def bring(page: Any, path: Path, lines: list[list[Any]]) -> None:
    """Upload a file through the wizard."""
    path.write_bytes(workbook(lines))
    page.set_input_files("#file", str(path))
    page.get_by_role("button", name="上传并校验").click()


def confirm(page: Any, button: str, said: str) -> None:
    """Press the confirmation in the drawer, twice as hurried people do, and wait for what the next page says."""
    page.locator("#drawer-body").get_by_role("button", name=button, exact=True).dblclick()
    expect(page.locator("#messages")).to_contain_text(said)


def compare(page: Any, tab: str, count: int) -> None:
    """Press 核对 on its page, wait for the task, and see how many stand under a tab."""
    before = Task.objects.filter(kind="directory.compare", state="done").count()
    page.goto("/directory/compare/")
    page.get_by_role("button", name="核对", exact=True).click()
    expect(page.locator("#messages")).to_contain_text("已在后台运行")
    wait_until(lambda: Task.objects.filter(kind="directory.compare", state="done").count() > before, "compared")
    page.goto("/directory/compare/")
    expect(page.locator(".tabs")).to_contain_text(f"{tab} {count}")


def test_from_a_spreadsheet_to_both_books_agreeing(
    office: Person, log_in: Callable[[Person], Any], sandbox: RunningSandbox, look: Any, tmp_path: Path
) -> None:
    page = log_in(office)
    page.goto("/directory/")
    expect(page.locator("#list-card")).to_contain_text("没有待处理的科室")
    look("directory-empty")

    # A file with mistakes: all of them are shown, none is taken.
    page.get_by_role("link", name="导入", exact=True).first.click()
    bring(page, tmp_path / "科室.xlsx", spoiled())
    expect(page.locator("#sheet-import")).to_contain_text("只导入正确行", timeout=LONG)
    look("directory-import-errors")
    for words in ("简介", "应为整数", "重复", "100 字以内"):
        expect(page.locator("#sheet-import")).to_contain_text(words)
    assert not Department.objects.exists()

    # Corrected, and imported.
    page.goto("/directory/import/")
    bring(page, tmp_path / "科室改.xlsx", rows())
    page.get_by_role("button", name="导入 32 条").click(timeout=LONG)
    page.get_by_role("link", name="查看导入的科室").click(timeout=LONG)
    expect(page.locator(".tab.is-current")).to_contain_text("草稿 32")
    look("directory-drafts")

    # Uploaded: all of them, confirmed with a double click.
    page.locator("[data-select-page]").check()
    page.get_by_role("button", name="选择全部 32 条").click()
    page.locator(".tools").get_by_role("button", name="上传", exact=True).click()
    expect(page.locator("#drawer-body")).to_contain_text("新上传（3401）")
    look("directory-upload-panel")
    confirm(page, "上传 32 个科室", "已提交上传 32 个科室")
    wait_until(lambda: Submission.objects.filter(state="accepted").count() == 32, "32 accepted", 90)
    assert Submission.objects.count() == 32
    assert len(sandbox.log("3401")) == 32, "pressed twice, sent once"
    page.goto("/directory/?tab=held")
    expect(page.locator(".tab.is-current")).to_contain_text("已上传 32")
    look("directory-held")

    # Both books agree.
    compare(page, "一致", 32)

    # Somebody at the bureau changes a department behind our back.
    theirs = next(row for row in sandbox.books("departments") if row["hosp_dept_codg"] == "0005")
    clean = {name: value for name, value in theirs.items() if not name.startswith("_")}
    sandbox.put("departments", {**clean, "aprv_bed_cnt": "99", "memo": "医保局调整"}, key=theirs["_key"])
    compare(page, "不同", 1)
    expect(page.locator("#list-card")).to_contain_text("批准床位数量：本院 25，平台 99")
    look("directory-different")
    page.locator("#list-card tbody a[data-drawer]").first.click()
    expect(page.locator("#drawer-body")).to_contain_text("医保局调整")
    look("directory-comparison-drawer")

    # Ours is said again.
    page.locator("#drawer-body").get_by_role("button", name="以本院为准").click()
    expect(page.locator("#drawer-body")).to_contain_text("变更（3402）")
    look("directory-keep-panel")
    confirm(page, "以本院为准 1 条", "已提交 1 条")
    wait_until(lambda: Submission.objects.filter(purpose="department.change", state="accepted").count() == 1, "kept")
    assert len(sandbox.log("3402")) == 1
    compare(page, "一致", 32)
    assert not ComparisonRow.objects.exclude(verdict="same").exists()
    book = {row["hosp_dept_codg"]: str(row["aprv_bed_cnt"]) for row in sandbox.books("departments")}
    assert book["0005"] == "25"

    # What happened to it is told in its drawer.
    page.goto("/directory/?tab=held&words=0005")
    page.locator("#list-card tbody a[data-drawer]").first.click()
    expect(page.locator("#drawer-body")).to_contain_text("以本院为准 1 条")
    expect(page.locator("#drawer-body")).to_contain_text("科室信息变更：上传成功")
    look("directory-drawer")


def test_pages_of_staff_and_institution(office: Person, log_in: Callable[[Person], Any], look: Any) -> None:
    page = log_in(office)
    for address, button, kind in (
        ("/directory/practitioners/", "更新", "directory.practitioners"),
        ("/directory/institution/", "更新", "directory.institution"),
    ):
        page.goto(address)
        page.get_by_role("button", name=button).click()
        expect(page.locator("#messages")).to_contain_text("已在后台运行")
        wait_until(lambda kind=kind: Task.objects.filter(kind=kind, state="done").exists(), kind)
        page.goto(address)
        look(f"directory-{kind.split('.')[1]}")
    page.goto("/directory/practitioners/")
    page.locator("#list-card tbody a[data-drawer]").first.click()
    expect(page.locator("#drawer-body")).to_contain_text("执业证书编号")
    look("directory-practitioner-drawer")


def test_own_list_of_staff_beside_the_platforms(
    office: Person, log_in: Callable[[Person], Any], look: Any, tmp_path: Path
) -> None:
    page = log_in(office)
    page.goto("/directory/practitioners/")
    page.get_by_role("button", name="更新").click()
    expect(page.locator("#messages")).to_contain_text("已在后台运行")
    wait_until(lambda: Task.objects.filter(kind="directory.practitioners", state="done").exists(), "5102")
    known = list(Practitioner.objects.filter(prac_psn_type="1").order_by("pk")[:3])
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["工号", "姓名", "类别", "国家医保编码", "执业证号"])
    sheet.append(["1", known[0].prac_psn_name, "医师", known[0].prac_psn_code, known[0].prac_cert_no])
    sheet.append(["2", known[1].prac_psn_name, "医师", known[1].prac_psn_code, "0000"])
    sheet.append(["3", "演示人", "医师", "D000000000000", ""])
    path = tmp_path / "医师.xlsx"
    book.save(path)
    page.get_by_role("link", name="导入本院名单").click()
    page.set_input_files("#file", str(path))
    page.get_by_role("button", name="上传并校验").click()
    page.get_by_role("button", name="导入 3 条").click(timeout=LONG)
    page.get_by_role("link", name="查看导入的").click(timeout=LONG)
    expect(page.locator(".tabs")).to_contain_text("不同 1")
    expect(page.locator(".tabs")).to_contain_text("仅本院 1")
    expect(page.locator(".tabs")).to_contain_text("一致 1")
    look("directory-compare-staff")
    page.locator("#list-card").get_by_role("button", name="以平台为准").last.click()
    look("directory-adopt-panel")
    confirm(page, "以平台为准 1 条", "已以平台为准处理 1 条")
    assert StaffMember.objects.get(staff_no="2").prac_cert_no == known[1].prac_cert_no


def test_one_department_as_a_page_and_the_desk(office: Person, log_in: Callable[[Person], Any], look: Any) -> None:
    actor = Actor.of(office, office.institutions()[0])
    department = services.create_department(actor, values=values(endtime="2021-01-01"))
    services.create_department(actor, values=values(begntime="2021-01-01"))
    hold(actor.institution, endtime="2021-01-01", aprv_bed_cnt=38, dept_resper_name="陈某")
    page = log_in(office)
    page.goto(department.get_absolute_url())
    expect(page.locator("#content")).to_contain_text("遮盖部分不同")
    expect(page.locator("#content")).to_contain_text("启用与停用")
    page.locator("a.eye[aria-label*=电话]").first.click()
    look("directory-department")
    page.locator(".eye-form input[name=reason]").fill("核对联系人")
    page.get_by_role("button", name="显示", exact=True).click()
    expect(page.locator("#content")).to_contain_text("06620000000")
    page.goto("/")
    expect(page.locator("#content")).to_contain_text("与平台不同")
    look("directory-desk")


def test_form_says_everything_at_once(office: Person, log_in: Callable[[Person], Any], look: Any) -> None:
    page = log_in(office)
    page.goto("/directory/")
    page.get_by_role("link", name="新建科室").click()
    page.get_by_label("医院科室名称").fill("产科四区")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".note-error")).to_contain_text("没有保存")
    assert page.locator(".field.is-wrong").count() >= 8
    look("directory-form-errors")
