"""Inpatient stays: 2401 admission, 2402 discharge, 2403 change, 2404 and 2405 their undoing."""

from __future__ import annotations

from insurance.sandbox.clock import moment
from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.visits import check_empty, keep, keep_diagnoses, live_settlements, open_visit, visit_of
from insurance.sandbox.standard import Row

HEADS = ("mdtrtinfo", "adminfo", "dscginfo", "data")


def _head(case: Case) -> Row:
    return next((rows[0] for name in HEADS if (rows := case.node(name))), {})


def _stay(case: Case, row: Row) -> Row:
    visit = visit_of(case, row)
    if visit["kind"] != "ipt":
        raise Refusal("该就诊不是住院")
    return visit


@handles("2401")
def admit(case: Case) -> Row:
    """Admit a person."""
    row = _head(case)
    visit = open_visit(case, row, "ipt", str(row["ipt_no"]))
    keep_diagnoses(case, visit, case.node("diseinfo"), "1")
    return {"result": {"mdtrt_id": visit["mdtrt_id"], "exp_content": None}}


@handles("2403")
def change(case: Case) -> None:
    """Change what was told at admission, any number of times before the discharge."""
    row = _head(case)
    visit = _stay(case, row)
    if visit["inhosp_stas"] != "1":
        raise Refusal("该人员已出院，不能变更入院信息")
    keep(case, visit, **{name: value for name, value in row.items() if value not in (None, "")})
    keep_diagnoses(case, visit, case.node("diseinfo"), "1")


@handles("2402")
def discharge(case: Case) -> None:
    """Discharge; not before the admission, not twice."""
    row = _head(case)
    visit = _stay(case, row)
    if visit["inhosp_stas"] != "1":
        raise Refusal("该人员已出院，不能重复办理")
    begun, end = moment(visit["begntime"]), moment(row["endtime"])
    if begun is not None and end is not None and end < begun:
        raise Refusal("出院时间早于入院时间")
    keep(case, visit, **{n: v for n, v in row.items() if v not in (None, "")}, inhosp_stas="0")
    keep_diagnoses(case, visit, case.node("diseinfo"), "2")


@handles("2404")
def undo_admission(case: Case) -> None:
    """Cancel the admission: not discharged, no settlement, no rows."""
    visit = _stay(case, _head(case))
    if visit["inhosp_stas"] != "1":
        raise Refusal("该人员已出院，请先取消出院")
    check_empty(case, visit)
    keep(case, visit, cancelled=True)


@handles("2405")
def undo_discharge(case: Case) -> None:
    """Reopen the stay once its final settlement is cancelled."""
    visit = _stay(case, _head(case))
    if visit["inhosp_stas"] != "0":
        raise Refusal("该人员未出院，不能取消出院")
    if any(s["mid_setl_flag"] != "1" for s in live_settlements(case, visit["mdtrt_id"])):
        raise Refusal("该次住院存在出院结算，请先撤销结算")
    for key, _ in case.books.items("diagnoses", prefix=f"{visit['mdtrt_id']}|2|"):
        case.books.remove("diagnoses", key)
    keep(case, {n: v for n, v in visit.items() if n != "endtime"}, inhosp_stas="1")
