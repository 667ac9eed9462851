"""1101 and 2001: seeded persons, found by three credentials."""

from __future__ import annotations

from typing import Any

from tests.sandbox.client import Hospital
from tests.sandbox_fixture import RunningSandbox


def person_with(sandbox: RunningSandbox, *insurances: str, area: str = "441700", stas: str = "1") -> dict[str, Any]:
    for row in sandbox.books("persons"):
        held = [i["insutype"] for i in row["insuinfo"] if i["psn_insu_stas"] == stas and i["insuplc_admdvs"] == area]
        if set(insurances) <= set(held):
            found: dict[str, Any] = row
            return found
    raise AssertionError(f"nobody with {insurances} in {area}")


def ask(kind: str, number: str, **more: str) -> dict[str, Any]:
    return {"data": {"mdtrt_cert_type": kind, "mdtrt_cert_no": number, **more}}


def test_one_person_by_three_credentials(hospital: Hospital, sandbox: RunningSandbox) -> None:
    row = person_with(sandbox, "310", "510")
    answers = [
        hospital.call("1101", ask("01", row["token"]), insuplc_admdvs=""),
        hospital.call("1101", ask("02", row["certno"])),
        hospital.call("1101", ask("99", row["certno"])),
        hospital.call("1101", ask("03", row["card_no"], card_sn=row["card_sn"])),
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["baseinfo"]["psn_no"] == row["psn_no"]
    assert answers[0]["baseinfo"]["age"] > 0
    assert {i["insutype"] for i in answers[0]["insuinfo"]} == {"310", "510"}
    assert all(i["insuplc_admdvs"] == "441700" for i in answers[0]["insuinfo"])


def test_residents_and_people_from_elsewhere(hospital: Hospital, sandbox: RunningSandbox) -> None:
    assert person_with(sandbox, "390")
    areas = {i["insuplc_admdvs"] for row in sandbox.books("persons") for i in row["insuinfo"]}
    assert len(areas) > 1


def test_credentials_that_do_not_fit(hospital: Hospital, sandbox: RunningSandbox) -> None:
    row = person_with(sandbox, "310")
    assert "未查询到" in hospital.refused("1101", ask("02", "441700190012310000"))
    assert "card_sn" in hospital.refused("1101", ask("03", row["card_no"]))
    assert "姓名" in hospital.refused("1101", ask("02", row["certno"], psn_name="别人"))
    assert "未查询到" in hospital.refused("1101", ask("01", row["certno"]))


def benefit(hospital: Hospital, row: dict[str, Any], insutype: str, **changes: str) -> dict[str, Any]:
    data = {"psn_no": row["psn_no"], "insutype": insutype, "fixmedins_code": "H44170200001", "med_type": "11"}
    found = hospital.call("2001", {"data": data | {"begntime": "2025-01-01 00:00:00"}}, **changes)["trtinfo"]
    (line,) = found
    return dict(line)


def test_benefits_follow_the_insurance(hospital: Hospital, sandbox: RunningSandbox) -> None:
    row = person_with(sandbox, "310")
    assert benefit(hospital, row, "310")["trt_enjymnt_flag"] == "1"
    other = benefit(hospital, row, "390")
    assert other["trt_enjymnt_flag"] == "0"
    assert "未参加" in other["trt_chk_rslt"]
    row["insuinfo"] = [i | {"psn_insu_stas": "2", "paus_insu_date": "2025-01-01"} for i in row["insuinfo"]]
    sandbox.put("persons", row, key=row["psn_no"])
    stopped = benefit(hospital, row, "310")
    assert stopped["trt_enjymnt_flag"] == "0"
    assert "暂停" in stopped["trt_chk_rslt"]


def test_the_insured_area_must_be_the_persons(hospital: Hospital, sandbox: RunningSandbox) -> None:
    row = person_with(sandbox, "310")
    question = {"data": {"psn_no": row["psn_no"], "insutype": "310", "fixmedins_code": "H44170200001", "med_type": "11",
                         "begntime": "2025-01-01 00:00:00"}}  # fmt: skip
    assert "参保地" in hospital.refused("2001", question, insuplc_admdvs="440100")
