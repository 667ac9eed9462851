"""3401 3401A 3402 3403 5101, by messages written by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.sandbox.client import CHINA, Hospital, department
from tests.sandbox_fixture import RunningSandbox


def listed(hospital: Hospital) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = hospital.call("5101", {})["feedetail"]
    return rows


def gone(code: str = "A01", begntime: str = "2020-01-01") -> dict[str, Any]:
    return {"data": {"hosp_dept_codg": code, "hosp_dept_name": "妇科", "begntime": begntime}}


def test_nothing_is_known_before_it_is_told(hospital: Hospital) -> None:
    assert listed(hospital) == []


def test_what_was_told_comes_back(hospital: Hospital) -> None:
    told = department(itro='带"引号"与\\反斜线', dr_psncnt=9)
    assert hospital.call("3401", {"deptinfo": told}) is None
    (row,) = listed(hospital)
    assert row == told


def test_the_same_code_is_refused_while_it_lives(hospital: Hospital) -> None:
    hospital.call("3401", {"deptinfo": department()})
    assert "已存在" in hospital.refused("3401", {"deptinfo": department()})
    assert "已存在" in hospital.refused("3401", {"deptinfo": department(begntime="2021-01-01 00:00:00")})
    assert len(listed(hospital)) == 1


def test_change_takes_the_new_words_and_ends(hospital: Hospital) -> None:
    hospital.call("3401", {"deptinfo": department()})
    hospital.call("3402", {"deptinfo": department(hosp_dept_name="妇科一区", aprv_bed_cnt="40")})
    assert [(r["hosp_dept_name"], r["aprv_bed_cnt"]) for r in listed(hospital)] == [("妇科一区", "40")]
    hospital.call("3402", {"deptinfo": department(endtime="2024-12-31 23:59:59")})
    assert "不能变更" in hospital.refused("3402", {"deptinfo": department(hosp_dept_name="妇科二区")})


def test_change_of_what_was_never_told_is_refused(hospital: Hospital) -> None:
    assert "未找到" in hospital.refused("3402", {"deptinfo": department()})
    hospital.call("3401", {"deptinfo": department()})
    assert "未找到" in hospital.refused("3402", {"deptinfo": department(begntime="2020-01-02 00:00:00")})


def test_a_code_begins_again_after_it_ended_and_both_periods_are_listed(hospital: Hospital) -> None:
    hospital.call("3401", {"deptinfo": department(endtime="2022-12-31 23:59:59")})
    assert "早于" in hospital.refused("3401", {"deptinfo": department(begntime="2022-06-01 00:00:00")})
    hospital.call("3401", {"deptinfo": department(begntime="2023-01-01 00:00:00")})
    assert [(r["begntime"], r["endtime"]) for r in listed(hospital)] == [
        ("2020-01-01 00:00:00", "2022-12-31 23:59:59"),
        ("2023-01-01 00:00:00", ""),
    ]


def test_withdrawal_ends_the_period_once(hospital: Hospital) -> None:
    assert "未找到" in hospital.refused("3403", gone())
    hospital.call("3401", {"deptinfo": department()})
    assert "未找到" in hospital.refused("3403", gone(begntime="2021-01-01"))
    hospital.call("3403", gone())
    (row,) = listed(hospital)
    assert row["endtime"].startswith(f"{datetime.now(CHINA):%Y-%m-%d}")
    assert "重复撤销" in hospital.refused("3403", gone())
    hospital.call("3401", {"deptinfo": department(hosp_dept_name="重新上传")})
    assert [(r["hosp_dept_name"], r["endtime"]) for r in listed(hospital)] == [("重新上传", "")]


def test_a_batch_is_taken_whole_or_not_at_all(hospital: Hospital, sandbox: RunningSandbox) -> None:
    hospital.call("3401", {"deptinfo": department("B2")})
    words = hospital.refused("3401A", {"deptinfo": [department("B1"), department("B2"), department("B3")]})
    assert "B2" in words
    assert [r["hosp_dept_codg"] for r in listed(hospital)] == ["B2"]
    assert "必填" in hospital.refused("3401A", {"deptinfo": [department("B1"), department("B3", itro="")]})
    hospital.call("3401A", {"deptinfo": [department("B1"), department("B3")]})
    assert {r["hosp_dept_codg"] for r in sandbox.books("departments")} == {"B1", "B2", "B3"}


def test_fields_are_checked(hospital: Hospital) -> None:
    assert "必填" in hospital.refused("3401", {"deptinfo": department(dept_resper_name="")})
    assert "医院科室编码" in hospital.refused("3401", {"deptinfo": department("X" * 21)})
    assert hospital.refused("3401", {"deptinfo": department(begntime="昨天")})
    assert hospital.refused("3401", {"data": department()})
    assert "早于" in hospital.refused("3401", {"deptinfo": department(endtime="2019-01-01 00:00:00")})
    assert listed(hospital) == []


def test_the_bureau_can_put_a_department_in_by_itself(hospital: Hospital, sandbox: RunningSandbox) -> None:
    key = sandbox.put("departments", department("Z9"))
    assert [r["hosp_dept_codg"] for r in listed(hospital)] == ["Z9"]
    sandbox.remove("departments", key)
    assert listed(hospital) == []


def test_the_state_survives_a_restart_and_a_power_cut(hospital: Hospital, sandbox: RunningSandbox) -> None:
    hospital.call("3401", {"deptinfo": department()})
    sandbox.stop()
    sandbox.start()
    assert len(Hospital(sandbox.url).call("5101", {})["feedetail"]) == 1
    sandbox.stop(kill=True)
    sandbox.start()
    assert len(Hospital(sandbox.url).call("5101", {})["feedetail"]) == 1
    assert [entry["infno"] for entry in sandbox.log()] == ["3401", "5101", "5101"]
