"""3301 3302 3360 1317 5163."""

from __future__ import annotations

from datetime import date, timedelta
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


def test_the_same_relation_with_another_end_changes_its_end(hospital: Hospital) -> None:
    code = code_of(hospital, "101")
    hospital.call("3301", {"data": [relation(code)]})
    assert "已有对照" in hospital.refused("3301", {"data": [relation(code)]})
    hospital.call("3301", {"data": [relation(code, enddate="2026-06-30")]})
    assert [row["enddate"] for row in in_force(hospital)] == ["2026-06-30"]


def test_one_item_twice_in_a_batch_is_refused(hospital: Hospital) -> None:
    code, other = code_of(hospital, "101"), code_of(hospital, "101", 1)
    assert "已有对照" in hospital.refused("3301", {"data": [relation(code), relation(other)]})
    assert in_force(hospital) == []


def test_names_and_codes_have_their_lengths(hospital: Hospital) -> None:
    code = code_of(hospital, "101")
    assert "200" in hospital.refused("3301", {"data": [relation(code, fixmedins_hilist_name="药" * 201)]})
    assert "30" in hospital.refused("3301", {"data": [relation(code, item="Y" * 31)]})


def test_another_institution_cannot_take_them_back(hospital: Hospital) -> None:
    code = code_of(hospital, "101")
    hospital.call("3301", {"data": [relation(code)]})
    gone = {"fixmedins_code": "H44170200002", "fixmedins_hilist_id": "YP001", "list_type": "101", "med_list_codg": code}
    assert "本机构" in hospital.refused("3302", {"data": gone})


def test_what_unsettled_fees_use_cannot_be_taken_back(hospital: Hospital, sandbox: RunningSandbox) -> None:
    code = code_of(hospital, "101")
    hospital.call("3301", {"data": [relation(code)]})
    fee = {"fixmedins_code": CODE, "medins_list_codg": "YP001", "med_list_codg": code, "setl_id": "", "mdtrt_id": "1"}
    sandbox.put("fees", fee, "1|1")
    gone = {"fixmedins_code": CODE, "fixmedins_hilist_id": "YP001", "list_type": "101", "med_list_codg": code}
    assert "未结算" in hospital.refused("3302", {"data": gone})
    sandbox.put("fees", {**fee, "setl_id": "S1"}, "1|1")
    hospital.call("3302", {"data": gone})


def test_a_begin_too_far_in_the_past() -> None:
    today = date.today()
    with running_sandbox(mapping_past_days=30) as sandbox:
        hospital = Hospital(sandbox.url)
        code = code_of(hospital, "101")
        old, fresh = str(today - timedelta(days=40)), str(today - timedelta(days=20))
        assert "补录期限" in hospital.refused("3301", {"data": [relation(code, begndate=old)]})
        hospital.call("3301", {"data": [relation(code, begndate=fresh)]})


def test_a_review_by_itself_refuses_some() -> None:
    with running_sandbox(review_refuse_every=2) as sandbox:
        hospital = Hospital(sandbox.url)
        hospital.call("3301", {"data": [relation(code_of(hospital, "101", n), f"A{n}") for n in range(4)]})
        assert len(in_force(hospital)) == 2
        failed = reviewed(hospital, chk_stas="2")
        assert [row["medins_hilist_id"] for row in failed] == ["A1", "A3"]
        assert all("请核对" in row["memo"] for row in failed)


def test_a_review_gives_its_words() -> None:
    with running_sandbox(review_seconds=-1) as sandbox:
        hospital = Hospital(sandbox.url)
        hospital.call("3301", {"data": [relation(code_of(hospital, "101"), "A1")]})
        sandbox.review("all", "3", "请补充批准文号")
        (row,) = reviewed(hospital)
        assert (row["chk_stas"], row["memo"]) == ("3", "请补充批准文号")


def test_pages_of_both_queries(hospital: Hospital) -> None:
    code = code_of(hospital, "101")
    for start in range(0, 250, 50):
        hospital.call("3301", {"data": [relation(code, f"P{n:03}") for n in range(start, start + 50)]})
    pages = [hospital.call("1317", {"data": {"updt_time": "2020-01-01", "page_num": str(n), "page_size": "100"}})
             for n in (1, 2, 3, 4)]  # fmt: skip
    assert [len(one["data"]) for one in pages] == [100, 100, 50, 0]
    assert {(one["recordCounts"], one["pages"]) for one in pages} == {(250, 3)}
    assert len({row["medins_list_codg"] for one in pages for row in one["data"]}) == 250
    turns = [hospital.call("5163", {"catalog": {"begnrow": begin}})["result"] for begin in ("1", "101", "201", "301")]
    assert [len(one["catalogmatchinfo"]) for one in turns] == [100, 100, 50, 0]
    assert {one["totlcnt"] for one in turns} == {250}
    assert turns[1]["catalogmatchinfo"][0]["seq"] == 101


def test_what_changed_since_and_what_holds_on_a_day(hospital: Hospital) -> None:
    code = code_of(hospital, "101")
    hospital.call("3301", {"data": [relation(code, begndate="2025-01-01", enddate="2025-12-31")]})
    tomorrow = str(date.today() + timedelta(days=2))
    asked = {"updt_time": tomorrow, "page_num": "1", "page_size": "100"}
    assert hospital.call("1317", {"data": asked})["data"] == []
    assert len(in_force(hospital, query_date="2025-12-31")) == 1
    assert in_force(hospital, query_date="2026-01-01") == []


def test_the_bureaus_own_hand(hospital: Hospital, sandbox: RunningSandbox) -> None:
    row = {"fixmedins_hilist_id": "X1", "list_type": "101", "med_list_codg": "X0001", "begndate": "2025-01-01"}
    key = sandbox.put("mappings", row)
    assert [one["medins_list_codg"] for one in in_force(hospital)] == ["X1"]
    sandbox.remove("mappings", key)
    assert in_force(hospital) == []
