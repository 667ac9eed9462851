"""Insured persons: 1101 and the check of benefits 2001."""

from __future__ import annotations

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.money import balance
from insurance.sandbox.standard import Row, project

BOOK = "persons"
FUNDS = {"310": "310100", "390": "390100", "510": "510100"}


def person_of(case: Case, psn_no: object) -> Row:
    """The person of this number, insured where the envelope says; raises Refusal."""
    person = case.books.get(BOOK, str(psn_no))
    if person is None:
        raise Refusal(f"人员编号[{psn_no}]不存在")
    area = str(case.envelope.get("insuplc_admdvs") or "")
    if area not in {i["insuplc_admdvs"] for i in person["insuinfo"]}:
        raise Refusal(f"报文头参保地医保区划[{area}]与人员参保地不符")
    return person


def insurance_of(person: Row, insutype: object) -> Row:
    """The person's insurance of this kind; raises Refusal when there is none in force."""
    found: Row | None = next((i for i in person["insuinfo"] if i["insutype"] == str(insutype)), None)
    if found is None:
        raise Refusal(f"该人员未参加险种[{insutype}]")
    if found["psn_insu_stas"] != "1":
        raise Refusal(f"该人员险种[{insutype}]已暂停参保，自{found['paus_insu_date']}起不享受待遇")
    return found


def age_of(case: Case, person: Row) -> float:
    """The person's age in years, one decimal."""
    year, month, day = (int(part) for part in person["brdy"].split("-"))
    now = case.clock.now()
    return round((now.year - year) + (now.month - month) / 12 + (now.day - day) / 365, 1)


def about(case: Case, person: Row) -> Row:
    """What answers of many transactions tell of a person."""
    names = ("psn_no", "psn_cert_type", "certno", "psn_name", "gend", "naty", "brdy")
    return {name: person[name] for name in names} | {"age": age_of(case, person)}


@handles("1101")
def find(case: Case) -> Row:
    """Find a person by token, identity document or card."""
    row = case.row()
    kind = "02" if str(row["mdtrt_cert_type"]) == "99" else str(row["mdtrt_cert_type"])
    known = case.books.get("credentials", f"{kind}|{row['mdtrt_cert_no']}")
    person = case.books.get(BOOK, known["psn_no"]) if known else None
    if person is None:
        raise Refusal("未查询到该就诊凭证对应的参保人员信息")
    _check_credential(row, person, kind)
    insurances = case.standard.output_fields("1101", "insuinfo")
    identities = case.standard.output_fields("1101", "idetinfo")
    return {
        "baseinfo": about(case, person) | {"exp_content": None},
        "insuinfo": [project(i, insurances, balc=float(balance(case, person, i))) for i in person["insuinfo"]],
        "idetinfo": [project(i, identities) for i in person["idetinfo"]],
    }


def _check_credential(row: Row, person: Row, kind: str) -> None:
    if kind == "03" and str(row.get("card_sn") or "") != person["card_sn"]:
        raise Refusal("卡识别码[card_sn]为空或与社会保障卡不符")
    if row.get("certno") and row["certno"] != person["certno"]:
        raise Refusal("证件号码与就诊凭证不是同一人")
    if row.get("psn_name") and row["psn_name"] != person["psn_name"]:
        raise Refusal("人员姓名与就诊凭证不是同一人")


@handles("2001")
def benefits(case: Case) -> Row:
    """Whether the fund of the insurance pays for this person now; the reason in words when it does not."""
    row = case.row()
    if str(row["fixmedins_code"]) != case.hospital:
        raise Refusal("定点医药机构编号与报文头不一致")
    person, reason = person_of(case, row["psn_no"]), ""
    try:
        insurance_of(person, row["insutype"])
    except Refusal as no:
        reason = no.words
    told = {
        "psn_no": person["psn_no"],
        "trt_chk_type": "01",
        "fund_pay_type": FUNDS.get(str(row["insutype"]), "999997"),
        "trt_enjymnt_flag": "0" if reason else "1",
        "begndate": case.clock.today(),
        "enddate": None,
        "trt_chk_rslt": reason or None,
        "exp_content": None,
    }
    return {"trtinfo": [told]}
