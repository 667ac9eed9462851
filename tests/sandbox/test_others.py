"""Stock, statements, documents, prescriptions: answers only from what was told, undoing only what exists."""

from __future__ import annotations

import base64
import io
import zipfile
from datetime import datetime
from typing import Any

from tests.sandbox.client import CHINA, CODE, Hospital
from tests.sandbox.visits import Visit, codes
from tests.sandbox_fixture import RunningSandbox

NOW = f"{datetime.now(CHINA):%Y-%m-%d}"


def goods(**changes: Any) -> dict[str, Any]:
    row = {"med_list_codg": "XJ01CA00000000000000001", "fixmedins_hilist_id": "YP1", "fixmedins_hilist_name": "示例药"}
    return row | {"fixmedins_bchno": "P1", "rx_flag": "1", "memo": ""} | changes


def bought(count: str = "10") -> dict[str, Any]:
    row = goods(spler_name="示例公司", manu_lotnum="L1", prdr_name="示例厂", prodentp_name="示例厂", aprvno="示例准字1")
    row |= {"manu_date": "2025-01-01", "expy_end": "2027-01-01", "purc_retn_cnt": count, "finl_trns_pric": "1.5"}
    row |= {"purc_retn_stoin_time": f"{NOW} 08:00:00", "purc_retn_opter_name": "陈示例", "purc_invo_no": "F1"}
    return {"purcinfo": row}


def returned(count: str) -> dict[str, Any]:
    gone = ("manu_lotnum", "prdr_name", "prodentp_name", "aprvno")
    return {"purcinfo": {k: v for k, v in bought(count)["purcinfo"].items() if k not in gone}}


def test_stock_is_returned_only_as_far_as_it_was_bought(hospital: Hospital, sandbox: RunningSandbox) -> None:
    assert "未找到" in hospital.refused("3504", returned("1"))
    hospital.call("3503", bought())
    hospital.call("3504", returned("4"))
    assert "剩余数量6" in hospital.refused("3504", returned("7"))
    gone = {"data": {"fixmedins_bchno": "P1", "inv_data_type": "3"}}
    hospital.call("3507", gone)
    assert sandbox.books("stock") == []
    assert "不能删除" in hospital.refused("3507", gone)


def test_a_batch_of_stock_answers_each_row(hospital: Hospital) -> None:
    rows = [{"fixmedins_bchno": "P1", "inv_data_type": "3"}, {"fixmedins_bchno": "P2", "inv_data_type": "3"}]
    hospital.call("3503", bought())
    found = hospital.call("3507A", {"goodDetail": rows})["goodErrDetail"]
    assert [row["retRslt"] for row in found] == ["1", "0"]
    assert "不能删除" in found[1]["msgRslt"]


def settled(hospital: Hospital, sandbox: RunningSandbox, place: int = 0) -> tuple[Visit, dict[str, Any]]:
    visit = Visit(hospital, sandbox, place=place)
    visit.register(f"MZ{place}")
    visit.upload([visit.fee("1", codes(hospital, chrgitm_lv="01")[0]["hilist_code"])])
    info: dict[str, Any] = visit.settle("20")["setlinfo"]
    return visit, info


def totals(info: dict[str, Any], count: int = 1, **changes: str) -> dict[str, Any]:
    row = {"insutype": "310", "clr_type": "11", "setl_optins": info["clr_optins"], "stmt_begndate": NOW}
    row |= {"stmt_enddate": NOW, "medfee_sumamt": info["medfee_sumamt"], "fund_pay_sumamt": info["fund_pay_sumamt"]}
    return {"data": row | {"acct_pay": info["acct_pay"], "fixmedins_setl_cnt": str(count), **changes}}


