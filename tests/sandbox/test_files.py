"""9101, 9102 and the catalogues that come as files or pages (protocol 7, 8)."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections import Counter
from typing import Any

import pytest

from tests.sandbox.client import CODE, Hospital
from tests.sandbox_fixture import RunningSandbox, running_sandbox


def archive(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(name, content)
    return made.getvalue()


def up(hospital: Hospital, value: Any, name: str = "a.zip") -> dict[str, Any]:
    found: dict[str, Any] = hospital.call(
        "9101", {"fsUploadIn": {"in": value, "filename": name, "fixmedins_code": CODE}}
    )
    return found


def down(hospital: Hospital, told: dict[str, Any], code: str = CODE) -> Any:
    wanted = {"file_qury_no": told["file_qury_no"], "filename": told["filename"], "fixmedins_code": code}
    return hospital.post("9102", {"fsDownloadIn": wanted})


CONTENT = archive("a.txt", "第一行\t值\n".encode()) + bytes(range(256))


@pytest.mark.parametrize(
    "value",
    [
        [byte - 256 if byte > 127 else byte for byte in CONTENT],
        list(CONTENT),
        base64.b64encode(CONTENT).decode(),
    ],
    ids=["signed", "unsigned", "base64"],
)
def test_bytes_travel_in_three_ways(hospital: Hospital, value: Any) -> None:
    told = up(hospital, value)
    assert len(told["file_qury_no"]) <= 30
    reply = down(hospital, told)
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.content == CONTENT


def test_an_upload_that_is_no_file(hospital: Hospital) -> None:
    for value in ([300], ["a"], [], "不是base64", [-129]):
        assert hospital.refused("9101", {"fsUploadIn": {"in": value, "filename": "a.zip", "fixmedins_code": CODE}})


def test_number_name_and_owner_must_fit(hospital: Hospital) -> None:
    told = up(hospital, list(CONTENT))
    assert down(hospital, told | {"filename": "b.zip"}).json()["infcode"] == -1
    assert down(hospital, told | {"file_qury_no": "fsi/none"}).json()["infcode"] == -1
    assert "无权" in down(hospital, told, "plc2").json()["err_msg"]
    other = hospital.post(
        "9102",
        {"fsDownloadIn": {"file_qury_no": told["file_qury_no"], "filename": told["filename"], "fixmedins_code": CODE}},
        fixmedins_code="H44170200003",
    )
    assert "无权" in other.json()["err_msg"]


def test_a_large_file_is_taken(hospital: Hospital) -> None:
    content = archive("big.txt", bytes(range(256)) * 4000)
    content += b"\0" * (3 * 1024 * 1024)
    assert down(hospital, up(hospital, base64.b64encode(content).decode())).content == content


def test_files_expire() -> None:
    with running_sandbox(file_days=-1) as sandbox:
        hospital = Hospital(sandbox.url)
        assert "过期" in down(hospital, up(hospital, list(CONTENT))).json()["err_msg"]
        told = hospital.call("1309", {"data": {"ver": "0"}})
        assert "过期" in down(hospital, told, "plc").json()["err_msg"]


def rows_of(reply: Any, told: dict[str, Any]) -> list[list[str]]:
    assert reply.content.startswith(b"PK\x03\x04")
    with zipfile.ZipFile(io.BytesIO(reply.content)) as zipped:
        assert zipped.namelist() == [told["filename"].removesuffix(".zip")]
        text = zipped.read(zipped.namelist()[0]).decode("utf-8")
    return [line.split("\t") for line in text.splitlines()]


# columns of the sources: how many, and where med_list_codg or the code, vali_flag, rid and ver stand (from 1)
LAYOUTS = {"1301": (97, 79, 80, 83), "1302": (33, 14, 15, 18), "1305": (19, 7, 14, 15), "1309": (16, 6, 7, 10)}


@pytest.mark.parametrize("infno", LAYOUTS)
def test_a_catalogue_comes_as_a_file(hospital: Hospital, infno: str) -> None:
    width, vali, rid, ver = LAYOUTS[infno]
    told = hospital.call(infno, {"data": {"ver": "0"}})
    assert re.fullmatch(r"fsi/plc/[0-9a-f]{30}", told["file_qury_no"])
    assert re.fullmatch(r"\d+\.txt\.zip", told["filename"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", told["dld_end_time"])
    rows = rows_of(down(hospital, told, "plc"), told)
    assert len(rows) == told["data_cnt"] > 50
    assert {len(row) for row in rows} == {width}
    assert {row[vali - 1] for row in rows} == {"1"}
    assert len({row[rid - 1] for row in rows}) == len(rows)
    assert "null" in {cell for row in rows for cell in row}
    versions = sorted({row[ver - 1] for row in rows})
    middle = hospital.call(infno, {"data": {"ver": versions[1]}})
    assert middle["data_cnt"] == sum(1 for row in rows if row[ver - 1] > versions[1])
    assert hospital.call(infno, {"data": {"ver": versions[-1]}})["data_cnt"] == 0
    assert hospital.call(infno, {"data": {"ver": "v0000"}})["data_cnt"] == len(rows)


def test_time_columns_may_be_java_text(hospital: Hospital) -> None:
    told = hospital.call("1305", {"data": {"ver": "0"}})
    assert hospital.refused("1305", {"data": {"ver": ""}})
    told = hospital.call("1309", {"data": {"ver": "0"}})
    first = rows_of(down(hospital, told, CODE), told)[0]
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d CST \d{4}", first[7])


def test_a_new_version_brings_only_what_is_newer(hospital: Hospital, sandbox: RunningSandbox) -> None:
    first = hospital.call("1305", {"data": {"ver": "0"}})
    before = rows_of(down(hospital, first, "plc"), first)
    ver = max(row[14] for row in before)
    edition = sandbox.publish("1305", rows=20)
    told = hospital.call("1305", {"data": {"ver": ver}})
    rows = rows_of(down(hospital, told, "plc"), told)
    known = {row[13] for row in before}
    assert len(rows) == told["data_cnt"] == 40
    assert {row[14] for row in rows} == {edition["ver"]}
    assert sum(row[13] in known for row in rows) == 20, "half of them change what is known"
    assert {row[6] for row in rows} == {"0", "1"}, "some ended"
    assert hospital.call("1305", {"data": {"ver": edition["ver"]}})["data_cnt"] == 0
    sandbox.fault("stale_page", "1305")
    assert hospital.call("1305", {"data": {"ver": ver}})["data_cnt"] == 0
    assert len(rows_of(down(hospital, first, "plc"), first)) == len(before), "a file once named keeps its content"


def test_as_many_rows_as_asked_for() -> None:
    with running_sandbox(catalogue_rows=30000) as sandbox:
        hospital = Hospital(sandbox.url)
        told = hospital.call("1301", {"data": {"ver": "0"}})
        assert told["data_cnt"] == 30000
        assert len(rows_of(down(hospital, told, "plc"), told)) == 30000


PAGED = ("1304", "1312", "1316", "1318", "1319")


@pytest.mark.parametrize("infno", PAGED)
def test_pages(hospital: Hospital, infno: str) -> None:
    def ask(number: int, size: int, **more: str) -> dict[str, Any]:
        row = {"updt_time": "2020-01-01", "page_num": str(number), "page_size": str(size), **more}
        found: dict[str, Any] = hospital.call(infno, {"data": row})
        return found

    size = 15 if infno == "1304" else 900
    first, total = ask(1, size), ask(1, 1)["recordCounts"]
    found = list(first["data"])
    for number in range(2, first["pages"] + 1):
        found += ask(number, size)["data"]
    assert len(found) == total == first["recordCounts"]
    assert len({row["rid"] for row in found}) == total
    assert ask(first["pages"] + 1, size)["data"] == []
    assert ask(1, 5, updt_time="2099-01-01")["recordCounts"] == 0
    words = hospital.refused(infno, {"data": {"updt_time": "2020-01-01", "page_num": "1", "page_size": "1001"}})
    assert "1000" in words
    assert hospital.refused(infno, {"data": {"updt_time": "", "page_num": "1", "page_size": "10"}})


def test_the_chain_from_national_code_to_ceiling(hospital: Hospital) -> None:
    def first(infno: str, **filters: str) -> list[dict[str, Any]]:
        row = {"updt_time": "2020-01-01", "page_num": "1", "page_size": "10", **filters}
        found: list[dict[str, Any]] = hospital.call(infno, {"data": row})["data"]
        return found

    ceiling = first("1318")[0]
    code = ceiling["hilist_code"]
    assert first("1316", medins_list_codg=code)[0]["med_list_codg"] == code
    assert first("1312", hilist_code=code)[0]["chrgitm_lv"] in ("01", "02", "03")
    assert {row["hilist_lmtpric_type"] for row in first("1318", hilist_code=code)} == {"1", "2", "3"}
    assert first("1312", hilist_code="none") == []


def test_dictionaries_in_both_forms(hospital: Hospital) -> None:
    asked = {"type": "gend", "parentValue": "x", "admdvs": "441700", "date": "2025-01-01", "valiFlag": "1"}
    found = hospital.call("1901", {"data": asked})["list"]
    assert {row["value"] for row in found} >= {"1", "2"}
    assert "不存在" in hospital.refused("1901", {"data": asked | {"type": "none"}})
    with running_sandbox(dictionary_form="file") as other:
        caller = Hospital(other.url)
        told = caller.call("1901", {"data": {"admdvs": "441700"}})["fileinfo"]
        rows = rows_of(down(caller, told), told)
        assert ["gend", "1"] in [row[:2] for row in rows]


def dirty(hospital: Hospital, sandbox: RunningSandbox, fault: str, infno: str = "1301", **options: Any) -> Any:
    """The lines of a catalogue's file under a fault, beside the clean ones."""
    told = hospital.call(infno, {"data": {"ver": "0"}})
    clean = rows_of(down(hospital, told, "plc"), told)
    sandbox.fault(fault, "9102", **options)
    with zipfile.ZipFile(io.BytesIO(down(hospital, told, "plc").content)) as zipped:
        content = zipped.read(zipped.namelist()[0])
    return clean, content


