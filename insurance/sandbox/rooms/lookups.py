"""Queries about visits, settlements, rows and filings: 5201–5206, 5301–5304. Only what was told comes back."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from insurance.sandbox.clock import end_moment, moment
from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.money import amount
from insurance.sandbox.rooms.persons import about, person_of
from insurance.sandbox.seeds.items import KINDS
from insurance.sandbox.standard import Row, project


def _within(told: Any, given: Row) -> bool:
    """Whether a time lies within begntime and endtime of the question; a bare end date means its last second."""
    at, begin, end = moment(told), moment(given.get("begntime")), end_moment(given.get("endtime"))
    return at is None or ((begin is None or at >= begin) and (end is None or at <= end))


def _visits(case: Case, given: Row) -> list[Row]:
    found = case.books.rows("visits", psn_no=given.get("psn_no"))
    return [v for v in found if v["fixmedins_code"] == case.hospital and not v["cancelled"]]


def _own(case: Case, book: str, given: Row) -> list[Row]:
    """Rows of a visit that belongs to the asking institution and person; raises Refusal for another's."""
    visit = case.books.get("visits", str(given["mdtrt_id"]))
    if visit is None or visit["fixmedins_code"] != case.hospital or visit["psn_no"] != given["psn_no"]:
        return []
    return case.books.rows(book, mdtrt_id=given["mdtrt_id"])


@handles("5201")
def visits(case: Case) -> Row:
    """The person's visits of the time asked for."""
    given = case.row()
    person = person_of(case, given["psn_no"])
    names = case.standard.output_fields("5201")
    kind = str(given.get("med_type") or "")
    found = [
        {"endtime": None if v["inhosp_stas"] == "1" else v["begntime"], "cvlserv_flag": "0", **v, **about(case, person)}
        for v in _visits(case, given)
        if given.get("mdtrt_id") in (None, "", v["mdtrt_id"])
        and kind in ("", str(v.get("med_type") or kind))
        and _within(v["begntime"], given)
    ]
    return {"mdtrtinfo": [project(v, names, insu_optins=v["insuplc_admdvs"]) for v in found]}


@handles("5202")
def diagnoses(case: Case) -> Row:
    """The diagnoses of a visit, without those voided."""
    names = case.standard.output_fields("5202")
    rows = [row for row in _own(case, "diagnoses", case.row()) if str(row.get("vali_flag", "1")) != "0"]
    return {"diseinfo": [project(row, names) for row in rows]}


@handles("5203")
def settlement(case: Case) -> Row:
    """One settlement, also a cancelled one or a cancellation."""
    given = case.row()
    found = case.books.get("settlements", str(given["setl_id"]))
    same = found and found["fixmedins_code"] == case.hospital and found["psn_no"] == given["psn_no"]
    if found is None or not same or found["mdtrt_id"] != given["mdtrt_id"]:
        raise Refusal(f"未查询到结算ID[{given['setl_id']}]的结算信息")
    told = {
        **found,
        "insu_optins": found["insuplc_admdvs"],
        "pay_loc": "2",
        "begndate": str((case.books.get("visits", found["mdtrt_id"]) or {}).get("begntime"))[:10],
        "enddate": found["setl_time"][:10],
        "fixmedins_name": case.envelope["fixmedins_name"],
        "psn_pay": found["psn_part_amt"],
        "cash_payamt": found["psn_cash_pay"],
        "year": found["setl_time"][:4],
        "opt_time": found["setl_time"],
    }
    names = case.standard.output_fields("5203", "setlinfo")
    return {"setlinfo": project(told, names), "setldetail": found["fund_lines"]}


def _item(case: Case, row: Row) -> Row:
    """What the national catalogue says of a row's item; nothing of an unknown one."""
    found = case.platform.catalogues.kind_of(str(row["med_list_codg"]))
    if found is None:
        return {}
    infno, index = found
    item = case.platform.catalogues.catalogue(infno).item(index)
    name = next((item[n] for n in ("drug_prodname", "tcmherb_name", "servitem_name", "mcs_name") if item.get(n)), None)
    told = {"hilist_name": name, "medins_list_name": name, "list_type": KINDS[infno].list_type, "prodname": name}
    return told | {"spec": item.get("drug_spec") or item.get("spec"), "dosform_name": item.get("drug_dosform_name")}