def test_totals_are_those_of_the_settlements(hospital: Hospital, sandbox: RunningSandbox) -> None:
    visit, info = settled(hospital, sandbox)
    assert hospital.call("3201", totals(info))["stmtinfo"]["stmt_rslt"] == "0"
    wrong = hospital.call("3201", totals(info, medfee_sumamt="20.01"))["stmtinfo"]
    assert wrong["stmt_rslt"] == "1"
    assert "20.00" in wrong["stmt_rslt_dscr"]
    assert hospital.call("3201", totals(info, clr_type="21"))["stmtinfo"]["stmt_rslt"] == "1"
    hospital.call("2208", {"data": {**visit.ids, "setl_id": visit.setl_id}})
    nothing = dict.fromkeys(("medfee_sumamt", "fund_pay_sumamt", "acct_pay"), "0")
    assert hospital.call("3201", totals(info, 0, **nothing))["stmtinfo"]["stmt_rslt"] == "0"
    assert hospital.call("3201", totals(info, 2, refd_setl_flag="1", **nothing))["stmtinfo"]["stmt_rslt"] == "0"


def test_lines_are_compared(hospital: Hospital, sandbox: RunningSandbox) -> None:
    first, level = settled(hospital, sandbox, 0)
    second, differs = settled(hospital, sandbox, 1)
    third, _ = settled(hospital, sandbox, 2)
    lines = [
        (first.setl_id, first.mdtrt_id, first.who["psn_no"], "20.00", level["fund_pay_sumamt"], "0.00", "0"),
        (second.setl_id, second.mdtrt_id, second.who["psn_no"], "21.00", differs["fund_pay_sumamt"], "0.00", "0"),
        ("S1", "M1", "P1", "5.00", "1.00", "0.00", "0"),
    ]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("lines.txt", "".join("\t".join(line) + "\t\n" for line in lines))
    row = {"in": base64.b64encode(made.getvalue()).decode(), "filename": "lines.zip", "fixmedins_code": CODE}
    number = hospital.call("9101", {"fsUploadIn": row})["file_qury_no"]
    data = {"setl_optins": "441700", "file_qury_no": number, "stmt_begndate": NOW, "stmt_enddate": NOW}
    data |= {
        "medfee_sumamt": "46.00",
        "fund_pay_sumamt": "0",
        "cash_payamt": "0",
        "fixmedins_setl_cnt": "3",
        "clr_type": "11",
    }
    told = hospital.call("3202", {"data": data})["fileinfo"]
    wanted = {"file_qury_no": told["file_qury_no"], "filename": told["filename"], "fixmedins_code": CODE}
    reply = hospital.post("9102", {"fsDownloadIn": wanted})
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        result = [line.split("\t") for line in archive.read(archive.namelist()[0]).decode().splitlines()]
    verdicts = {line[2]: line[4] for line in result}
    assert verdicts == {first.setl_id: "0", second.setl_id: "103", "S1": "102", third.setl_id: "101"}
    msgids = {line[2]: line[3] for line in result}
    assert msgids[third.setl_id].startswith(CODE), "the message to reverse, if need be"
    assert "不符" in hospital.refused("3202", {"data": data | {"fixmedins_setl_cnt": "4"}})
    assert "未找到" in hospital.refused("3202", {"data": data | {"file_qury_no": "fsi/up/none"}})


def test_a_document_is_replaced_by_itself_and_withdrawn_once(hospital: Hospital, sandbox: RunningSandbox) -> None:
    row = {"fixmedins_mdtrt_id": "V1", "bkkp_sn": "1", "fee_ocur_time": f"{NOW} 08:00:00", "fixmedins_code": CODE}
    row |= {"fixmedins_name": "示例", "cnt": "1", "pric": "2", "det_item_fee_sumamt": "2"}
    rows = {"fsiOwnpayPatnFeeListDDTO": [row, row | {"bkkp_sn": "2"}]}
    hospital.call("4201A", rows)
    hospital.call("4201A", rows)
    assert len(sandbox.books("4201A")) == 2
    gone = {"feedetail": {"fixmedins_mdtrt_id": "V1", "fixmedins_code": CODE}}
    hospital.call("4204", gone)
    assert "未找到" in hospital.refused("4204", gone)
    done = {"fixmedins_mdtrt_id": "V1", "fixmedins_code": CODE, "cplt_flag": "1"}
    assert "未找到" in hospital.refused("4203", done)


