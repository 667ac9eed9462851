"""The stay 2401–2405, its rows 2301 2302, its settlements 2303–2305, and filings 2501–2506."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.client import Hospital
from tests.sandbox.visits import Visit, codes
from tests.sandbox_fixture import RunningSandbox

ADMITTED = "2025-06-01 09:00:00"
SPAN = {"begntime": "2025-06-01 00:00:00", "endtime": "2025-06-30"}


class Stay(Visit):
    """A patient's stay."""

    def head(self, **changes: str) -> dict[str, Any]:
        row = {"psn_no": self.who["psn_no"], "insutype": self.insutype, "begntime": ADMITTED, "mdtrt_cert_type": "02"}
        row |= {"mdtrt_cert_no": self.who["certno"], "med_type": "52", "ipt_no": "ZY0001", "atddr_no": "D001"}
        row |= {"chfpdr_name": "陈示例", "adm_diag_dscr": "待产", "adm_dept_codg": "C01", "adm_dept_name": "产科"}
        row |= {"adm_bed": "12", "dscg_maindiag_code": "O80.10x001", "dscg_maindiag_name": "单胎顺产", "matn_type": "1"}
        return row | changes

    def diagnoses(self) -> list[dict[str, Any]]:
        row = {"psn_no": self.who["psn_no"], "mdtrt_id": self.mdtrt_id, "diag_type": "1", "maindiag_flag": "1"}
        row |= {
            "diag_srt_no": "1",
            "diag_code": "O80.10x001",
            "diag_name": "单胎顺产",
            "adm_cond": "1",
            "diag_dept": "C01",
        }
        return [row | {"dise_dor_no": "D001", "dise_dor_name": "陈示例", "diag_time": ADMITTED}]

    def admit(self) -> None:
        rows = [{k: v for k, v in row.items() if k != "mdtrt_id"} for row in self.diagnoses()]
        found = self.hospital.call("2401", {"mdtrtinfo": self.head(), "diseinfo": rows})
        self.mdtrt_id = found["result"]["mdtrt_id"]

    def charge(self, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.hospital.call("2301", {"feedetail": list(rows)})["result"]
        return found

    def day(self, number: str, code: str, cnt: str = "2", **changes: str) -> dict[str, Any]:
        row = self.fee(number, code, cnt, **changes)
        gone = ("chrg_bchno", "rx_circ_flag")
        return {k: v for k, v in row.items() if k not in gone} | {"med_type": "52", "drord_no": f"Y{number}"}

    def bill(self, total: str, mid: str = "0", **changes: str) -> dict[str, Any]:
        row = {k: v for k, v in self.money(total)["data"].items() if k not in ("chrg_bchno", "med_type")}
        return {"data": row | {"mid_setl_flag": mid, **changes}}

    def discharge(self) -> dict[str, Any]:
        row = {**self.ids, "insutype": self.insutype, "endtime": "2025-06-05 10:00:00", "dscg_dept_codg": "C01"}
        row |= {"dscg_dept_name": "产科", "dscg_bed": "12", "dscg_way": "1"}
        return {"dscginfo": row, "diseinfo": self.diagnoses()}


@pytest.fixture
def stay(hospital: Hospital, sandbox: RunningSandbox) -> Stay:
    found = Stay(hospital, sandbox, "510")
    found.admit()
    return found


def inside(stay: Stay) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stay.hospital.call("5303", {"data": {"psn_no": stay.who["psn_no"], **SPAN}})["data"]
    return rows


def test_the_stay_and_back(stay: Stay) -> None:
    hospital, ids = stay.hospital, {"data": stay.ids}
    code = codes(hospital, chrgitm_lv="01")[0]["hilist_code"]
    assert [row["mdtrt_id"] for row in inside(stay)] == [stay.mdtrt_id]
    stay.charge(stay.day("1", code), stay.day("2", code))
    mid = hospital.call("2304", stay.bill("40", mid="1"))["setlinfo"]
    assert mid["clr_type"] == "21"
    assert mid["clr_optins"] != "441700", "maternity is cleared by an agency of its own"
    assert Decimal(mid["fund_pay_sumamt"]) == 40
    stay.charge(stay.day("3", code))
    hospital.call("2402", stay.discharge())
    assert "已出院" in hospital.refused("2402", stay.discharge())
    assert inside(stay) == []
    final = hospital.call("2304", stay.bill("20"))["setlinfo"]
    assert "先撤销结算" in hospital.refused("2405", ids)
    assert "最近一次" in hospital.refused("2305", {"data": {**stay.ids, "setl_id": mid["setl_id"]}})
    hospital.call("2305", {"data": {**stay.ids, "setl_id": final["setl_id"]}})
    hospital.call("2405", ids)
    assert "未出院" in hospital.refused("2405", ids)
    assert len(inside(stay)) == 1
    assert "已结算" in hospital.refused("2302", {"data": [{**stay.ids, "feedetl_sn": "1"}]})
    hospital.call("2305", {"data": {**stay.ids, "setl_id": mid["setl_id"]}})
    assert "费用明细" in hospital.refused("2404", ids)
    hospital.call("2302", {"data": [{**stay.ids, "feedetl_sn": "1"}]})
    hospital.call("2302", {"data": [{**stay.ids, "feedetl_sn": "0000"}]})
    assert "没有可撤销" in hospital.refused("2302", {"data": [{**stay.ids, "feedetl_sn": "0000"}]})
    hospital.call("2404", ids)
    assert inside(stay) == []
    assert "已撤销" in hospital.refused("2404", ids)


def test_admission_twice(stay: Stay, sandbox: RunningSandbox) -> None:
    other = Stay(stay.hospital, sandbox, "510")
    with pytest.raises(AssertionError, match=r"已在院|已登记"):
        other.admit()


def test_change_until_discharge(stay: Stay) -> None:
    gone = ("ipt_no", "insutype", "mdtrt_cert_no")
    row = {k: v for k, v in stay.head(adm_bed="15").items() if k not in gone} | stay.ids | {"ipt_otp_no": "ZY0001"}
    stay.hospital.call("2403", {"adminfo": row, "diseinfo": stay.diagnoses()})
    found = stay.hospital.call("5201", {"data": {"psn_no": stay.who["psn_no"], "med_type": "52", **SPAN}})["mdtrtinfo"]
    assert [visit["adm_bed"] for visit in found] == ["15"]
    stay.hospital.call("2402", stay.discharge())
    assert "已出院" in stay.hospital.refused("2403", {"adminfo": row, "diseinfo": stay.diagnoses()})


def test_refund_of_a_row(stay: Stay) -> None:
    code = codes(stay.hospital, chrgitm_lv="01")[0]["hilist_code"]
    stay.charge(stay.day("1", code))
    refund = stay.day("2", code, cnt="-1", init_feedetl_sn="1")
    assert "原费用流水号" in stay.hospital.refused("2301", {"feedetail": [stay.day("9", code, cnt="-1")]})
    assert "不存在" in stay.hospital.refused(
        "2301", {"feedetail": [stay.day("9", code, cnt="-1", init_feedetl_sn="7")]}
    )
    stay.charge(refund)
    assert "超过" in stay.hospital.refused("2301", {"feedetail": [stay.day("3", code, cnt="-2", init_feedetl_sn="1")]})
    assert Decimal(stay.hospital.call("2303", stay.bill("10", mid="1"))["setlinfo"]["medfee_sumamt"]) == 10


def filing(stay: Stay) -> dict[str, Any]:
    row = {"psn_no": stay.who["psn_no"], "insutype": "510", "opsp_dise_code": "M00001", "opsp_dise_name": "高血压"}
    row |= {
        "ide_fixmedins_no": "H44170200001",
        "ide_fixmedins_name": "阳江市妇幼保健院（演示）",
        "begndate": "2025-06-01",
    }
    row |= {"hosp_ide_date": "2025-06-01", "diag_dr_codg": "D001", "diag_dr_name": "陈示例", "insu_optins": "441700"}
    return {"data": row | {"tel": "0662-0000000", "addr": "示例地址"}}


def test_a_filing_and_its_withdrawal(stay: Stay, sandbox: RunningSandbox) -> None:
    hospital, psn_no = stay.hospital, stay.who["psn_no"]
    number = hospital.call("2503", filing(stay))["result"]["trt_dcla_detl_sn"]
    assert "相同" in hospital.refused("2503", filing(stay))

    def listed() -> list[str]:
        return [row["opsp_dise_code"] for row in hospital.call("5301", {"data": {"psn_no": psn_no}})["feedetail"]]

    assert listed() == ["M00001"]
    gone = {"data": {"trt_dcla_detl_sn": number, "psn_no": psn_no, "memo": "误报"}}
    assert "未找到" in hospital.refused("2502", gone), "a filing is withdrawn by its own transaction only"
    hospital.call("2504", gone)
    assert listed() == []
    assert "已撤销" in hospital.refused("2504", gone)
    second = hospital.call("2503", filing(stay))["result"]["trt_dcla_detl_sn"]
    (row,) = [row for row in sandbox.books("filings") if row["trt_dcla_detl_sn"] == second]
    sandbox.put("filings", {k: v for k, v in row.items() if k != "_key"} | {"reviewed": True}, key=second)
    assert "审核" in hospital.refused("2504", {"data": {"trt_dcla_detl_sn": second, "psn_no": psn_no, "memo": "误报"}})