def test_dirty_files(hospital: Hospital, sandbox: RunningSandbox) -> None:
    def soiled(fault: str, **options: Any) -> tuple[list[list[str]], list[list[str]]]:
        clean, content = dirty(hospital, sandbox, fault, **options)
        return clean, [line.split("\t") for line in content.decode().splitlines()]

    clean, content = dirty(hospital, sandbox, "gbk")
    with pytest.raises(UnicodeDecodeError):
        content.decode()
    assert content.decode("gb18030").splitlines()[0].split("\t") == clean[0]
    assert dirty(hospital, sandbox, "empty_file")[1] == b""
    clean, rows = soiled("fewer_columns", rows=5)
    assert {len(row) for row in rows} == {92}
    clean, rows = soiled("more_columns", rows=2)
    assert {len(row) for row in rows} == {99}
    clean, rows = soiled("duplicate_rid")
    assert rows[-1][79] == rows[0][79]
    assert rows[-1][1] != rows[0][1]
    assert len(soiled("lost_rows", rows=3)[1]) == len(clean) - 3
    assert len(soiled("broken_row", rows=2)[1]) == len(clean) + 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", soiled("iso_dates")[1][5][80])
    assert soiled("bad_dates")[1][0][36] == "2024-13-41"


def test_other_troubles_on_demand(hospital: Hospital, sandbox: RunningSandbox) -> None:
    sandbox.fault("wrong_count", "1301", by=7)
    wrong, right = (hospital.call("1301", {"data": {"ver": "0"}})["data_cnt"] for _ in range(2))
    assert wrong == right + 7
    sandbox.fault("expired_file", "9102")
    told = hospital.call("1309", {"data": {"ver": "0"}})
    assert "过期" in down(hospital, told, "plc").json()["err_msg"]
    row = {"updt_time": "2020-01-01", "page_num": "3", "page_size": "10"}
    sandbox.fault("repeat_page", "1318")
    sandbox.fault("wrong_count", "1318", after=1, by=-1)
    pages = [hospital.call("1318", {"data": row | {"page_num": number}}) for number in ("3", "1", "3")]
    assert pages[0]["data"] == pages[1]["data"] != pages[2]["data"]
    assert pages[1]["recordCounts"] == pages[2]["recordCounts"] - 1


