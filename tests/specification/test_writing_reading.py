"""What travels, and what is understood of what comes back, in all the shapes that regions give it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from insurance.specification.books import open_book
from insurance.specification.checking import check
from insurance.specification.clock import SHANGHAI
from insurance.specification.errors import Unwritable
from insurance.specification.model import Field
from insurance.specification.parsing import read_value
from insurance.specification.reading import read
from insurance.specification.writing import write

BOOK = open_book()


def answer(infno: str, output: object):
    """Read an answer of a transaction."""
    return read(BOOK.transaction(infno), output)


def test_all_declared_fields_travel_in_the_tables_order():
    """Optional ones by the empty-value rule: 0 for a number, "" else."""
    written = write(BOOK.transaction("3403"), {"data": {"begntime": date(2024, 1, 2), "hosp_dept_codg": "D01"}})
    assert list(written["data"].items()) == [
        ("hosp_dept_codg", "D01"),
        ("hosp_dept_name", ""),
        ("begntime", "2024-01-02"),
    ]
    assert write(BOOK.transaction("3401"), {"deptinfo": {}})["deptinfo"]["hi_crtf_bed_cnt"] == 0


def test_absent_nodes_stay_absent_and_empty_lists_stay_empty():
    """4401 wants an empty list for no operation; what is not given is left out."""
    assert list(write(BOOK.transaction("4401"), {"baseinfo": {}, "oprninfo": [], "icuinfo": None})) == [
        "baseinfo",
        "oprninfo",
    ]
    assert write(BOOK.transaction("5101"), None) == {}


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_a_transaction_without_input_is_sent_as_an_empty_object(nothing: object):
    """What the check lets pass, writing must know how to write."""
    transaction = BOOK.transaction("5101")
    assert check(transaction, nothing, BOOK) == []
    assert write(transaction, nothing) == {}


def test_a_bare_date_stays_bare_in_a_query_only():
    """A query's bare end date means its last second; a record's date needs a time."""
    query = write(BOOK.transaction("5304"), {"data": {"begntime": "2024-01-01", "endtime": date(2024, 1, 31)}})
    assert (query["data"]["begntime"], query["data"]["endtime"]) == ("2024-01-01", "2024-01-31")
    record = write(BOOK.transaction("3401"), {"deptinfo": {"begntime": "2024-01-01"}})
    assert record["deptinfo"]["begntime"] == "2024-01-01 00:00:00"


def test_fields_directly_under_input():
    """4203 has no node."""
    assert write(BOOK.transaction("4203"), {"fixmedins_mdtrt_id": "V1"})["fixmedins_mdtrt_id"] == "V1"


@pytest.mark.parametrize(
    "message",
    [5, "x", [], {"deptinfo": 5}, {"deptinfo": []}, {"x": {}}, {"deptinfo": {"caty": {}}}, {"deptinfo": {1: 2}}],
)
def test_what_cannot_travel_is_refused(message):
    """The check says it first; writing never guesses."""
    with pytest.raises(Unwritable):
        write(BOOK.transaction("3401"), message)


def test_an_answer_can_be_written_too():
    """The stand-in platform answers by the same tables."""
    written = write(BOOK.transaction("5204"), [{"mdtrt_id": "M1"}], "output")
    assert written[0]["mdtrt_id"] == "M1"
    assert answer("5204", written).rows()[0]["mdtrt_id"] == "M1"


SIGNED = {"sign_time": datetime(2024, 1, 2, 3, 4, 5, tzinfo=SHANGHAI), "sign_no": "S1"}


@pytest.mark.parametrize(
    "output",
    [
        {"signinoutb": {"sign_time": "2024-01-02 03:04:05", "sign_no": "S1"}},
        {"signInOutB": {"SIGN_TIME": "2024-01-02T03:04:05", "Sign_No": "S1"}},
        {"signinoutb": [{"sign_time": "2024/01/02 03:04:05.000", "sign_no": "S1"}]},
        [{"signinoutb": {"sign_time": "20240102030405", "sign_no": "S1"}}],
        {"result": {"sign_time": "Tue Jan 02 03:04:05 CST 2024", "sign_no": "S1"}},
        {"sign_time": "2024-01-02 03:04:05", "sign_no": "S1"},
        [{"sign_time": "2024-01-02 03:04:05", "sign_no": "S1"}],
        {"data": {"signinoutb": {"sign_time": "1704135845000", "sign_no": "S1"}}},
        {"output": {"sign_time": "20240102030405000", "sign_no": "S1"}},
        {"signinoutb": '{"sign_time": "2024-01-02 03:04:05", "sign_no": "S1"}'},
        '{"signinoutb": {"sign_time": "2024-01-01T19:04:05Z", "sign_no": "S1"}}',
        b'{"signinoutb": {"sign_time": "2024-01-02 03:04:05", "sign_no": "S1"}}',
        {"signinoutb": None, "SIGNINOUTB": {"sign_time": "2024-01-02 03:04:05", "sign_no": "S1"}},
    ],
)
def test_one_answer_in_every_shape(output):
    """Node and field case, wrappers, levels, arrays, text: all the same answer."""
    assert answer("9001", output).row("signinoutb") == SIGNED


def test_the_misprinted_node_of_9002():
    """A provincial table calls the node by its field's name."""
    read_back = answer("9002", {"sign_time": {"sign_time": "2024-01-02 03:04:05"}})
    assert read_back.row("signoutoutb") == {"sign_time": SIGNED["sign_time"]}
    assert [str(doubt) for doubt in read_back.doubts] == ["应答 sign_time：按节点 signoutoutb 读取"]


