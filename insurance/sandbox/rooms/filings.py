"""Filings: 2501 2503 2505 and their withdrawal 2502 2504 2506 (workflows 1.6)."""

from __future__ import annotations

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.persons import insurance_of, person_of
from insurance.sandbox.rooms.visits import new_number
from insurance.sandbox.standard import Row

BOOK = "filings"
# What makes two filings of a person the same, and what a withdrawal undoes.
SAME = {
    "2501": ("reflin_medins_no", "begndate"),
    "2503": ("opsp_dise_code",),
    "2505": ("biz_appy_type", "fixmedins_code"),
}
UNDOES = {"2502": "2501", "2504": "2503", "2506": "2505"}


@handles("2501", "2503", "2505")
def file(case: Case) -> Row:
    """File; the same filing may not stand twice."""
    row = case.row()
    person = person_of(case, row["psn_no"])
    if row.get("insutype"):
        insurance_of(person, row["insutype"])
    for other in case.books.rows(BOOK, psn_no=row["psn_no"]):
        alike = all(str(other.get(name)) == str(row.get(name)) for name in SAME[case.infno])
        if other["infno"] == case.infno and not other["cancelled"] and alike:
            raise Refusal("该人员已有相同的有效备案，不能重复备案")
    number = new_number(case, "filing")
    told = {"trt_dcla_detl_sn": number, "infno": case.infno, "cancelled": False, "reviewed": False}
    told |= {"opter_id": case.envelope["opter"], "opter_name": case.envelope["opter_name"]}
    case.books.put(BOOK, number, {**row, **told, "opt_time": case.clock.text(), "told_by": case.hospital})
    names = case.standard.output_fields(case.infno, "result")
    return {"result": {name: number if name == "trt_dcla_detl_sn" else None for name in names}}


@handles("2502", "2504", "2506")
def withdraw(case: Case) -> None:
    """Withdraw a filing that the bureau has not reviewed yet."""
    row = case.row()
    number = str(row["trt_dcla_detl_sn"])
    known = case.books.get(BOOK, number)
    if known is None or known["infno"] != UNDOES[case.infno] or known["psn_no"] != row["psn_no"]:
        raise Refusal(f"未找到待遇申报明细流水号[{number}]的备案")
    if known["cancelled"]:
        raise Refusal(f"备案[{number}]已撤销，不能重复撤销")
    if known["reviewed"]:
        raise Refusal(f"备案[{number}]已经医保经办机构审核，不能撤销")
    case.books.put(BOOK, number, known | {"cancelled": True})