def test_siblings_are_near_but_not_the_same(hospital: Hospital) -> None:
    told = hospital.call("1301", {"data": {"ver": "0"}})
    rows = rows_of(down(hospital, told, "plc"), told)
    name, spec, pack, maker, number = 7, 13, 31, 53, 61
    told_apart = {(row[name], row[spec], row[pack], row[maker]) for row in rows}
    assert len(told_apart) == len(rows), "each row differs in something that a pharmacist sees"
    family = [row for row in rows if row[name] == rows[0][name] and row[maker] == rows[0][maker]]
    assert len({row[spec] for row in family}) > 1
    assert len({row[pack] for row in family}) > 1
    assert len({row[maker] for row in rows if row[name] == rows[0][name]}) > 1
    assert len({row[number] for row in rows}) < len(rows), "packs of one strength share an approval number"
    assert all("示例" in row[maker] and "示例" in row[number] for row in rows), "nobody can take them for real"
    assert rows[0][name] == "阿莫西林片"
    assert rows[0][50] == "AMXLP"


def test_consumables_and_services_are_told_apart_by_what_their_row_says(hospital: Hospital) -> None:
    for infno, columns in (("1306", (1, 7, 59)), ("1305", (9,))):
        told = hospital.call(infno, {"data": {"ver": "0"}})
        rows = rows_of(down(hospital, told, "plc"), told)
        seen = Counter(tuple(row[column] for column in columns) for row in rows)
        assert not [one for one, count in seen.items() if count > 1]