@pytest.mark.parametrize("nothing", [None, "", "null", " null ", '"null"', "NULL", [], {}, "[]", "{}", [None]])
def test_nothing_is_nothing(nothing):
    """A success without output has no rows, no values and no doubts."""
    read_back = answer("5101", nothing)
    assert (read_back.rows("feedetail"), read_back.row("feedetail"), read_back.doubts) == ([], {}, ())
    assert read_back.values == {}


PAGE = [{"hilist_code": "H1", "updt_time": "2024-01-02 10:00:00"}, {"hilist_code": "H2", "updt_time": "null"}]


@pytest.mark.parametrize(
    "output",
    [
        {"data": PAGE, "recordCounts": 2},
        {"data": PAGE, "recordCounts": "2"},
        {"data": {"data": PAGE, "recordCounts": 2}},
        {"Data": json.dumps(PAGE), "RECORDCOUNTS": " 2 "},
    ],
)
def test_a_page_of_1312(output):
    """The table says `no node`; programs read output.data, some gateways wrap once more."""
    read_back = answer("1312", output)
    assert [(row["hilist_code"], row["updt_time"]) for row in read_back.rows("data")] == [
        ("H1", datetime(2024, 1, 2, 10, tzinfo=SHANGHAI)),
        ("H2", None),
    ]
    assert read_back.values["recordCounts"] == Decimal(2)


def test_a_page_that_is_output_itself():
    """Guangzhou's models take output as the array; 1304 gives one object under data."""
    assert [row["hilist_code"] for row in answer("1312", PAGE).rows("data")] == ["H1", "H2"]
    assert len(answer("1304", {"data": {"med_list_codg": "M1"}}).rows("data")) == 1
    assert answer("1304", {"data": {"med_list_codg": "M1"}}).doubts == ()


def test_an_output_that_is_many():
    """5204 answers an array; 4104 has lists inside its rows."""
    assert [row["mdtrt_id"] for row in answer("5204", [{"mdtrt_id": 1}, {"MDTRT_ID": "2"}]).rows()] == ["1", "2"]
    assert len(answer("5204", {"mdtrt_id": "1"}).rows(".")) == 1
    assert [row["mdtrt_id"] for row in answer("5204", {"data": [{"mdtrt_id": "1"}]}).rows()] == ["1"]
    checked = answer("4104", [{"setl_id": "S1", "detailinfo": {"err_lv": "1"}}, {"setl_id": "S2"}])
    assert [len(row["detailinfo"]) for row in checked.rows()] == [1, 0]
    assert [row["err_lv"] for row in checked.rows("detailinfo")] == ["1"]


def test_a_list_number_one_level_higher():
    """4101: output.data.setl_list_id, or directly under output."""
    assert answer("4101", {"setl_list_id": "L1"}).row("data")["setl_list_id"] == "L1"
    assert answer("4101", {"data": {"setl_list_id": "L1"}}).row("data")["setl_list_id"] == "L1"


def test_direct_fields_and_wrapped_ones():
    """13xx: file_qury_no stands directly under output, or one level deeper."""
    values = answer("1301", {"file_qury_no": "fsi/plc/1", "data_cnt": "1,200", "dld_end_time": "2024/1/5"}).values
    assert values["data_cnt"] == Decimal(1200)
    assert values["dld_end_time"] == date(2024, 1, 5)
    assert answer("1301", {"fileinfo": {"file_qury_no": "fsi/plc/1"}}).values["file_qury_no"] == "fsi/plc/1"


def test_unknown_names_are_kept():
    """Regions add fields; they stay under their own name, also as rows."""
    read_back = answer("1101", {"baseinfo": {"psn_no": "P1", "new_flag": 1}, "agnterinfo": [{"agnter_name": "某"}]})
    assert read_back.row("baseinfo")["new_flag"] == 1
    assert read_back.rows("agnterinfo") == [{"agnter_name": "某"}]
    assert read_back.row("baseinfo")["brdy"] is None


def test_a_regions_own_node_makes_no_rows_up():
    """A strange node or value that shares a name with a declared node stays what it is."""
    strange = {"psn_no": "P1", "a": 1, "b": 2}
    read_back = answer("1101", {"baseinfo": {"psn_no": "P1"}, "extrainfo": strange, "memo": "x"})
    assert (read_back.rows("insuinfo"), read_back.rows("idetinfo")) == ([], [])
    assert read_back.rows("extrainfo") == [strange]
    assert read_back.values == {"extrainfo": strange, "memo": "x"}


