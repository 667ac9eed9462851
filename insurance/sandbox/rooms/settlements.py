"""Settlements: 2206 2207 2208, 2303 2304 2305, and the pharmacy's 2101 2102 2103."""

from __future__ import annotations

from typing import Any

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.fees import BOOK as FEES
from insurance.sandbox.rooms.fees import take_rows, unsettled
from insurance.sandbox.rooms.money import FEN, amount, balance, fund_lines, negative, reckon, split
from insurance.sandbox.rooms.persons import about, insurance_of, person_of
from insurance.sandbox.rooms.visits import keep, live_settlements, new_number, open_visit, visit_of
from insurance.sandbox.standard import Row, project

BOOK = "settlements"
CLEARING = {"otp": "11", "ipt": "21", "drug": "41"}
# The four amounts of the pre-settlement that 2207 repeats.
REPEATED = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")


def _agency(case: Case, insurance: Row) -> str:
    """Who clears: maternity goes to an agency of its own, out-of-area persons to their own area."""
    area = str(insurance["insuplc_admdvs"])
    return f"{area[:4]}99" if insurance["insutype"] == "510" else area


def settlement(case: Case, visit: Row, given: Row, rows: list[Row]) -> Row:
    """A settlement of these rows as it would be now; raises Refusal when the hospital's sums differ."""
    person = person_of(case, visit["psn_no"])
    insurance = insurance_of(person, given.get("insutype") or visit["insutype"])
    if not rows:
        raise Refusal("没有可结算的费用明细")
    use_account = str(given.get("acct_used_flag") or "0") == "1"
    sums = reckon(case, rows, insurance, balance(case, person, insurance), visit["kind"] == "ipt", use_account)
    if abs(amount(given["medfee_sumamt"], "医疗费总额") - amount(sums["medfee_sumamt"])) >= FEN:
        raise Refusal(f"医疗费总额{given['medfee_sumamt']}与平台明细合计{sums['medfee_sumamt']}不符")
    _check_repeated(given, sums, strict=case.infno == "2207")
    return {
        **about(case, person),
        **sums,
        "mdtrt_id": visit["mdtrt_id"],
        "insutype": insurance["insutype"],
        "psn_type": insurance["psn_type"],
        "cvlserv_flag": insurance["cvlserv_flag"],
        "setl_time": case.clock.text(),
        "mdtrt_cert_type": given.get("mdtrt_cert_type"),
        "med_type": given.get("med_type") or visit.get("med_type"),
        "medins_setl_id": case.msgid,
        "clr_optins": _agency(case, insurance),
        "clr_way": "1",
        "clr_type": CLEARING[visit["kind"]],
        "fund_lines": fund_lines(insurance["insutype"], sums),
    }


def _check_repeated(given: Row, sums: Row, strict: bool) -> None:
    """2207 must repeat them; in 2303 and 2304 they are optional, and an empty number travels as 0."""
    for name in REPEATED:
        told = given.get(name)
        if (strict or (told not in (None, "") and amount(told))) and abs(amount(told) - amount(sums[name])) >= FEN:
            raise Refusal(f"{name}与预结算结果不符，请重新预结算")


def _shown(case: Case, found: Row) -> Row:
    names = case.standard.output_fields(case.infno, "setlinfo")
    return {"setlinfo": project(found, names), "setldetail": found["fund_lines"]}


def _settle(case: Case, visit: Row, given: Row, rows: list[tuple[str, Row]]) -> Row:
    """Settle and keep it; its rows belong to it from now on."""
    found = settlement(case, visit, given, [row for _, row in rows])
    more: dict[str, Any] = {
        "setl_id": new_number(case, "setl"),
        "msgid": case.msgid,
        "infno": case.infno,
        "kind": visit["kind"],
        "fixmedins_code": case.hospital,
        "refd_setl_flag": "0",
        "insuplc_admdvs": visit["insuplc_admdvs"],
        "invono": given.get("invono"),
        "mid_setl_flag": str(given.get("mid_setl_flag") or "0"),
    }
    case.books.put(BOOK, more["setl_id"], found | more)
    for key, row in rows:
        case.books.put(FEES, key, row | {"setl_id": more["setl_id"]})
    return _shown(case, found | more)


