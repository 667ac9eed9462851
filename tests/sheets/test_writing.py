"""What goes out: exports that execute nothing, templates that come back in."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from portal.sheets import writing
from portal.sheets.checking import read_rows
from portal.sheets.reading import read
from portal.sheets.template_file import write_template
from portal.sheets.writing import TURNS, OutColumn, OutKind, export_rows, turned
from tests.sheets.ward import WardImport

COLUMNS = [
    OutColumn("编码", "code"),
    OutColumn("名称"),
    OutColumn("金额", "money"),
    OutColumn("数量", "whole"),
    OutColumn("日期", "date"),
    OutColumn("时间", "datetime"),
]


def exported(*rows: Any) -> Any:
    file = io.BytesIO()
    assert export_rows(COLUMNS, rows, file, "病区/[1]") == len(rows)
    return load_workbook(io.BytesIO(file.getvalue())), file.getvalue()


def test_each_kind_of_value() -> None:
    moment = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
    book, _ = exported(("00123", "产科", Decimal("1234567.5"), 3, date(2026, 11, 1), moment), (None,) * 6)
    sheet = book.active
    assert sheet.title == "病区1"
    assert [cell.value for cell in sheet[2]] == [
        "00123", "产科", 1234567.5, 3, datetime(2026, 11, 1), datetime(2026, 11, 23, 9, 30),
    ]  # fmt: skip
    assert [cell.number_format for cell in sheet[2]] == [
        "@", "@", "0.00", "0", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss",
    ]  # fmt: skip
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F3"


def test_formulas_from_data_stay_text() -> None:
    texts = ("=1+1", '=HYPERLINK("http://x.invalid")', "+1", "-1", "@SUM(A1)", "#N/A", "{=1}")
    book, data = exported(*((text, text, None, None, None, None) for text in texts))
    assert [row[0].value for row in book.active.iter_rows(min_row=2)] == list(texts)
    assert {row[0].data_type for row in book.active.iter_rows(min_row=2)} == {"s"}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_control_characters_and_long_texts_do_not_stop_an_export() -> None:
    book, _ = exported(("a\x00b\x0b\ud800c", "长" * 40_000, True, None, None, None))
    values = [cell.value for cell in book.active[2]]
    assert values[0] == "abc"
    assert len(values[1]) <= 32_767
    assert values[1].endswith("（已截断）")
    assert values[2] == "是"


def test_full_sheets_are_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MAX_SHEET_ROWS", 3)
    rows = [(f"{n:03}", None, None, n, None, None) for n in range(7)]
    file = io.BytesIO()
    assert export_rows(COLUMNS, rows, file, "病区", expected=7, notes=lambda count: [("行数", str(count))]) == 7
    book = load_workbook(file)
    assert book.sheetnames == ["病区", "病区 (2)", "病区 (3)", "说明"]
    assert [book["病区 (3)"].cell(row, 1).value for row in (1, 2)] == ["编码", "006"]
    assert book["说明"]["B2"].value == "7"
    with pytest.raises(writing.TooManyRows):
        export_rows(COLUMNS, rows, io.BytesIO(), expected=5)


def test_no_row_still_has_a_header_and_columns_of_one_name_are_kept_apart() -> None:
    file = io.BytesIO()
    assert export_rows([OutColumn("编码"), OutColumn("编码")], [], file) == 0
    assert [cell.value for cell in load_workbook(file).active[1]] == ["编码", "编码（2）"]


def test_numbers_too_long_to_be_exact_leave_as_text() -> None:
    book, _ = exported((1, 2, Decimal("12345678901234.567"), 10**16, date(1899, 1, 1), None))
    assert [cell.value for cell in book.active[2]][2:5] == ["12345678901234.567", str(10**16), "1899-01-01"]


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=80))
def test_any_text_can_be_exported(text: str) -> None:
    export_rows(COLUMNS[:1], [(text,)], io.BytesIO())


def template() -> bytes:
    file = io.BytesIO()
    write_template(WardImport(), file)
    return file.getvalue()


def test_the_template_offers_lists_and_text_columns() -> None:
    book = load_workbook(io.BytesIO(template()))
    sheet = book["病区"]
    assert sheet["A1"].value == "病区编码 *"
    assert "参数代码：ward_code" in sheet["A1"].comment.text
    assert sheet.column_dimensions["A"].number_format == "@"
    assert sheet.column_dimensions["D"].number_format == "yyyy-mm-dd"
    assert book["_字典"].sheet_state == "hidden"
    assert [cell.value for cell in book["_字典"]["F"]] == ["1 男", "2 女", "9 未说明"]
    rules = {str(rule.sqref): rule for rule in sheet.data_validations.dataValidation}
    assert rules["F2:F20000"].formula1 == "'_字典'!$F$1:$F$3"
    assert rules["G2:G20000"].errorStyle == "warning"
    explained = [[cell.value for cell in row] for row in book["说明"].iter_rows(min_row=2)]
    assert [row[0] for row in explained] == [column.label for column in WardImport.columns]


def test_a_filled_template_comes_back_in() -> None:
    book = load_workbook(io.BytesIO(template()))
    book["病区"].append(["0101", "产科一区", 42, date(2026, 11, 1), 35.5, "2 女", "A 一级", "06623228888", None])
    file = io.BytesIO()
    book.save(file)
    found = read_rows(read(file.getvalue(), "病区导入模板.xlsx"), WardImport())
    assert [one.reason for one in found.ignored] == ["模板的示例行"]
    assert [line.row.problems for line in found.lines] == [[]]
    values = found.lines[0].row.values
    assert (values["gender"], values["level"], values["opened"]) == ("2", "A", date(2026, 11, 1))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("text", ["甲", "", None, "乙\x00丙", True, "长" * 40_000]),
        ("whole", [1, -(10**15), 10**15, None, True, "无"]),
        ("money", [Decimal("0.10"), Decimal("1234567890123.45678"), Decimal("NaN"), Decimal("1E+20"), None]),
        ("date", [date(2026, 1, 1), date(1899, 12, 31), None, datetime(2026, 1, 1, 8), "未定"]),
    ],
)
def test_a_portion_is_turned_as_each_of_its_values_is(kind: OutKind, values: list[Any]) -> None:
    alone = [TURNS[kind](value) for value in values]
    columns = [OutColumn("列", kind)]
    together = [row[0] for row in turned(columns, [(value,) for value in values])]
    assert [repr(one) for one in together] == [repr(one) for one in alone]
    for value, expected in zip(values, alone, strict=True):
        assert [repr(row[0]) for row in turned(columns, [(value,)] * 3)] == [repr(expected)] * 3
