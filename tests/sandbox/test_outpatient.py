"""The outpatient chain 2201 2203 2204 2206 2207 2208 2205 2202 and what its queries tell."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.client import Hospital, msgid
from tests.sandbox.visits import Visit, codes
from tests.sandbox_fixture import RunningSandbox

SPAN = {"begntime": "2025-06-01 00:00:00", "endtime": "2025-06-01"}


@pytest.fixture
def visit(hospital: Hospital, sandbox: RunningSandbox) -> Visit:
    found = Visit(hospital, sandbox)
    found.register()
    return found


def seen(visit: Visit) -> list[dict[str, Any]]:
    question = {"psn_no": visit.who["psn_no"], "med_type": "11", **SPAN}
    rows: list[dict[str, Any]] = visit.hospital.call("5201", {"data": question})["mdtrtinfo"]
    return rows


def rows_of(visit: Visit, setl_id: str = "") -> list[dict[str, Any]]:
    found = visit.hospital.call("5204", {"data": {**visit.ids, "setl_id": setl_id}})
    assert isinstance(found, list)
    return found


def settlement(visit: Visit, setl_id: str) -> dict[str, Any]:
    found: dict[str, Any] = visit.hospital.call("5203", {"data": {**visit.ids, "setl_id": setl_id}})
    return found


def two_rows(visit: Visit) -> list[dict[str, Any]]:
    first, second = (codes(visit.hospital, chrgitm_lv=level)[0]["hilist_code"] for level in ("02", "03"))
    return [visit.fee("1", first), visit.fee("2", second, cnt="1", pric="7.5")]


def check_sums(info: dict[str, Any], total: str) -> None:
    money = {
        name: Decimal(str(info[name])) for name in info if name.endswith(("amt", "pay")) and info[name] is not None
    }
    assert money["medfee_sumamt"] == Decimal(total)
    assert money["medfee_sumamt"] == money["fund_pay_sumamt"] + money["psn_part_amt"]
    assert money["psn_part_amt"] == money["acct_pay"] + money["psn_cash_pay"]
    parts = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    assert sum(money[name] for name in parts) == money["medfee_sumamt"]


def test_the_whole_chain_and_back(visit: Visit) -> None:
    visit.describe()
    answered = visit.upload(two_rows(visit))
    assert [row["feedetl_sn"] for row in answered] == ["1", "2"]
    assert (answered[0]["chrgitm_lv"], answered[0]["preselfpay_amt"]) == ("02", "2.00")
    assert (answered[1]["chrgitm_lv"], answered[1]["fulamt_ownpay_amt"]) == ("03", "7.50")
    trial = visit.hospital.call("2206", visit.money("27.50"))
    assert "setl_id" not in trial["setlinfo"]
    check_sums(trial["setlinfo"], "27.50")
    settled = visit.settle("27.50")
    check_sums(settled["setlinfo"], "27.50")
    same = {name: value for name, value in trial["setlinfo"].items() if name not in ("medins_setl_id", "setl_time")}
    assert {name: settled["setlinfo"][name] for name in same} == same
    paid = sum(Decimal(str(line["fund_payamt"])) for line in settled["setldetail"])
    assert paid == Decimal(settled["setlinfo"]["fund_pay_sumamt"]) > 0
    assert [row["setl_id"] for row in rows_of(visit, visit.setl_id)] == [visit.setl_id] * 2
    assert settlement(visit, visit.setl_id)["setlinfo"]["refd_setl_flag"] == "0"
    assert [row["diag_srt_no"] for row in visit.hospital.call("5202", {"data": visit.ids})["diseinfo"]] == ["1", "2"]

    hospital, batch = visit.hospital, {"data": {**visit.ids, "chrg_bchno": "B1"}}
    unregister = {"data": {**visit.ids, "ipt_otp_no": "MZ0001"}}
    assert "已结算" in hospital.refused("2205", batch)
    assert "结算" in hospital.refused("2202", unregister)
    cancelled = hospital.call("2208", {"data": {**visit.ids, "setl_id": visit.setl_id}})["setlinfo"]
    assert cancelled["setl_id"] != visit.setl_id
    assert Decimal(cancelled["medfee_sumamt"]) == Decimal("-27.50")
    for setl_id in (visit.setl_id, cancelled["setl_id"]):
        assert settlement(visit, setl_id)["setlinfo"]["refd_setl_flag"] == "1"
    assert "已撤销" in hospital.refused("2208", {"data": {**visit.ids, "setl_id": visit.setl_id}})
    assert "费用明细" in hospital.refused("2202", unregister)
    hospital.call("2205", batch)
    assert "没有可撤销" in hospital.refused("2205", batch)
    assert rows_of(visit) == []
    hospital.call("2202", unregister)
    assert "已撤销" in hospital.refused("2202", unregister)
    assert seen(visit) == []


def test_a_visit_is_found_by_person_and_time(visit: Visit) -> None:
    visit.describe()
    assert [row["mdtrt_id"] for row in seen(visit)] == [visit.mdtrt_id]
    question = {"psn_no": visit.who["psn_no"], "med_type": "11", "begntime": "2024-01-01", "endtime": "2025-05-31"}
    assert visit.hospital.call("5201", {"data": question})["mdtrtinfo"] == []


def test_registration_of_the_same_number_or_a_stranger(visit: Visit, sandbox: RunningSandbox) -> None:
    again = Visit(visit.hospital, sandbox)
    with pytest.raises(AssertionError, match="已登记"):
        again.register()
    again.who = again.who | {"psn_no": "44170000999999999999"}
    with pytest.raises(AssertionError, match="不存在"):
        again.register("MZ2")
    other = Visit(visit.hospital, sandbox, place=1)
    other.mdtrt_id = visit.mdtrt_id
    assert "不符" in visit.hospital.refused("2204", {"feedetail": [other.fee("1", "X")]})


def test_rows_are_checked(visit: Visit) -> None:
    code = codes(visit.hospital, chrgitm_lv="01")[0]["hilist_code"]
    refused = visit.hospital.refused
    assert "数量乘单价" in refused("2204", {"feedetail": [visit.fee("1", code, total="21.00")]})
    visit.upload([visit.fee("1", code)])
    assert "重复" in refused("2204", {"feedetail": [visit.fee("2", code), visit.fee("1", code)]})
    assert [row["feedetl_sn"] for row in rows_of(visit)] == ["1"], "a call is taken whole or not at all"
    assert "不符" in refused("2206", visit.money("19.99"))
    assert "没有可结算" in refused("2206", visit.money("20", chrg_bchno="B2"))
    assert "预结算" in refused(
        "2207", visit.settling("20") | {"data": visit.settling("20")["data"] | {"inscp_scp_amt": "0"}}
    )
    assert visit.upload([visit.fee("3", "UNKNOWN", chrg_bchno="B2")])[0]["fulamt_ownpay_amt"] == "20.00"


def test_above_the_ceiling(visit: Visit) -> None:
    question = {"updt_time": "2020-01-01", "page_num": "1", "page_size": "100", "hilist_lmtpric_type": "3"}
    row = visit.hospital.call("1318", {"data": question})["data"][0]
    ceiling = Decimal(row["hilist_pric_uplmt_amt"])
    (level,) = {r["chrgitm_lv"] for r in codes(visit.hospital, hilist_code=row["hilist_code"])}
    (answer,) = visit.upload([visit.fee("1", row["hilist_code"], cnt="2", pric=str(ceiling + 5))])
    assert Decimal(answer["overlmt_amt"]) == (0 if level == "03" else 10)


def test_the_account_pays_only_what_is_left(visit: Visit) -> None:
    def left() -> Decimal:
        asked = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": visit.who["certno"]}}
        found = visit.hospital.call("1101", asked)["insuinfo"]
        return Decimal(str(next(i["balc"] for i in found if i["insutype"] == "310")))

    code, before = codes(visit.hospital, chrgitm_lv="03")[0]["hilist_code"], left()
    visit.upload([visit.fee("1", code, cnt="1", pric="10000")])
    info = visit.settle("10000.00", acct_used_flag="1")["setlinfo"]
    assert Decimal(info["acct_pay"]) == before
    assert Decimal(info["psn_cash_pay"]) == 10000 - before
    assert left() == 0
    visit.hospital.call("2208", {"data": {**visit.ids, "setl_id": visit.setl_id}})
    assert left() == before


def test_batches_are_settled_each_on_its_own(visit: Visit) -> None:
    code = codes(visit.hospital, chrgitm_lv="01")[0]["hilist_code"]
    visit.upload([visit.fee("1", code), visit.fee("2", code, chrg_bchno="B2")])
    visit.settle("20")
    assert [row["feedetl_sn"] for row in rows_of(visit, visit.setl_id)] == ["1"]
    visit.hospital.call("2205", {"data": {**visit.ids, "chrg_bchno": "0000"}})
    assert [row["feedetl_sn"] for row in rows_of(visit)] == ["1"]


def test_a_diagnosis_is_voided(visit: Visit) -> None:
    visit.describe()
    head = {**visit.ids, "med_type": "11", "begntime": "2025-06-01 09:00:00"}
    visit.hospital.call("2203", {"mdtrtinfo": head, "diseinfo": [visit.diagnosis(2, vali_flag="0")]})
    assert [row["diag_srt_no"] for row in visit.hospital.call("5202", {"data": visit.ids})["diseinfo"]] == ["1"]


def reverse(visit: Visit, omsgid: str, oinfno: str = "2207") -> dict[str, Any]:
    return {"data": {"psn_no": visit.who["psn_no"], "omsgid": omsgid, "oinfno": oinfno}}


def test_reversal_of_a_lost_settlement(visit: Visit, sandbox: RunningSandbox) -> None:
    code, number = codes(visit.hospital, chrgitm_lv="01")[0]["hilist_code"], msgid()
    visit.upload([visit.fee("1", code)])
    assert "未找到" in visit.hospital.refused("2601", reverse(visit, number))
    visit.hospital.call("2207", visit.settling("20"), msgid=number)
    assert "未找到" in visit.hospital.refused("2601", reverse(visit, number, "2304"))
    stranger = {"data": {"psn_no": "44170000000000000119", "omsgid": number, "oinfno": "2207"}}
    assert "不符" in visit.hospital.refused("2601", stranger)
    assert "不支持" in visit.hospital.refused("2601", reverse(visit, number, "2204"))
    visit.hospital.call("2601", reverse(visit, number))
    assert [row["setl_id"] for row in rows_of(visit)] == [None]
    assert sandbox.books("settlements") == []
    visit.hospital.call("2601", reverse(visit, number))
    visit.settle("20")


def test_no_reversal_when_something_followed(visit: Visit) -> None:
    code, number = codes(visit.hospital, chrgitm_lv="01")[0]["hilist_code"], msgid()
    visit.upload([visit.fee("1", code)])
    setl_id = visit.hospital.call("2207", visit.settling("20"), msgid=number)["setlinfo"]["setl_id"]
    second = msgid()
    visit.hospital.call("2208", {"data": {**visit.ids, "setl_id": setl_id}}, msgid=second)
    assert "后续业务" in visit.hospital.refused("2601", reverse(visit, number))
    visit.hospital.call("2601", reverse(visit, second, "2208"))
    assert settlement(visit, setl_id)["setlinfo"]["refd_setl_flag"] == "0"


def test_wrong_sums_of_a_settlement(visit: Visit, sandbox: RunningSandbox) -> None:
    visit.upload([visit.fee("1", codes(visit.hospital, chrgitm_lv="01")[0]["hilist_code"])])
    sandbox.fault("wrong_sums", "2207", field="medfee_sumamt")
    assert visit.settle("20")["setlinfo"]["medfee_sumamt"] == "20.01"
    assert settlement(visit, visit.setl_id)["setlinfo"]["medfee_sumamt"] == "20.00"


def test_a_purchase_in_a_pharmacy(hospital: Hospital, sandbox: RunningSandbox) -> None:
    visit = Visit(hospital, sandbox)
    code = codes(hospital, chrgitm_lv="01", list_type="101")[0]["hilist_code"]
    head = {
        "psn_no": visit.who["psn_no"],
        "mdtrt_cert_type": "02",
        "mdtrt_cert_no": visit.who["certno"],
        "med_type": "41",
    }
    head |= {"begntime": "2025-06-01 09:00:00", "medfee_sumamt": "20", "insutype": "310", "acct_used_flag": "0"}
    row = {"feedetl_sn": "1", "rx_circ_flag": "0", "fee_ocur_time": "2025-06-01 09:00:00", "med_list_codg": code}
    row |= {"medins_list_codg": "IN1", "det_item_fee_sumamt": "20", "cnt": "2", "pric": "10"}
    message = {"druginfo": head, "drugdetail": [row]}
    trial = hospital.call("2101", message)
    assert sandbox.books("settlements") == []
    found = hospital.call("2102", message)
    assert found["setlinfo"]["fund_pay_sumamt"] == trial["setlinfo"]["fund_pay_sumamt"]
    assert [line["feedetl_sn"] for line in found["detlcutinfo"]] == ["1"]
    visit.mdtrt_id = found["setlinfo"]["mdtrt_id"]
    gone = {"data": {**visit.ids, "setl_id": found["setlinfo"]["setl_id"]}}
    assert Decimal(hospital.call("2103", gone)["setlinfo"]["medfee_sumamt"]) == -20
    assert hospital.refused("2103", gone)
