"""3301 3302 3360 1317 5163."""

from __future__ import annotations

from typing import Any

from tests.sandbox.client import CODE, Hospital
from tests.sandbox_fixture import RunningSandbox, running_sandbox


def code_of(hospital: Hospital, list_type: str, place: int = 0) -> str:
    row = {"updt_time": "2020-01-01", "page_num": "1", "page_size": "20", "list_type": list_type}
    return str(hospital.call("1312", {"data": row})["data"][place]["hilist_code"])


def relation(code: str, item: str = "YP001", **changes: Any) -> dict[str, Any]:
    row = {"fixmedins_hilist_id": item, "fixmedins_hilist_name": "示例药品", "list_type": "101", "med_list_codg": code}
    return row | {"begndate": "2025-01-01", "enddate": "2099-12-31", "aprvno": "示例准字1"} | changes


def in_force(hospital: Hospital, **filters: str) -> list[dict[str, Any]]:
    row = {"updt_time": "2020-01-01", "page_num": "1", "page_size": "100", **filters}
    found: list[dict[str, Any]] = hospital.call("1317", {"data": row})["data"]
    return found


def reviewed(hospital: Hospital, **filters: str) -> list[dict[str, Any]]:
    found = hospital.call("5163", {"catalog": filters})["result"]
    assert found["totlcnt"] >= len(found["catalogmatchinfo"])
    rows: list[dict[str, Any]] = found["catalogmatchinfo"]
    return rows


def test_a_relation_is_told_and_comes_back(hospital: Hospital) -> None:
    code = code_of(hospital, "101")
    hospital.call("3301", {"data": [relation(code)]})
    (row,) = in_force(hospital)
    assert (row["medins_list_codg"], row["med_list_codg"], row["fixmedins_code"]) == ("YP001", code, CODE)
    assert (row["begndate"], row["enddate"], row["vali_flag"]) == ("2025-01-01", "2099-12-31", "1")
    assert in_force(hospital, med_list_codg="other") == []


def test_overlaps_are_refused_and_a_following_period_is_not(hospital: Hospital) -> None:
    code, other = code_of(hospital, "101"), code_of(hospital, "101", 1)
    hospital.call("3301", {"data": [relation(code, enddate="2025-12-31")]})
    assert "已有对照" in hospital.refused("3301", {"data": [relation(other, begndate="2025-12-31")]})
    hospital.call("3301", {"data": [relation(other, begndate="2026-01-01")]})
    assert len(in_force(hospital)) == 2


def test_codes_must_exist_and_fit(hospital: Hospital, sandbox: RunningSandbox) -> None:
    code = code_of(hospital, "101")
    assert "不在国家目录" in hospital.refused("3301", {"data": [relation("XJ01CA99999999999999999")]})
    assert "不符" in hospital.refused("3301", {"data": [relation(code, list_type="301")]})
    assert "早于" in hospital.refused("3301", {"data": [relation(code, begndate="2020-01-01")]})
    assert "早于" in hospital.refused("3301", {"data": [relation(code, enddate="2024-01-01")]})
    batch = [relation(code, "A1"), relation("XJ01CA99999999999999999", "A2")]
    assert hospital.refused("3301", {"data": batch})
    assert in_force(hospital) == []
    assert sandbox.books("mappings") == []


def test_removal_and_ending(hospital: Hospital) -> None:
    code = code_of(hospital, "101")
    hospital.call("3301", {"data": [relation(code)]})
    ending = {name: relation(code)[name] for name in ("fixmedins_hilist_id", "fixmedins_hilist_name", "list_type")}
    hospital.call("3360", {"catalog": ending | {"med_list_codg": code, "enddate": "2025-06-30"}})
    assert in_force(hospital)[0]["enddate"] == "2025-06-30"
    gone = {"fixmedins_code": CODE, "fixmedins_hilist_id": "YP001", "list_type": "101", "med_list_codg": code}
    hospital.call("3302", {"data": gone})
    assert in_force(hospital, vali_flag="1") == []
    assert "未找到" in hospital.refused("3302", {"data": gone})
    assert "未找到" in hospital.refused("3360", {"catalog": ending | {"med_list_codg": code, "enddate": "2025-06-30"}})
    hospital.call("3301", {"data": [relation(code)]})
    assert len(in_force(hospital, vali_flag="1")) == 1


def test_review_by_hand() -> None:
    with running_sandbox(review_seconds=-1) as sandbox:
        hospital = Hospital(sandbox.url)
        rows = [relation(code_of(hospital, "101"), "A1"), relation(code_of(hospital, "101", 1), "A2")]
        hospital.call("3301", {"data": rows})
        assert in_force(hospital) == []
        assert {row["chk_stas"] for row in reviewed(hospital)} == {"0"}
        key = next(row["_key"] for row in sandbox.books("mappings") if row["fixmedins_hilist_id"] == "A2")
        assert sandbox.review([key], "2") == 1
        assert sandbox.review() == 1
        assert [row["medins_list_codg"] for row in in_force(hospital)] == ["A1"]
        assert [row["medins_hilist_id"] for row in reviewed(hospital, chk_stas="2")] == ["A2"]
        hospital.call("3301", {"data": [rows[1]]})
        assert [row["seq"] for row in reviewed(hospital, fixmedins_hilist_id="A2")] == [1]


def test_review_after_a_while() -> None:
    import time

    with running_sandbox(review_seconds=1.0) as sandbox:
        hospital = Hospital(sandbox.url)
        hospital.call("3301", {"data": [relation(code_of(hospital, "101"))]})
        assert in_force(hospital) == []
        time.sleep(1.1)
        assert len(in_force(hospital)) == 1


def test_the_older_spelling_of_another_edition() -> None:
    with running_sandbox(edition="guangzhou") as sandbox:
        hospital = Hospital(sandbox.url)
        code = code_of(hospital, "101")
        assert "data" in hospital.refused("3301", {"data": [relation(code)]})
        row = relation(code) | {"drugadm_strdcod": "", "genname_no": "", "pric": "1"}
        hospital.call("3301", {"catalogcompin": [row]})
        assert len(in_force(hospital)) == 1