def _cancel(case: Case, visit: Row, given: Row) -> Row:
    """Cancel a settlement: it and its reversal stay, both marked; its rows are free again."""
    first = case.books.get(BOOK, str(given["setl_id"]))
    if first is None or first["mdtrt_id"] != visit["mdtrt_id"]:
        raise Refusal(f"结算ID[{given['setl_id']}]不存在或与就诊ID不符")
    if first["refd_setl_flag"] == "1":
        raise Refusal(f"结算ID[{given['setl_id']}]已撤销，不能重复撤销")
    later = live_settlements(case, visit["mdtrt_id"])
    if visit["kind"] == "ipt" and later[-1]["setl_id"] != first["setl_id"]:
        raise Refusal("请先撤销该次住院最近一次结算")
    reverse = first | negative(first) | {
        "setl_id": new_number(case, "setl"),
        "setl_time": case.clock.text(),
        "msgid": case.msgid,
        "medins_setl_id": case.msgid,
        "infno": case.infno,
        "refd_setl_flag": "1",
        "init_setl_id": first["setl_id"],
    }  # fmt: skip
    reverse["pdn_cash_pay"] = reverse["psn_cash_pay"]
    reverse["fund_lines"] = [
        line | {n: f"{-amount(line[n]):.2f}" for n in ("inscp_scp_amt", "fund_payamt")} for line in first["fund_lines"]
    ]
    case.books.put(BOOK, first["setl_id"], first | {"refd_setl_flag": "1", "refd_by": reverse["setl_id"]})
    case.books.put(BOOK, reverse["setl_id"], reverse)
    for key, row in case.books.items(FEES, setl_id=first["setl_id"]):
        case.books.put(FEES, key, row | {"setl_id": ""})
    return _shown(case, reverse)


def _given(case: Case, kind: str) -> tuple[Row, Row]:
    """The row of the input, and its visit of this kind."""
    given = case.row()
    visit = visit_of(case, given)
    if visit["kind"] != kind:
        raise Refusal("就诊类型与结算交易不符")
    return given, visit


def _batch(case: Case, visit: Row, given: Row) -> list[tuple[str, Row]]:
    return unsettled(case, visit["mdtrt_id"], str(given["chrg_bchno"]))


@handles("2206")
def outpatient_trial(case: Case) -> Row:
    """What 2207 would settle now; keeps nothing."""
    given, visit = _given(case, "otp")
    return _shown(case, settlement(case, visit, given, [row for _, row in _batch(case, visit, given)]))


@handles("2207")
def outpatient(case: Case) -> Row:
    """Settle a batch of an outpatient visit."""
    given, visit = _given(case, "otp")
    return _settle(case, visit, given, _batch(case, visit, given))


@handles("2303")
def inpatient_trial(case: Case) -> Row:
    """What 2304 would settle now; keeps nothing."""
    given, visit = _given(case, "ipt")
    return _shown(case, settlement(case, visit, given, [row for _, row in unsettled(case, visit["mdtrt_id"])]))


@handles("2304")
def inpatient(case: Case) -> Row:
    """Settle a stay, or with mid_setl_flag 1 what has come up so far."""
    given, visit = _given(case, "ipt")
    return _settle(case, visit, given, unsettled(case, visit["mdtrt_id"]))


@handles("2208", "2305")
def cancel(case: Case) -> Row:
    """Cancel a settlement of a visit."""
    given, visit = _given(case, "otp" if case.infno == "2208" else "ipt")
    return _cancel(case, visit, given)


def _pharmacy_rows(case: Case) -> list[Row]:
    return case.node("drugdetail")


@handles("2101")
def pharmacy_trial(case: Case) -> Row:
    """What 2102 would settle; keeps nothing."""
    given = next(iter(case.node("druginfo")), {})
    person = person_of(case, given["psn_no"])
    visit = {**given, "mdtrt_id": "", "kind": "drug", "psn_no": person["psn_no"]}
    rows = [row | split(case, row) for row in _pharmacy_rows(case)]
    names = case.standard.output_fields("2101", "detlcutinfo")
    return _shown(case, settlement(case, visit, given, rows)) | {"detlcutinfo": [project(r, names) for r in rows]}


@handles("2102")
def pharmacy(case: Case) -> Row:
    """A purchase: visit, rows and settlement in one."""
    given = next(iter(case.node("druginfo")), {})
    visit = open_visit(case, given, "drug", "")
    shown = take_rows(case, visit, _pharmacy_rows(case))
    return _settle(case, visit, given, unsettled(case, visit["mdtrt_id"])) | {"detlcutinfo": shown}


@handles("2103")
def cancel_pharmacy(case: Case) -> Row:
    """Cancel a purchase: its rows go with it."""
    given, visit = _given(case, "drug")
    found = _cancel(case, visit, given)
    for key, _ in unsettled(case, visit["mdtrt_id"]):
        case.books.remove(FEES, key)
    keep(case, visit, cancelled=True)
    return found
