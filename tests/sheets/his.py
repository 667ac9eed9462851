"""Twenty-five files as hospital systems and the people beside them make them, all invented, with what must come out.

Each is (file name, bytes, What): the codes taken in order, every problem of every cell, the lines and columns that were
left out with their reason, and the totals with what was counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.sheets.files import csv, html, xls, xlsx, xml_2003

HEAD = ("病区编码", "病区名称", "床位数", "启用日期", "床位费")
FORMULA = "单元格是公式，保存的结果可能已过时。请复制该列后“选择性粘贴为数值”。请改正后重新导入本行。"
TITLE, TOTAL, REPEATED, FOOTER = "表头上方的标题", "小计、合计行", "重复的表头", "表尾说明"


@dataclass(frozen=True)
class What:
    """What must come out of a file. `left_out` is (place, reason); `totals` (line, label, stated, counted, fits)."""

    codes: Sequence[str]
    problems: Sequence[str] = ()
    left_out: Sequence[tuple[str, str]] = ()
    totals: Sequence[tuple[int, str, str, str, bool]] = ()
    values: Callable[[list[dict[str, Any]]], bool] = field(default=lambda rows: True)


def ward(number: int, beds: Any = 40, fee: Any = "35.50", day: Any = "2026-11-01") -> tuple[Any, ...]:
    """Return a line of a ward."""
    return (f"01{number:02d}", f"内科{number}区", beds, day, fee)


def merged(*ranges: str, **styles: Any) -> Callable[[Any], None]:
    """Return a dress that merges cells and hides lines."""

    def dress(sheet: Any) -> None:
        for one in ranges:
            sheet.merge_cells(one)
        for row in styles.get("hidden", ()):
            sheet.row_dimensions[row].hidden = True
        for address, form in styles.get("formats", {}).items():
            sheet[address].number_format = form

    return dress


FILES: dict[str, tuple[str, bytes, What]] = {
    "01 收费系统导出：标题、制表行、合计": (
        "病区20261101.xlsx",
        xlsx(
            ("某某医院病区一览表",), ("统计日期：2026-11-01", None, None, "单位：张"), HEAD, ward(1), ward(2, 38, 40),
            ("合计", None, 78, None, 75.5), ("制表人：某某", None, "审核："), dress=merged("A1:E1"),
        ),
        What(
            ["0101", "0102"],
            left_out=[("第 1 行", TITLE), ("第 2 行", TITLE), ("第 6 行", TOTAL), ("第 7 行", FOOTER)],
            totals=[(6, "床位数", "78", "78", True), (6, "床位费", "75.5", "75.5", True)],
        ),
    ),
    "02 合计与各行不符": (
        "病区.xlsx",
        xlsx(HEAD, ward(1, 40), ward(2, 38), ("合计", None, 80, None, "71.00")),
        What(
            ["0101", "0102"],
            left_out=[("第 4 行", TOTAL)],
            totals=[(4, "床位数", "80", "78", False), (4, "床位费", "71.00", "71.00", True)],
        ),
    ),
    "03 分科小计与总计": (
        "病区.csv",
        csv(HEAD, ward(1, 10), ward(2, 20), ("小计", "", 30, "", ""), ward(3, 5), ("小计", "", 5, "", ""),
            ("总计", "", 35, "", "106.5"), encoding="gbk"),
        What(
            ["0101", "0102", "0103"],
            left_out=[("第 4 行", TOTAL), ("第 6 行", TOTAL), ("第 7 行", TOTAL)],
            totals=[
                (4, "床位数", "30", "30", True), (6, "床位数", "5", "5", True), (7, "床位数", "35", "35", True),
                (7, "床位费", "106.5", "106.5", True),
            ],
        ),
    ),
    "04 打印分页：每页重复标题和表头": (
        "打印.xlsx",
        xlsx(("病区一览表",), HEAD, ward(1), ("第 1 页 共 2 页",), ("病区一览表",), HEAD, ward(2),
             ("第 2 页 共 2 页",)),
        What(
            ["0101", "0102"],
            left_out=[
                ("第 1 行", TITLE), ("第 4 行", FOOTER), ("第 5 行", "重复的标题"), ("第 6 行", REPEATED),
                ("第 8 行", FOOTER),
            ],
        ),
    ),
    "05 父子标题两行合并": (
        "病区.xlsx",
        xlsx(
            ("基本信息", None, "规模", None, "床位费"), ("病区编码", "病区名称", "床位数", "启用日期", None), ward(1),
            dress=merged("A1:B1", "C1:D1", "E1:E2"),
        ),
        What(
            ["0101"],
            left_out=[("第 1 行", TITLE)],
            values=lambda rows: rows[0]["fee"] is not None and rows[0]["beds"] == 40,
        ),
    ),
    "06 父子标题要连起来才认得": (
        "病区.csv",
        csv(("病区", "", "床位", ""), ("编码", "名称", "数", "费"), ("0101", "内科1区", 40, "35.5")),
        What(["0101"], values=lambda rows: rows[0]["beds"] == 40 and str(rows[0]["fee"]) == "35.5"),
    ),
    "07 数据区合并单元格向下填充": (
        "病区.xlsx",
        xlsx(HEAD, ward(1, 40), (None, None, 41, None, None), ("0102", "内科2区", 30, "2026-11-01", 12),
             dress=merged("B2:B3", "D2:D3")),
        What(
            ["0101", "0102"],
            problems=["第 3 行 病区编码：必填，不能为空。请改正后重新导入本行。"],
            values=lambda rows: rows[1]["ward_name"] == "内科1区" and rows[1]["opened"] == date(2026, 11, 1),
        ),
    ),
    "08 网页报表冒充 xls，跨行单元格": (
        "report.xls",
        html(HEAD, ward(1), ward(2), head="<h3>病区</h3>").replace(
            b"<td>0101</td>", b'<td rowspan="1" style="vnd.ms-excel.numberformat:@">0101</td>'
        ),
        What(["0101", "0102"]),
    ),
    "09 网页报表，数据区跨两行": (
        "report.xls",
        (
            "<table><tr><th>病区编码<th>病区名称<th>床位数</tr><tr><td>0101<td rowspan=2>内科<td>40</tr>"
            "<tr><td>0102<td>41</tr></table>"
        ).encode("gbk"),
        What(["0101", "0102"], values=lambda rows: [row["ward_name"] for row in rows] == ["内科", "内科"]),
    ),
    "10 制表符文本冒充 xls": ("导出.xls", csv(HEAD, ward(1), encoding="gbk", separator="\t"), What(["0101"])),
    "11 UTF-16 文本": ("导出.xls", csv(HEAD, ward(1), encoding="utf-16", separator="\t"), What(["0101"])),
    "12 2003 XML 表格": ("导出.xls", xml_2003(HEAD, ward(1)), What(["0101"])),
    "13 老的二进制 xls": (
        "导出.xls",
        xls(HEAD, ward(1, 40.0, 35.5)),
        What(
            ["0101"],
            left_out=[
                (".xls 文件", "看不出哪些单元格是公式，按其保存的结果读取；请核对，或另存为 .xlsx 后再导入"),
            ],
        ),
    ),
    "14 长编码成了科学计数": (
        "病区.csv",
        csv(HEAD, ("1.23457E+22", *ward(1)[1:]), ward(2)),
        What(
            ["0102"],
            problems=[
                "第 2 行 病区编码：长编码已被当作数字（1.23457E+22），末尾几位已丢失。请在导出时把该列设为文本格式"
                "（或用模板的文本列粘贴数值），再重新导出。请改正后重新导入本行。"
            ],
        ),
    ),
    "15 编码被 Excel 变成日期": (
        "病区.xlsx",
        xlsx(HEAD, (date(2026, 3, 1), *ward(1)[1:]), ward(2)),
        What(
            ["0102"],
            problems=[
                "第 2 行 病区编码：编码被当作日期（2026-03-01），原来的内容已丢失。请在导出时把该列设为文本格式"
                "（或用模板的文本列粘贴数值），再重新导出。请改正后重新导入本行。"
            ],
        ),
    ),
    "16 数字格式 0000 显示的前导零": (
        "病区.xlsx",
        xlsx(HEAD, (101, *ward(1)[1:]), (102, *ward(2)[1:]), dress=merged(formats={"A2": "0000", "A3": "0000"})),
        What(["0101", "0102"]),
    ),
    "17 各种写法的日期": (
        "病区.xlsx",
        xlsx(HEAD, ward(1, day="2026.11.1"), ward(2, day="2026/11/1"), ward(3, day=46327), ward(4, day=20261101),
             ward(5, day=datetime(2026, 11, 1)), ward(6, day="2026年11月1日"), ward(7, day="２０２６－１１－０１"),
             ward(8, day="2026-11-01 00:00:00")),
        What(
            [f"010{number}" for number in range(1, 9)],
            values=lambda rows: {row["opened"] for row in rows} == {date(2026, 11, 1)},
        ),
    ),
    "18 全角数字和空格": (
        "病区.xlsx",
        xlsx(HEAD, ("０１０１　", "内科１区", "４０", "2026-11-01", "￥３５．５０"),
             ("0102\u00a0", " 内科2区", "1,040", "", "")),
        What(
            ["0101"],
            problems=["第 3 行 床位数：不能大于 500，实际为 1040。请改正后重新导入本行。"],
            values=lambda rows: rows[0]["ward_name"] == "内科1区" and str(rows[0]["fee"]) == "35.50",
        ),
    ),
    "19 列名带单位、括号、星号，次序打乱": (
        "病区.xlsx",
        xlsx(("床位费（元/天）", "*病区名称", "启 用 日 期", "WARD_CODE", "床位数[张]"),
             ("35.5", "内科1区", "2026-11-01", "0101", 40)),
        What(["0101"]),
    ),
    "20 多余的列和没有列名的列": (
        "病区.xlsx",
        xlsx((*HEAD, "楼层", None), (*ward(1), "3", "旧"), (*ward(2), "4", None)),
        What(["0101", "0102"], left_out=[("F 列", "不是要导入的列"), ("G 列", "没有列名")]),
    ),
    "21 隐藏行照常读取并说明": (
        "病区.xlsx",
        xlsx(HEAD, ward(1), ward(2), ward(3), dress=merged(hidden=[3])),
        What(
            ["0101", "0102", "0103"],
            left_out=[("工作表「Sheet」", "第 3 行是隐藏行，已照常读取")],
        ),
    ),
    "22 公式单元格": (
        "病区.xlsx",
        xlsx(HEAD, ward(1, "=40+2"), ward(2), ("合计", None, "=SUM(C2:C3)", None, None)),
        What(
            ["0102"],
            problems=[f"第 2 行 床位数：{FORMULA}"],
            left_out=[("第 4 行", TOTAL)],
        ),
    ),
    "23 csv 里的等号文本和公式": (
        "病区.csv",
        csv(HEAD, ('="0101"', *ward(1)[1:]), ("0102", "=cmd|' /c calc'!A0", 40, "", "")),
        What(
            ["0101"],
            problems=[f"第 3 行 病区名称：{FORMULA}"],
        ),
    ),
    "24 封面、说明和数据分在几个工作表": (
        "病区.xlsx",
        xlsx(("某某医院",), 数据=[HEAD, ward(1)], 说明=[("填表说明", "x")]),
        What(["0101"], left_out=[("工作表「Sheet」", "没有读取，只导入一个工作表")]),
    ),
    "25 科室小计写在第二列，末尾有条数": (
        "病区.xlsx",
        xlsx(("病区编码", "病区名称", "床位数"), ("0101", "内科1区", 10), (None, "内科小计", 10),
             ("0102", "外科1区", 12), (None, "外科小计", 13), ("共 2 条",)),
        What(
            ["0101", "0102"],
            left_out=[("第 3 行", TOTAL), ("第 5 行", TOTAL), ("第 6 行", FOOTER)],
            totals=[(3, "床位数", "10", "10", True), (5, "床位数", "13", "12", False)],
        ),
    ),
}  # fmt: skip
