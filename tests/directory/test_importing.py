"""Spreadsheets of departments and staff: every problem of every row, and rows taken by the services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from insurance.directory import services
from insurance.directory.importing import register_importers
from insurance.directory.models import ComparisonRow, Department, StaffMember
from insurance.exchange.choices import SubmissionState
from insurance.exchange.models import Submission
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from portal.sheets.checking import Line, read_rows
from portal.sheets.errors import SheetError
from portal.sheets.importer import Importer, find
from portal.sheets.reading import read
from tests.directory.conftest import hold, values
from tests.directory.spreadsheet import rows, spoiled, workbook

pytestmark = pytest.mark.django_db


def importer_of(code: str) -> Importer:
    found = find(code)
    assert found is not None
    return found


def lines_of(data: bytes) -> list[Line]:
    return read_rows(read(data, "科室.xlsx"), importer_of("directory.department")).lines


def judged(actor: Actor, lines: list[Line]) -> dict[int, tuple[str, list[str]]]:
    """Row number → (kind, problems) as the wizard would show."""
    good = [line.row for line in lines if line.row.good]
    results = importer_of("directory.department").check(actor, good)
    found = {line.row.number: ("error", [str(p) for p in line.row.problems]) for line in lines if not line.row.good}
    return found | {
        row.number: (str(result.kind), [str(problem) for problem in result.problems])
        for row, result in zip(good, results, strict=True)
    }


def test_thirty_two_good_rows(clerk: Actor) -> None:
    lines = lines_of(workbook(rows()))
    assert {kind for kind, _ in judged(clerk, lines).values()} == {"new"}
    counts = importer_of("directory.department").apply(clerk, [line.row for line in lines])
    assert counts == {"新增": 32, "更新": 0, "无变化": 0}
    first = Department.objects.get(hosp_dept_codg="0001")
    assert (first.caty, first.poolarea_no, first.dept_resper_tel) == ("A05.02", "441700", "06620000001")
    assert AuditEvent.objects.get(action="directory.import").detail["counts"]["new"] == 32
    assert {kind for kind, _ in judged(clerk, lines).values()} == {"same"}
    assert ComparisonRow.objects.filter(verdict="ours").count() == 32


def test_every_bad_cell_is_named_in_words(clerk: Actor) -> None:
    found = judged(clerk, lines_of(workbook(spoiled())))
    bad = {number: "".join(problems) for number, (kind, problems) in found.items() if kind == "error"}
    # Title and header take two rows, so the first department stands in row 3.
    assert set(bad) == {4, 7, 10, 12, 15, 23}
    for number, words in {
        4: "简介：必填", 7: "科别", 10: "批准床位数量：应为整数", 12: "科室成立日期", 15: "重复", 23: "100 字以内",
    }.items():  # fmt: skip
        assert words in bad[number], bad[number]
    assert not any(word in "".join(bad.values()) for word in ("Error", "field", "操作失败"))


def row(**changes: Any) -> dict[str, Any]:
    return values(**changes) | {"poolarea_no": None}


def kinds(actor: Actor, given: list[dict[str, Any]]) -> list[str]:
    return [item.kind for item in services.judge_departments(actor, given)]


def test_without_a_begin_the_row_means_the_living_department(clerk: Actor) -> None:
    services.take_rows(clerk, rows=[row()])
    (judgement,) = services.judge_departments(clerk, [row(begntime=None, aprv_bed_cnt=41)])
    assert (judgement.kind, set(judgement.changes)) == ("changed", {"aprv_bed_cnt"})
    assert kinds(clerk, [{"hosp_dept_codg": "0101", "memo": "只有两列的表"}]) == ["changed"]


def test_a_begin_that_differs_is_refused_for_what_the_platform_holds(clerk: Actor) -> None:
    services.take_rows(clerk, rows=[row()])
    assert kinds(clerk, [row(begntime="2021-01-01")]) == ["changed"], "a draft's begin may be put right"
    hold(clerk.institution)
    (judgement,) = services.judge_departments(clerk, [row(begntime="2021-01-01")])
    assert judgement.kind == "error"
    assert "请先停用" in str(judgement.faults[0])


def test_two_periods_of_one_code_in_one_file(clerk: Actor) -> None:
    given = [row(endtime="2021-12-31"), row(begntime="2022-01-01"), row(begntime="2023-01-01")]
    assert kinds(clerk, given) == ["new", "new", "error"]
    services.take_rows(clerk, rows=given[:2])
    assert Department.objects.count() == 2


def test_one_department_twice_in_one_file_is_refused_though_both_leave_the_begin_empty(clerk: Actor) -> None:
    given = rows()[:2]
    given[1][0] = given[0][0]
    given[0][3] = given[1][3] = None
    lines = lines_of(workbook(given))
    assert [line.row.good for line in lines] == [True, False]
    assert "行重复" in str(lines[1].row.problems[0])


def test_what_is_on_its_way_is_not_overwritten(clerk: Actor) -> None:
    services.take_rows(clerk, rows=[row()])
    services.submit_departments(clerk, departments=Department.objects.all())
    (judgement,) = services.judge_departments(clerk, [row(aprv_bed_cnt=1)])
    assert "正在上传" in str(judgement.faults[0])
    assert kinds(clerk, [row()]) == ["same"]
    with pytest.raises(SheetError, match="正在上传"):
        importer_of("directory.department").apply(
            clerk, [line.row for line in lines_of(workbook([["0101", *rows()[0][1:]]]))]
        )
    Submission.objects.update(state=SubmissionState.REFUSED)
    assert kinds(clerk, [row(aprv_bed_cnt=1)]) == ["changed"]


def test_judging_costs_the_same_for_many_rows(clerk: Actor) -> None:
    services.take_rows(clerk, rows=[row(code=f"{n:04}") for n in range(30)])
    with CaptureQueriesContext(database) as few:
        services.judge_departments(clerk, [row(code="0001")])
    with CaptureQueriesContext(database) as many:
        services.judge_departments(clerk, [row(code=f"{n:04}", memo="x") for n in range(60)])
    assert len(few) == len(many)


def test_staff_rows(clerk: Actor) -> None:
    services.take_rows(clerk, rows=[row()])
    member = {
        "staff_no": "1",
        "prac_psn_name": "演示员",
        "prac_psn_type": "2",
        "certno": "T0001",
        "hosp_dept_codg": "0101",
    }
    stray = {**member, "staff_no": "2", "hosp_dept_codg": "9999"}
    assert [item.kind for item in services.judge_staff(clerk, [member, stray])] == ["new", "error"]
    services.take_staff(clerk, rows=[member])
    assert StaffMember.objects.get().certno_digest
    assert [item.kind for item in services.judge_staff(clerk, [member, {**member, "prac_cert_no": "Z1"}])] == [
        "same",
        "changed",
    ]


def test_unreadable_tables_do_not_stop_the_program(
    tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "fields").mkdir()
    (tmp_path / "fields" / "3401.csv").write_text("这不是一张参数表\n", encoding="utf-8")
    settings.PLATFORM_EDITION_DIR = str(tmp_path)
    register_importers()
    assert "no import of departments and staff" in caplog.text


def test_a_code_that_lost_its_zeros_is_doubted(clerk: Actor) -> None:
    services.create_department(clerk, values=values("0101"))
    one, other = services.judge_departments(clerk, [values("101"), values("102")])
    assert (one.kind, other.kind) == ("new", "new")
    assert "本院已有科室 0101" in str(one.doubts[0])
    assert not other.doubts
