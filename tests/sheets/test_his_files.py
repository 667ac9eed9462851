"""Files as hospital systems make them: what is taken, what is refused by cell, what is left out and said so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from portal.sheets.checking import Read, read_rows
from portal.sheets.columns import Column
from portal.sheets.converting import Unfit, convert
from portal.sheets.errors import SheetError
from portal.sheets.reading import read
from tests.sheets.apart import read_apart
from tests.sheets.files import HEADER, ROW, csv, html, saved, xls, xlsx, xml_2003
from tests.sheets.ward import WardImport

TAKEN = {
    "ward_code": "0101",
    "ward_name": "产科一区",
    "beds": 42,
    "opened": date(2026, 11, 1),
    "fee": Decimal("35.50"),
}


def taken(data: bytes, name: str = "病区.xlsx") -> Read:
    return read_rows(read(data, name), WardImport())


def only(data: bytes, name: str = "病区.xlsx") -> dict[str, Any]:
    """Return the values of the one good row of a file."""
    lines = taken(data, name).lines
    assert [str(problem) for line in lines for problem in line.row.problems] == []
    assert len(lines) == 1
    return lines[0].row.values


def wrong(*rows: Any, name: str = "病区.xlsx", header: Any = HEADER) -> list[str]:
    """Return every problem of a file in words."""
    data = csv(header, *rows) if name.endswith(".csv") else xlsx(header, *rows)
    return [str(problem) for line in taken(data, name).lines for problem in line.row.problems]


def left_out(found: Read) -> list[tuple[str, str]]:
    return [(one.place, one.reason) for one in found.ignored]


SAME = {
    "xlsx": ("病区.xlsx", xlsx(HEADER, ROW)),
    "xls": ("病区.xls", xls(HEADER, ROW)),
    "xls that is HTML": ("病区.xls", html(HEADER, ROW)),
    "xls that is HTML in UTF-8 with th": ("病区.xls", html(HEADER, ROW, encoding="utf-8", cell="th")),
    "xls that is XML of 2003": ("病区.xls", xml_2003(HEADER, ROW)),
    "xls that is text with tabs": ("病区.xls", csv(HEADER, ROW, encoding="gbk", separator="\t")),
    "xls that is UTF-16 with tabs": ("病区.xls", csv(HEADER, ROW, encoding="utf-16", separator="\t")),
    "xls that is xlsx": ("病区.xls", xlsx(HEADER, ROW)),
    "csv UTF-8": ("病区.csv", csv(HEADER, ROW)),
    "csv UTF-8 with mark": ("病区.csv", csv(HEADER, ROW, encoding="utf-8-sig")),
    "csv GBK": ("病区.csv", csv(HEADER, ROW, encoding="gbk")),
    "csv with semicolons": ("病区.csv", csv(HEADER, ROW, separator=";")),
    "csv with sep line": ("病区.csv", b"sep=;\r\n" + csv(HEADER, ROW, separator=";")),
    "csv of an old Mac": ("病区.CSV", csv(HEADER, ROW, end="\r")),
    "codes as formulas of text": ("病区.csv", csv(HEADER, ('="0101"', *ROW[1:]))),
    "codes with apostrophe": ("病区.csv", csv(HEADER, ("'0101", *ROW[1:]))),
    "codes with a tab behind": ("病区.csv", csv(HEADER, ("0101\t", *ROW[1:]))),
    "headers by code in another order": (
        "病区.xlsx",
        xlsx(("fee", "OPENED", "beds", "Ward_Code", "ward_name"), ("35.50", "2026-11-01", 42, "0101", "产科一区")),
    ),
    "headers with remarks": (
        "病区.xlsx",
        xlsx(("*病区编码（必填）", "病区\n名称：", "床 位 数", "启用日期(年-月-日)", "床位费【元】"), ROW),
    ),
    "title lines above": (
        "病区.xlsx",
        xlsx(("某某医院病区一览表",), (), ("统计日期：2026-11-23", None, "单位：张"), HEADER, ROW),
    ),
    "title lines above in HTML": ("病区.xls", html(HEADER, ROW, head="<h2>病区一览表</h2><table></table>")),
    "full-width digits and letters": (
        "病区.xlsx",
        xlsx(HEADER, ("０１０１", "产科一区", "４２", "２０２６－１１－０１", "３５．５０")),
    ),
    "odd spaces": (
        "病区.xlsx",
        xlsx(HEADER, ("\u00a00101\u3000", "产科一区\u200b", " 42 ", "2026-11-01 ", "\ufeff35.50")),
    ),
    "numbers as numbers": ("病区.xlsx", xlsx(HEADER, ("0101", "产科一区", 42.0, date(2026, 11, 1), 35.5))),
    "date with dots": ("病区.xlsx", xlsx(HEADER, (*ROW[:3], "2026.11.1", "35.5"))),
    "date with slashes": ("病区.csv", csv(HEADER, (*ROW[:3], "2026/11/1", "35.5"))),
    "date in Chinese": ("病区.csv", csv(HEADER, (*ROW[:3], "2026年11月1日", "35.5"))),
    "date in eight digits": ("病区.xlsx", xlsx(HEADER, (*ROW[:3], 20261101, "￥35.5"))),
    "date as Excel's number": ("病区.xlsx", xlsx(HEADER, (*ROW[:3], 46327, "35.5元"))),
    "date with a midnight": ("病区.xlsx", xlsx(HEADER, (*ROW[:3], "2026-11-01 00:00:00", "35.5"))),
    "two header lines": (
        "病区.xlsx",
        xlsx(("基本信息", None, "规模", None, "床位费"), ("病区编码", "病区名称", "床位数", "启用日期", None), ROW),
    ),
    "columns not from A": ("病区.xlsx", xlsx((), (None, *HEADER), (None, *ROW))),
}


@pytest.mark.parametrize(("name", "data"), SAME.values(), ids=SAME.keys())
def test_the_same_ward_from_every_file(name: str, data: bytes) -> None:
    assert only(data, name) == TAKEN


def test_every_problem_of_every_row_at_once() -> None:
    words = wrong(
        ("", "这个名称实在是太长了一点点", "四十二", "2026-02-30", "-1"),
        ("0102", "产科二区", "1.5", "明天", "1.234"),
        ("0101", "产科一区", "501", "2026-11-01 08:30", "1"),
    )
    assert words == [
        "第 2 行 病区编码：必填，不能为空。请改正后重新导入本行。",
        "第 2 行 病区名称：应为 10 字以内，实际 13 字。请改正后重新导入本行。",
        "第 2 行 床位数：应为整数，实际为「四十二」。请改正后重新导入本行。",
        "第 2 行 启用日期：没有这一天：「2026-02-30」。请改正后重新导入本行。",
        "第 2 行 床位费：不能小于 0，实际为 -1。请改正后重新导入本行。",
        "第 3 行 床位数：应为整数，实际为「1.5」。请改正后重新导入本行。",
        "第 3 行 启用日期：应为日期，如 2026-11-01，实际为「明天」。请改正后重新导入本行。",
        "第 3 行 床位费：最多 2 位小数，实际为 1.234。请改正后重新导入本行。",
        "第 4 行 床位数：不能大于 500，实际为 501。请改正后重新导入本行。",
        "第 4 行 启用日期：应为日期，不带时间，实际为「2026-11-01 08:30」。请改正后重新导入本行。",
    ]


@pytest.mark.parametrize(
    ("name", "code"),
    [("a.xlsx", 1.23457e22), ("a.xlsx", 441700190001010017), ("a.csv", "1.23457E+22"), ("a.csv", "4.417E+17")],
)
def test_long_codes_that_became_numbers_are_refused_by_cell(name: str, code: Any) -> None:
    words = wrong((code, *ROW[1:]), name=name)
    assert len(words) == 1
    assert words[0].startswith("第 2 行 病区编码：长编码已被当作数字（")
    assert "文本格式" in words[0]


def test_a_code_of_fifteen_digits_is_still_exact() -> None:
    assert only(xlsx(HEADER, (441700190001010, *ROW[1:])))["ward_code"] == "441700190001010"


def test_error_values_and_bare_formulas_are_named_by_cell() -> None:
    def dress(sheet: Any) -> None:
        sheet["C2"].data_type = "e"

    data = xlsx(HEADER, ("0101", "产科一区", "#N/A", "=TODAY()", "=1+1"), dress=dress)
    words = [str(problem) for problem in taken(data).lines[0].row.problems]
    assert [word.split("：")[0] for word in words] == ["第 2 行 床位数", "第 2 行 启用日期", "第 2 行 床位费"]
    assert "#N/A" in words[0]
    assert "公式" in words[1]
    assert "选择性粘贴为数值" in words[2]


def test_a_binary_xls_says_that_its_formulas_cannot_be_seen() -> None:
    """A remark, not an error: the row is good. Text that is only called .xls needs none."""
    found = taken(xls(HEADER, ROW), "病区.xls")
    assert [line.row.problems for line in found.lines] == [[]]
    ((place, reason),) = left_out(found)
    assert place == ".xls 文件"
    assert "看不出哪些单元格是公式" in reason
    assert "另存为 .xlsx" in reason
    assert left_out(taken(html(HEADER, ROW), "病区.xls")) == left_out(taken(xlsx(HEADER, ROW), "病区.xls")) == []


def test_totals_repeated_headers_and_footers_are_left_out_and_listed() -> None:
    found = taken(
        xlsx(
            ("某某医院病区一览表",),
            HEADER,
            ROW,
            ("小计", None, 42),
            HEADER,
            ("0102", "产科二区"),
            ("合 计：", None, 42),
            ("制表人：张三", None, "审核："),
        )
    )
    assert [line.row.values["ward_code"] for line in found.lines] == ["0101", "0102"]
    assert left_out(found) == [
        ("第 1 行", "表头上方的标题"),
        ("第 4 行", "小计、合计行"),
        ("第 5 行", "重复的表头"),
        ("第 7 行", "小计、合计行"),
        ("第 8 行", "表尾说明"),
    ]


def test_a_broken_data_line_is_a_problem_and_never_dropped() -> None:
    assert wrong((None, "产科二区", 3)) == ["第 2 行 病区编码：必填，不能为空。请改正后重新导入本行。"]


def test_unknown_columns_and_other_sheets_are_left_out_and_listed() -> None:
    rows = ((*HEADER, "楼层", None), (*ROW, "3", "无名"))
    found = taken(xlsx(*rows, 目录=[("序号", "页")], 说明=[("列名", "必填")]))
    assert left_out(found) == [
        ("工作表「目录」", "没有读取，只导入一个工作表"),
        ("F 列", "不是要导入的列"),
        ("G 列", "没有列名"),
    ]


def test_a_column_that_is_absent_is_not_an_empty_value() -> None:
    values = only(xlsx(("病区编码", "病区名称", "床位数"), ("0101", "产科一区", None)))
    assert values == {"ward_code": "0101", "ward_name": "产科一区", "beds": None}


def test_the_sheet_with_the_header_is_found() -> None:
    assert only(xlsx(("封面",), Sheet2=[HEADER, ROW])) == TAKEN


def test_hidden_sheets_are_not_read() -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["封面"])
    hidden = book.create_sheet("藏")
    hidden.append(list(HEADER))
    hidden.append(list(ROW))
    hidden.sheet_state = "hidden"
    with pytest.raises(SheetError, match="没有找到表头"):
        taken(saved(book))


def test_a_missing_required_column_is_named() -> None:
    with pytest.raises(SheetError, match="第 1 行表头缺少必填列：病区编码"):
        taken(xlsx(HEADER[1:], ROW[1:]))


def test_a_doubled_column_is_named_with_both_places() -> None:
    with pytest.raises(SheetError, match="「病区编码」出现两次：A 列「病区编码」和 F 列「编码」"):
        taken(xlsx((*HEADER, "编码"), (*ROW, "0102")))


def test_a_header_below_thirty_lines_is_not_searched() -> None:
    titles = [(f"标题 {number}",) for number in range(30)]
    assert only(xlsx(*titles[:29], HEADER, ROW)) == TAKEN
    with pytest.raises(SheetError, match="前 30 行内没有找到表头"):
        taken(xlsx(*titles, HEADER, ROW))


def test_a_header_without_rows() -> None:
    with pytest.raises(SheetError, match="下面没有数据"):
        taken(xlsx(HEADER))


def test_the_same_key_twice_names_the_earlier_line() -> None:
    assert wrong(ROW, ("0102", "产科二区"), ROW) == ["第 4 行 病区编码：与第 2 行重复。请删除重复的行后重新导入。"]


def test_codes_by_code_by_label_and_by_both() -> None:
    header = ("病区编码", "病区名称", "收治性别", "级别")
    rows = [("1", "甲", "1", "A"), ("2", "乙", "男", "b"), ("3", "丙", "1 男", "二级"), ("4", "丁", "１", "ａ")]
    values = [line.row.values for line in taken(xlsx(header, *rows)).lines]
    assert [(one["gender"], one["level"]) for one in values] == [("1", "A"), ("1", "B"), ("1", "B"), ("1", "A")]


def test_an_unknown_code_is_an_error_or_a_warning_as_the_column_says() -> None:
    found = taken(xlsx(("病区编码", "病区名称", "收治性别", "级别"), ("1", "甲", "儿童", "特级")))
    problems = found.lines[0].row.problems
    assert [(one.label, one.level) for one in problems] == [("收治性别", "error"), ("级别", "warning")]
    assert "可填：1 男、2 女、9 未说明" in problems[0].reason
    assert found.lines[0].row.values["level"] == "特级"


def test_phones_and_documents() -> None:
    header = ("病区编码", "病区名称", "电话", "负责人证件号码")
    good = ("1", "甲", "0662-322 8888", "99990019000101004x")
    bad = ("2", "乙", "见通讯录", "999900190001010040")
    lines = taken(xlsx(header, good, bad)).lines
    assert lines[0].row.problems == [] or "校验位" in lines[0].row.problems[0].reason
    assert lines[0].row.values["tel"] == "06623228888"
    assert [one.label for one in lines[1].row.problems] == ["电话", "负责人证件号码"]
    assert "999900" not in "".join(one.reason for one in lines[1].row.problems)


def test_line_numbers_are_those_of_the_sheet() -> None:
    data = xlsx(("标题",), (), HEADER, (), ROW, (), ("0102", "", 1))
    words = [str(problem) for line in taken(data).lines for problem in line.row.problems]
    assert words == ["第 7 行 病区名称：必填，不能为空。请改正后重新导入本行。"]


def test_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WardImport, "max_rows", 2)
    with pytest.raises(SheetError, match="共 3 行数据，一次最多导入 2 行"):
        taken(xlsx(HEADER, ROW, ROW, ROW))


def test_the_reading_process_gives_what_reading_gives() -> None:
    data = xlsx(HEADER, (1.23457e22, *ROW[1:]))
    assert read_apart(data, "病区.xlsx") == read(data, "病区.xlsx")


def test_a_day_that_programs_write_for_none_is_refused() -> None:
    column = Column("day", "日期", "datetime")
    with pytest.raises(Unfit, match="年份 0001 不合理"):
        convert(column, "0001-01-01 00:00:00")
    assert str(convert(column, "9999-12-31")[0]).startswith("9999-12-31")


def test_the_example_of_the_template_left_standing_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = (
        Column("ward_code", "病区编码", "code", required=True, sample="0101"),
        Column("ward_name", "病区名称", required=True, sample="产科一区"),
    )
    monkeypatch.setattr(WardImport, "columns", columns)
    found = taken(xlsx(("病区编码", "病区名称"), ("0101", "产科一区"), ("0101", "产科二区")))
    assert [line.row.number for line in found.lines] == [3]
    assert left_out(found) == [("第 2 行", "模板的示例行")]
