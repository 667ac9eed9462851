"""Every problem at once, each where it is, in words a clerk can act on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from insurance.specification.books import open_book
from insurance.specification.checking import check, needed_nodes
from insurance.specification.model import Field
from insurance.specification.wire import Unfit, to_wire

BOOK = open_book("trace-codes")
DEPARTMENT = {
    "hosp_dept_codg": "D01",
    "caty": "A05",
    "hosp_dept_name": "产科",
    "begntime": date(2024, 1, 1),
    "itro": "产科门诊与病房",
    "dept_resper_name": "甲某",
    "dept_resper_tel": "000-0000",
    "dept_estbdat": "2020-02-01 08:00:00",
    "aprv_bed_cnt": 40,
    "poolarea_no": "441700",
    "dr_psncnt": 0,
    "phar_psncnt": Decimal("5"),
    "nurs_psncnt": "12",
    "tecn_psncnt": 2,
}


def said(infno: str, message: Any) -> list[str]:
    """Return the problems of a message as sentences."""
    return [str(problem) for problem in check(BOOK.transaction(infno), message, BOOK)]


def test_a_good_message_has_no_problem():
    """Python values and JSON values may be mixed; zero is a value."""
    assert said("3401", {"deptinfo": DEPARTMENT}) == []


def test_everything_wrong_at_once():
    """Type, length, calendar, required, spelling: one pass finds all."""
    wrong = DEPARTMENT | {
        "dept_estbdat": "2020-02-30",
        "poolarea_no": "4417000",
        "nurs_psncnt": "十二",
        "tecn_psncnt": None,
        "hosp_dept_name": "  ",
        "Memo": "x",
        "caty": "Z9",
    }
    assert said("3401", {"deptinfo": wrong}) == [
        "节点 deptinfo 科别（caty）：“Z9”不在字典 dept 中",
        "节点 deptinfo 医院科室名称（hosp_dept_name）：必填，不能只有空格",
        "节点 deptinfo 科室成立日期（dept_estbdat）：没有这一天",
        "节点 deptinfo 统筹区编号（poolarea_no）：长 7 个字符，最多 6 个",
        "节点 deptinfo 护士人数（nurs_psncnt）：应是数字",
        "节点 deptinfo 技师人数（tecn_psncnt）：必填，不能为空",
        "节点 deptinfo：规范中没有“Memo”，是否为 memo？",
    ]


def test_an_unknown_code_is_only_a_warning():
    """Provinces add codes, so a strange one may be sent."""
    found = check(BOOK.transaction("3401"), {"deptinfo": DEPARTMENT | {"caty": "Z9"}}, BOOK)
    assert [problem.level for problem in found] == ["warning"]


def test_a_listed_exception_has_no_warning():
    """Nothing can be said about a code whose list nobody published."""
    assert said("5163", {"catalog": {"chk_stas": "77"}}) == []


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({}, "节点 deptinfo：缺少此节点"),
        ({"deptinfo": None}, "节点 deptinfo：缺少此节点"),
        ({"deptinfo": ""}, "节点 deptinfo：缺少此节点"),
        ({"deptinfo": [DEPARTMENT]}, "节点 deptinfo：此节点只有一行，应是一个对象，不是数组"),
        ({"deptinfo": "D01"}, "节点 deptinfo：此节点只有一行，应是一个对象，不是文本"),
        ({"Deptinfo": DEPARTMENT}, "报文：规范中没有“Deptinfo”，是否为 deptinfo？"),
        ({"deptinf": DEPARTMENT}, "报文：规范中没有“deptinf”，是否为 deptinfo？"),
        ({"deptinfo": DEPARTMENT, 5: 1}, "报文：规范中没有“5”"),
        ([{"deptinfo": DEPARTMENT}], "报文：此节点只有一行，应是一个对象，不是数组"),
        (None, "报文：此节点只有一行，应是一个对象，不是其他类型的值"),
        (True, "报文：此节点只有一行，应是一个对象，不是真假值"),
    ],
)
def test_shapes_and_spellings(message, words):
    """A wrong shape or name is said of the node itself."""
    assert words in said("3401", message)


def test_a_batch_names_the_row():
    """Rows count from 1; an object where rows are many is refused."""
    bad = DEPARTMENT | {"dr_psncnt": "-"}
    found = check(BOOK.transaction("3401A"), {"deptinfo": [DEPARTMENT, bad, 7]}, BOOK)
    assert [(problem.row, problem.field) for problem in found] == [(2, "dr_psncnt"), (3, "")]
    assert str(found[0]) == "节点 deptinfo 第 2 行 医师人数（dr_psncnt）：应是数字"
    assert said("3401A", {"deptinfo": DEPARTMENT}) == ["节点 deptinfo：此节点有多行，应是数组，不是对象"]
    assert said("3401A", {"deptinfo": []}) == ["节点 deptinfo：缺少此节点"]


def test_nested_rows_name_the_outermost_first():
    """The row of a problem is the row of the batch; inner rows follow."""
    row = {"inv_chg_type": "101", "drugtracinfo": [{"drug_trac_codg": "1"}, {"drug_trac_codg": "9" * 101}]}
    found = check(BOOK.transaction("3502A"), {"invinfoDetail": [row]}, BOOK)
    last = found[-1]
    assert (last.node, last.row, last.inner) == ("invinfoDetail.drugtracinfo", 1, (2,))
    assert str(last).startswith("节点 invinfoDetail.drugtracinfo 第 1 行 内第 2 行 ")


def test_which_nodes_are_needed():
    """A lone node and a head are needed, details are not; several lists need one of them."""
    assert [node.name for node in needed_nodes(BOOK.transaction("2401").input)] == ["mdtrtinfo"]
    assert [node.name for node in needed_nodes(BOOK.transaction("3301").input)] == ["data"]
    assert needed_nodes(BOOK.transaction("5163").input) == []
    assert needed_nodes(BOOK.transaction("5101").input) == []
    assert said("4302", {}) == ["报文：至少要有一个节点：oprninfo、rescinfo"]
    assert said("4201", {}) == ["报文：至少要有一个节点：feedetail、mdtrtinfo、diseinfo"]
    assert said("5163", {}) == []


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_a_transaction_without_input_takes_nothing(nothing):
    """5101 has no input."""
    assert said("5101", nothing) == []


def test_a_transaction_without_input_refuses_something():
    """What the tables do not know is not sent."""
    assert said("5101", {"data": {}}) == ["报文：规范中没有“data”"]


def test_a_persons_data_is_not_repeated():
    """Reasons are shown and kept; they hold no value but codes."""
    number = "44170019000101" + "000X" * 20
    message = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": number, "begntime": number}}
    assert said("1101", message)
    assert not any("441700" in line for line in said("1101", message))


def field(type_: str, length: str = "") -> Field:
    """Return a field of a type."""
    return Field("x", "某", type_, length, "", False, "", "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("type_", "length", "value", "wire"),
    [
        ("number", "22,2", Decimal("12345678901234567890.12"), "12345678901234567890.12"),
        ("number", "16,2", "0012.50", 12.5),
        ("number", "16,2", Decimal("0.10"), 0.1),
        ("number", "16,2", 1.1, 1.1),
        ("number", "16,6", Decimal("0.000001"), "0.000001"),
        ("number", "16,2", Decimal("5.00"), 5),
        ("number", "16,2", -3, -3),
        ("number", "5", "99999", 99999),
        ("number", "", 2**70, 2**70),
        ("number", "5", None, 0),
        ("number", "5", "", 0),
        ("string", "5", "产科门诊部", "产科门诊部"),
        ("string", "5", 12, "12"),
        ("string", "9", Decimal("1E3"), "1000"),
        ("string", "10", date(2024, 1, 2), "2024-01-02"),
        ("string", "", None, ""),
        ("date", "", date(2024, 1, 2), "2024-01-02"),
        ("date", "", "2024-02-29", "2024-02-29"),
        ("date", "", datetime(2024, 1, 1, 17, tzinfo=UTC), "2024-01-02"),
        ("datetime", "", "2024-01-02", "2024-01-02 00:00:00"),
        ("datetime", "", date(987, 1, 2), "0987-01-02 00:00:00"),
        ("datetime", "", datetime(2024, 1, 2, 3, 4, 5, 678), "2024-01-02 03:04:05"),
        ("datetime", "", datetime(2024, 1, 1, 17, tzinfo=UTC), "2024-01-02 01:00:00"),
        ("datetime", "", "2024-01-02 23:59:59", "2024-01-02 23:59:59"),
        ("binary", "", b"PK\x03\x04", b"PK\x03\x04"),
        ("binary", "", [-128, 127], [-128, 127]),
        ("json", "", {"a": [1]}, {"a": [1]}),
        ("json", "", False, False),
    ],
)
def test_what_fits(type_, length, value, wire):
    """Values travel as the platform writes them, exactly."""
    written = to_wire(field(type_, length), value, bare_dates=False)
    assert written == wire
    assert type(written) is type(wire)


@pytest.mark.parametrize(
    ("type_", "length", "value", "reason"),
    [
        ("number", "16,2", "1.234", "有 3 位小数，最多 2 位"),
        ("number", "16,2", 10**14, "整数部分 15 位，最多 14 位"),
        ("number", "4,0", Decimal("1.5"), "有 1 位小数，最多 0 位"),
        ("number", "5", 123456, "整数部分 6 位，最多 5 位"),
        ("number", "16,2", "1,000", "应是数字"),
        ("number", "16,2", "1e3", "应是数字"),
        ("number", "16,2", "１２", "应是数字"),
        ("number", "16,2", " 1", "应是数字"),
        ("number", "16,2", True, "应是数字，不是真假值"),
        ("number", "16,2", {}, "应是数字，不是对象"),
        ("number", "16,2", float("nan"), "不是可以传输的数字"),
        ("number", "16,2", float("inf"), "不是可以传输的数字"),
        ("number", "", Decimal("NaN"), "不是可以传输的数字"),
        ("number", "", Decimal("1e999999"), "不是可以传输的数字"),
        ("number", "", 10**4000, "不是可以传输的数字"),
        ("string", "3", "产科门诊", "长 4 个字符，最多 3 个"),
        ("string", "", "\ud800", "含有无法传输的字符"),
        ("string", "", "a\x00", "含有无法传输的字符"),
        ("string", "", ["a"], "应是文本，不是数组"),
        ("string", "", False, "应是文本，不是真假值"),
        ("date", "", "2024-1-2", "应写成 yyyy-MM-dd"),
        ("date", "", "2024-02-30", "没有这一天"),
        ("date", "", "2024-01-02 00:00:00", "应写成 yyyy-MM-dd"),
        ("date", "", 20240102, "应是日期，不是数字"),
        ("datetime", "", "2024-01-02T03:04:05", "应写成 yyyy-MM-dd HH:mm:ss"),
        ("datetime", "", "2024-01-02 24:00:00", "没有这个时刻"),
        ("datetime", "", "2023-02-29 00:00:00", "没有这一天"),
        ("binary", "", [256], "应是文件内容"),
        ("json", "", {"a": float("nan")}, "不是可以传输的 JSON"),
        ("json", "", {"a": "\udfff"}, "不是可以传输的 JSON"),
    ],
)
def test_what_does_not_fit(type_, length, value, reason):
    """Each misfit has its reason."""
    with pytest.raises(Unfit) as raised:
        to_wire(field(type_, length), value, bare_dates=False)
    assert str(raised.value) == reason


def test_decimals_in_a_plain_length_are_doubtful():
    """The tables write "11" for counts and for some amounts, so half a bed is said but not forbidden."""
    found = check(BOOK.transaction("3401"), {"deptinfo": DEPARTMENT | {"aprv_bed_cnt": 3.5}}, BOOK)
    assert [(problem.level, problem.field) for problem in found] == [("warning", "aprv_bed_cnt")]
