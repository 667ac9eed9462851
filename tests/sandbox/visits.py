"""Messages of a visit, by hand from workflows.md and the tables."""

from __future__ import annotations

from typing import Any

from tests.sandbox.client import Hospital
from tests.sandbox_fixture import RunningSandbox

DAY = "2025-06-01 09:00:00"


def person(sandbox: RunningSandbox, insutype: str = "310", place: int = 0, area: str = "441700") -> dict[str, Any]:
    """A seeded person with this insurance in force."""
    found = [
        row
        for row in sandbox.books("persons")
        if any(
            i["insutype"] == insutype and i["psn_insu_stas"] == "1" and i["insuplc_admdvs"] == area
            for i in row["insuinfo"]
        )
    ]
    chosen: dict[str, Any] = found[place]
    return chosen


def codes(hospital: Hospital, **filters: str) -> list[dict[str, Any]]:
    """Items of the area's list (1312)."""
    row = {"updt_time": "2020-01-01", "page_num": "1", "page_size": "200", **filters}
    found: list[dict[str, Any]] = hospital.call("1312", {"data": row})["data"]
    return found


class Visit:
    """One patient's visit: keeps what the platform answered."""

    def __init__(self, hospital: Hospital, sandbox: RunningSandbox, insutype: str = "310", place: int = 0) -> None:
        self.hospital = hospital
        self.who = person(sandbox, insutype, place)
        self.insutype = insutype
        self.mdtrt_id = ""
        self.setl_id = ""

    @property
    def ids(self) -> dict[str, str]:
        return {"mdtrt_id": self.mdtrt_id, "psn_no": self.who["psn_no"]}

    def register(self, number: str = "MZ0001") -> None:
        row = {
            "psn_no": self.who["psn_no"],
            "insutype": self.insutype,
            "begntime": DAY,
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": self.who["certno"],
            "ipt_otp_no": number,
            "atddr_no": "D001",
            "dr_name": "陈示例",
            "dept_code": "A01",
            "dept_name": "妇科",
            "caty": "A05.01",
        }
        found = self.hospital.call("2201", {"data": row})["data"]
        assert found["ipt_otp_no"] == number
        self.mdtrt_id = found["mdtrt_id"]

    def describe(self) -> None:
        head = {**self.ids, "med_type": "11", "begntime": DAY, "main_cond_dscr": "复诊"}
        self.hospital.call(
            "2203", {"mdtrtinfo": head, "diseinfo": [self.diagnosis(1), self.diagnosis(2, maindiag_flag="0")]}
        )

    def diagnosis(self, number: int, **changes: str) -> dict[str, Any]:
        row = {
            "diag_type": "1",
            "diag_srt_no": str(number),
            "diag_code": f"A00.10x00{number}",
            "diag_name": f"示例诊断{number}",
        }
        row |= {"diag_dept": "A01", "dise_dor_no": "D001", "dise_dor_name": "陈示例", "diag_time": DAY}
        return row | {"vali_flag": "1", "maindiag_flag": "1"} | changes

    def fee(self, number: str, code: str, cnt: str = "2", pric: str = "10", **changes: str) -> dict[str, Any]:
        total = changes.pop("total", f"{float(cnt) * float(pric):.2f}")
        row = {"feedetl_sn": number, **self.ids, "chrg_bchno": "B1", "rx_circ_flag": "0", "fee_ocur_time": DAY}
        row |= {"med_list_codg": code, "medins_list_codg": f"IN{number}", "det_item_fee_sumamt": total}
        row |= {"cnt": cnt, "pric": pric, "bilg_dept_codg": "A01", "bilg_dept_name": "妇科", "bilg_dr_codg": "D001"}
        return row | {"bilg_dr_name": "陈示例", "hosp_appr_flag": "1", "acord_dept_codg": "A01"} | changes

    def upload(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.hospital.call("2204", {"feedetail": rows})["result"]
        return found

    def money(self, total: str, **changes: str) -> dict[str, Any]:
        row = {**self.ids, "mdtrt_cert_type": "02", "mdtrt_cert_no": self.who["certno"], "med_type": "11"}
        row |= {"medfee_sumamt": total, "psn_setlway": "01", "chrg_bchno": "B1", "acct_used_flag": "0"}
        return {"data": row | {"insutype": self.insutype} | changes}

    def settling(self, total: str, **changes: str) -> dict[str, Any]:
        """A 2207 that repeats what 2206 answered."""
        trial = self.hospital.call("2206", self.money(total, **changes))["setlinfo"]
        names = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
        return self.money(total, **{**{name: trial[name] for name in names}, **changes})

    def settle(self, total: str, **changes: str) -> dict[str, Any]:
        found: dict[str, Any] = self.hospital.call("2207", self.settling(total, **changes))
        self.setl_id = found["setlinfo"]["setl_id"]
        return found
