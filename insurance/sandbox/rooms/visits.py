"""Outpatient visits: 2201 2202 2203(A), and what every visit has in common."""

from __future__ import annotations

from typing import Any

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.persons import insurance_of, person_of
from insurance.sandbox.standard import Row

BOOK = "visits"
DIAGNOSES = "diagnoses"


def new_number(case: Case, kind: str) -> str:
    """A number that the platform makes: area, day and a serial number."""
    return f"{case.options.admdvs}{case.clock.now():%Y%m%d}{case.books.number(kind):010d}"


def visit_of(case: Case, row: Row) -> Row:
    """The live visit of a row's mdtrt_id and psn_no at this institution; raises Refusal."""
    visit = case.books.get(BOOK, str(row.get("mdtrt_id")))
    if visit is None or visit["fixmedins_code"] != case.hospital or visit["cancelled"]:
        raise Refusal(f"就诊ID[{row.get('mdtrt_id')}]不存在或已撤销")
    if visit["psn_no"] != row.get("psn_no"):
        raise Refusal("人员编号与就诊ID不符")
    person_of(case, visit["psn_no"])
    return visit


def keep(case: Case, visit: Row, **changes: Any) -> Row:
    """Write a visit with these changes."""
    visit = visit | changes
    case.books.put(BOOK, visit["mdtrt_id"], visit)
    return visit


def open_visit(case: Case, row: Row, kind: str, number: str) -> Row:
    """Begin a visit (kind "otp", "ipt" or "drug"); the hospital's own number must be new; raises Refusal."""
    person = person_of(case, row["psn_no"])
    insurance = insurance_of(person, row["insutype"])
    for other in case.books.rows(BOOK, psn_no=person["psn_no"]):
        same = other["fixmedins_code"] == case.hospital and not other["cancelled"]
        if same and number and other["ipt_otp_no"] == number and other["kind"] == kind:
            raise Refusal(f"住院/门诊号[{number}]已登记，不能重复办理")
        if same and kind == "ipt" and other["kind"] == "ipt" and other["inhosp_stas"] == "1":
            raise Refusal("该人员已在院，不能重复办理入院")
    visit = {
        **row,
        "mdtrt_id": new_number(case, "mdtrt"),
        "kind": kind,
        "ipt_otp_no": number,
        "fixmedins_code": case.hospital,
        "cancelled": False,
        "inhosp_stas": "1" if kind == "ipt" else "",
        "insuplc_admdvs": insurance["insuplc_admdvs"],
        "psn_type": insurance["psn_type"],
        "opt_time": case.clock.text(),
    }
    return keep(case, visit)


def keep_diagnoses(case: Case, visit: Row, rows: list[Row], inout: str) -> None:
    """Write diagnoses: a known number is changed, a new one added, one with vali_flag 0 voided."""
    for row in rows:
        key = f"{visit['mdtrt_id']}|{inout}|{row['diag_srt_no']}"
        told = row | {"mdtrt_id": visit["mdtrt_id"], "psn_no": visit["psn_no"], "inout_diag_type": inout}
        known = case.books.get(DIAGNOSES, key)
        told["diag_info_id"] = known["diag_info_id"] if known else new_number(case, "diagnosis")
        case.books.put(DIAGNOSES, key, told | {"opt_time": case.clock.text()})


def live_settlements(case: Case, mdtrt_id: str) -> list[Row]:
    """The settlements of a visit that were neither cancelled nor are cancellations, oldest first."""
    return [s for s in case.books.rows("settlements", mdtrt_id=mdtrt_id) if s["refd_setl_flag"] == "0"]


def check_empty(case: Case, visit: Row) -> None:
    """Raise Refusal while the visit has rows or a live settlement."""
    if live_settlements(case, visit["mdtrt_id"]):
        raise Refusal("该就诊存在有效结算，请先撤销结算")
    if case.books.rows("fees", mdtrt_id=visit["mdtrt_id"]):
        raise Refusal("该就诊存在费用明细，请先撤销费用明细")


@handles("2201")
def register(case: Case) -> Row:
    """Register an outpatient visit."""
    row = case.row()
    visit = open_visit(case, row, "otp", str(row["ipt_otp_no"]))
    names = ("mdtrt_id", "psn_no", "ipt_otp_no")
    return {"data": {name: visit[name] for name in names} | {"exp_content": None}}


@handles("2202")
def unregister(case: Case) -> None:
    """Cancel a registration that has no rows and no settlement."""
    row = case.row()
    visit = visit_of(case, row)
    if visit["kind"] != "otp" or visit["ipt_otp_no"] != str(row["ipt_otp_no"]):
        raise Refusal("住院/门诊号与门诊挂号记录不符")
    check_empty(case, visit)
    keep(case, visit, cancelled=True)


@handles("2203", "2203A")
def describe(case: Case) -> None:
    """Take the visit's kind and diagnoses; may be sent again, not once it is settled."""
    told = next(iter(case.node("mdtrtinfo")), {})
    visit = visit_of(case, told)
    if live_settlements(case, visit["mdtrt_id"]):
        raise Refusal("该就诊已结算，不能修改就诊信息")
    keep(case, visit, **{k: v for k, v in told.items() if v not in (None, "")})
    keep_diagnoses(case, visit, case.node("diseinfo"), "1")