def test_nested_rows():
    """A dotted path gathers the rows of all parents."""
    output = {"result": {"totlcnt": "1", "catalogmatchinfo": {"seq": "1", "begndate": "20240102"}}}
    assert answer("5163", output).rows("result.catalogmatchinfo")[0]["begndate"] == date(2024, 1, 2)
    assert answer("5163", output).row("Result")["totlcnt"] == Decimal(1)


def test_bare_values_in_a_node_of_one_field():
    """Trace codes come as objects or as plain texts."""
    message = {"selinfo": {"drugtracinfo": ["81000000000000000001", {"drug_trac_codg": "2"}]}}
    read_back = read(BOOK.transaction("3505"), message, "input")
    assert [row["drug_trac_codg"] for row in read_back.rows("selinfo.drugtracinfo")] == ["81000000000000000001", "2"]


def test_what_cannot_be_read_is_kept_and_said():
    """An unreadable value stays as text; its place is reported."""
    read_back = answer("5101", {"feedetail": [{"begntime": "去年", "dr_psncnt": "三"}, 7]})
    assert read_back.rows("feedetail")[0]["begntime"] == "去年"
    assert [str(doubt) for doubt in read_back.doubts] == [
        "节点 feedetail 第 1 行 begntime：不是日期时间",
        "节点 feedetail 第 1 行 dr_psncnt：不是数字",
        "节点 feedetail 第 2 行：应是对象",
    ]
    assert [str(doubt) for doubt in answer("5101", "<html>").doubts] == ["应答：不是 JSON"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-31", datetime(2024, 1, 31)),
        ("2024/1/3", datetime(2024, 1, 3)),
        ("2024.1.3 5:06", datetime(2024, 1, 3, 5, 6)),
        ("2024年1月3日", datetime(2024, 1, 3)),
        ("20240131", datetime(2024, 1, 31)),
        ("2024-01-31 08:09:10", datetime(2024, 1, 31, 8, 9, 10)),
        ("2024-01-31 08:09:10.5", datetime(2024, 1, 31, 8, 9, 10, 500000)),
        ("2024-01-31T08:09:10.123456789", datetime(2024, 1, 31, 8, 9, 10, 123456)),
        ("2024-01-31T08:09:10.000+0800", datetime(2024, 1, 31, 8, 9, 10)),
        ("2024-01-31T00:09:10+00:00", datetime(2024, 1, 31, 8, 9, 10)),
        ("2024-01-31 24:00:00", datetime(2024, 2, 1)),
        ("20240131080910", datetime(2024, 1, 31, 8, 9, 10)),
        ("20240131080910123", datetime(2024, 1, 31, 8, 9, 10, 123000)),
        ("202401310809", datetime(2024, 1, 31, 8, 9)),
        ("Wed Jan 31 08:09:10 CST 2024", datetime(2024, 1, 31, 8, 9, 10)),
        ("wed jan 31 08:09:10 GMT+08:00 2024", datetime(2024, 1, 31, 8, 9, 10)),
        ("Wed Jan 31 00:09:10 UTC 2024", datetime(2024, 1, 31, 8, 9, 10)),
        (1706659750000, datetime(2024, 1, 31, 8, 9, 10)),
        (datetime(2024, 1, 31, 0, 9, 10, tzinfo=UTC), datetime(2024, 1, 31, 8, 9, 10)),
        (date(2024, 1, 31), datetime(2024, 1, 31)),
    ],
)
def test_every_form_of_a_moment(text, moment):
    """All forms seen become the same aware time; the same forms give a date where a date is declared."""
    when = Field("x", "某", "datetime", "", "", False, "", "")
    day = Field("x", "某", "date", "", "", False, "", "")
    assert read_value(when, text) == (moment.replace(tzinfo=SHANGHAI), "")
    assert read_value(day, text) == (moment.date(), "")


@pytest.mark.parametrize(
    "text", ["2024-13-01", "2024-02-30", "9999999999999999", "Wed Foo 31 08:09:10 CST 2024", "00000000", "x", "0", True]
)
def test_no_moment(text):
    """What has no such form or no such day stays text."""
    value, doubt = read_value(Field("x", "某", "datetime", "", "", False, "", ""), text)
    assert isinstance(value, str)
    assert doubt == "不是日期时间"


@pytest.mark.parametrize(
    ("raw", "number"),
    [("1,234.50", "1234.50"), (" 12 ", "12"), ("１", None), (1.1, "1.1"), (0, "0"), ("-.5", "-0.5"), ("5.", "5"),
     ("1e3", "1000"), ("1e9999", None), ("NaN", None), (float("inf"), None), (10**4000, None), (True, None)],
)  # fmt: skip
def test_every_form_of_a_number(raw, number):
    """Separators and blanks are left out; what is no number stays text."""
    value, doubt = read_value(Field("x", "某", "number", "16,2", "", False, "", ""), raw)
    if number is None:
        assert isinstance(value, str)
        assert doubt == "不是数字"
    else:
        assert value == Decimal(number)
        assert isinstance(value, Decimal)