def prescription(visit: Visit, **changes: str) -> dict[str, Any]:
    head = {
        "hosp_rxno": "RX1",
        "rx_type_code": "1",
        "prsc_time": f"{NOW} 08:00:00",
        "rx_drug_nums": "1",
        "valid_days": "3",
    }
    head |= {
        "valid_end_time": "2099-01-01 00:00:00",
        "rx_cotn_flag": "0",
        "rx_file": "UERG",
        "rx_circ_flag": "1",
    } | changes
    drug = {
        "med_list_codg": "X1",
        "drug_genname": "示例",
        "drug_dosform": "片",
        "drug_spec": "1g",
        "drug_cnt_unit": "盒",
    }
    drug |= {"medc_way_codg": "1", "medc_way_dscr": "口服", "medc_starttime": f"{NOW} 08:00:00"}
    drug |= {
        "medc_endtime": f"{NOW} 09:00:00",
        "medc_days": "1",
        "prdr_name": "示例厂",
        "drug_cnt": "1",
        "drug_pric": "2",
        "drug_sumamt": "2",
    }
    diagnosis = {name: value for name, value in visit.diagnosis(1).items() if name != "vali_flag"}
    return {"data": head, "rxdrugdetail": [drug], "mdtrtinfo": visiting(visit), "diseinfo": [diagnosis]}


def visiting(visit: Visit) -> dict[str, Any]:
    row = {"mdtrt_id": visit.mdtrt_id, "psn_no": visit.who["psn_no"], "patn_name": visit.who["psn_name"], "age": "30"}
    row |= {"med_type": "11", "ipt_op_no": "MZ0001", "gend": "2", "insuplc_admdvs": "441700", "psn_cert_type": "01"}
    row |= {"certno": visit.who["certno"], "insutype": "310", "prsc_dept_name": "妇科", "prsc_dept_code": "A01"}
    row |= {"prsc_dr_name": "陈示例", "phar_name": "林示例", "phar_chk_time": f"{NOW} 08:00:00", "sp_dise_flag": "0"}
    row |= {"mdtrt_time": f"{NOW} 08:00:00", "diag_code": "A00.10x001", "diag_name": "示例诊断1", "rgst_fee": "0"}
    return row


def test_a_prescription_has_one_number_and_is_withdrawn_once(hospital: Hospital, sandbox: RunningSandbox) -> None:
    visit = Visit(hospital, sandbox)
    visit.register()
    number = hospital.call("7101", prescription(visit))["data"]["hi_rxno"]
    assert hospital.call("7101", prescription(visit))["data"]["hi_rxno"] == number, "sent again with the same content"
    assert "不一致" in hospital.refused("7101", prescription(visit, valid_days="5"))
    asked = {
        "mdtrt_cert_type": "01",
        "mdtrt_cert_no": visit.who["token"],
        "insuplc_admdvs": "441700",
        "ip_info": "192.0.2.1",
    }
    asked |= {"opter": "1", "opter_name": "示例", "optins": CODE}
    (listed,) = hospital.call("7202", {"data": asked})["data"]
    fetched = hospital.call("7203", {"data": {"auth_rxno": listed["auth_rxno"], "insuplc_admdvs": "441700"}})
    assert fetched["data"]["hi_rxno"] == number
    assert fetched["rxdrugdetail"][0]["drug_genname"] == "示例"
    undo = {"hi_rxno": number, "prsc_dr_name": "陈示例", "undo_dr_certno": "441700190001010000", "undo_rea": "开错"}
    undo |= {"undo_time": f"{NOW} 09:00:00"}
    hospital.call("7104", {"data": undo})
    assert "已撤销" in hospital.refused("7104", {"data": undo})
    assert "不存在" in hospital.refused("7104", {"data": undo | {"hi_rxno": "none"}})
    assert hospital.call("7202", {"data": asked})["data"] == []