def first_page(hospital: Hospital, infno: str, **filters: str) -> list[dict[str, Any]]:
    row = {"updt_time": "2020-01-01", "page_num": "1", "page_size": "100", **filters}
    found: list[dict[str, Any]] = hospital.call(infno, {"data": row})["data"]
    return found


def test_a_version_with_a_switch_of_codes(hospital: Hospital, sandbox: RunningSandbox) -> None:
    codes = [row["hilist_code"] for row in first_page(hospital, "1318", hilist_lmtpric_type="3")[:4]]
    before = {code: first_page(hospital, "1318", hilist_code=code) for code in codes}
    edition = sandbox.publish(
        "1301", rows=0, ended=codes[:2], renamed=[codes[2]], priced=[codes[3]], successors=True, effective="2099-12-01"
    )
    heirs = edition["codes"]["successors"]
    assert list(heirs) == codes[:2]
    told = hospital.call("1301", {"data": {"ver": "v20250305001"}})
    rows = {row[0]: row for row in rows_of(down(hospital, told, "plc"), told)}
    assert set(rows) == {*codes[:3], *heirs.values()}, "what only costs another price is no new row of the catalogue"
    assert rows[codes[0]][37] == "2099-11-30"
    assert rows[codes[0]][78] == "1", "in force until the day before"
    assert rows[heirs[codes[0]]][36] == "2099-12-01"
    assert rows[heirs[codes[0]]][7] == rows[codes[0]][7]
    assert rows[codes[2]][7].endswith("修订）")
    cheaper = first_page(hospital, "1318", hilist_code=codes[3])
    assert float(cheaper[0]["hilist_pric_uplmt_amt"]) < float(before[codes[3]][0]["hilist_pric_uplmt_amt"])
    today = edition["day"]
    assert codes[3] in {row["hilist_code"] for row in first_page(hospital, "1318", updt_time=today)}
    assert {row["med_list_codg"] for row in first_page(hospital, "1316", updt_time=today)} == {*codes, *heirs.values()}
    assert first_page(hospital, "1316", medins_list_codg=heirs[codes[0]])[0]["begndate"][:10] == "2099-12-01"


def test_another_class(hospital: Hospital, sandbox: RunningSandbox) -> None:
    row = first_page(hospital, "1312", chrgitm_lv="01", list_type="101")[0]
    sandbox.publish("1301", rows=0, classed=[row["hilist_code"]])
    assert first_page(hospital, "1312", hilist_code=row["hilist_code"])[0]["chrgitm_lv"] == "02"
    shares = first_page(hospital, "1319", hilist_code=row["hilist_code"])
    assert {share["selfpay_prop"] for share in shares} == {0.1}


def test_publishing_what_there_is_not(sandbox: RunningSandbox) -> None:
    with pytest.raises(ValueError, match="没有编码"):
        sandbox.publish("1301", rows=0, ended=["XNONE000000001"])
    with pytest.raises(ValueError, match="不认识的参数"):
        sandbox.publish("1301", rows=0, finished=1)