@handles("5204")
def fee_rows(case: Case) -> list[Row]:
    """The rows of a visit, or of one settlement of it; the answer's output is the array itself."""
    given = case.row()
    wanted = str(given.get("setl_id") or "")
    names = case.standard.output_fields("5204", "")
    rows = [row for row in _own(case, "fees", given) if wanted in ("", row["setl_id"])]
    shown = []
    for row in rows:
        more = {"hilist_code": row["med_list_codg"], "rx_drord_no": row.get("rxno") or row.get("drord_no")}
        shown.append(project(_item(case, row) | row | more | {"setl_id": row["setl_id"] or None}, names))
    return shown


@handles("5205")
def chronic_drugs(case: Case) -> Row:
    """Rows of the person's visits for a chronic disease (med_type 14)."""
    given = case.row()
    names = case.standard.output_fields("5205")
    more = {"fixmedins_code": case.hospital, "fixmedins_name": case.envelope["fixmedins_name"]}
    rows = [
        project(row | more | {"hilist_code": row["med_list_codg"], "rx_drord_no": row.get("rxno")}, names)
        for row in case.books.rows("fees", psn_no=given["psn_no"])
        if str(row.get("med_type")) == "14" and _within(row["fee_ocur_time"], given)
    ]
    return {"feedetail": rows}


@handles("5206")
def sums(case: Case) -> Row:
    """What the funds paid for the person so far, by insurance and month; cancellations taken off."""
    given = case.row()
    wanted = str(given.get("cum_ym") or "")
    totals: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in case.books.rows("settlements", psn_no=given["psn_no"]):
        month = row["setl_time"][:4] + row["setl_time"][5:7]
        if wanted in ("", month):
            totals[row["insutype"], month, "fund_pay_sumamt"] += amount(row["fund_pay_sumamt"])
            totals[row["insutype"], month, "medfee_sumamt"] += amount(row["medfee_sumamt"])
    codes = {"fund_pay_sumamt": "F01", "medfee_sumamt": "M01"}
    shown = [
        {"insutype": kind, "year": month[:4], "cum_ym": month, "cum_type_code": codes[name], "cum": f"{value:.2f}"}
        for (kind, month, name), value in totals.items()
    ]
    return {"cuminfo": shown}


@handles("5303")
def in_hospital(case: Case) -> Row:
    """Who lies in the hospital."""
    given = case.row()
    names = case.standard.output_fields("5303")
    shown = []
    for visit in _visits(case, given):
        person = case.books.get("persons", visit["psn_no"])
        if person and visit["kind"] == "ipt" and visit["inhosp_stas"] == "1" and _within(visit["begntime"], given):
            away = "0" if visit["insuplc_admdvs"] == case.options.admdvs else "1"
            more = {"begndate": visit["begntime"][:10], "out_flag": away}
            shown.append(project({**visit, **about(case, person), **more}, names))
    return {"data": shown}


def _filings(case: Case, infno: str, given: Row) -> list[Row]:
    rows = case.books.rows("filings", psn_no=given.get("psn_no"))
    return [row for row in rows if row["infno"] == infno and not row["cancelled"]]


@handles("5301")
def chronic_filings(case: Case) -> Row:
    """Filings of chronic diseases that stand."""
    names = case.standard.output_fields("5301")
    return {"feedetail": [project(row, names) for row in _filings(case, "2503", case.row())]}


@handles("5302")
def fixed_institutions(case: Case) -> Row:
    """The institutions that the person chose."""
    given = case.row()
    names = case.standard.output_fields("5302")
    rows = [r for r in _filings(case, "2505", given) if str(r["biz_appy_type"]) == str(given["biz_appy_type"])]
    return {"psnfixmedin": [project(row, names) for row in rows]}


@handles("5304")
def transfers(case: Case) -> Row:
    """Filings of transfers of the time asked for."""
    given = case.row()
    names = case.standard.output_fields("5304")
    rows = [row for row in _filings(case, "2501", given) if _within(row.get("begndate"), given)]
    shown = []
    for row in rows:
        person = case.books.get("persons", row["psn_no"]) or {}
        shown.append(project({**row, **(about(case, person) if person else {})}, names))
    return {"refmedin": shown}
