"""A hospital's departments as its office keeps them in Excel: 32 of them, invented, with the headers people use."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from openpyxl import Workbook

HEADERS = (
    "科室代码", "科室名称", "科别", "开始时间", "负责人", "联系电话", "成立时间", "编制床位", "医保认可床位数",
    "医生人数", "护士人数", "药师人数", "技师人数", "科室简介", "备注",
)  # fmt: skip
# Name and 科别 (code or label, as offices mix them).
DEPARTMENTS = (
    ("产科一区", "产科专业"), ("产科二区", "A05.02"), ("产科三区", "A05.02"), ("产房", "A05.02"),
    ("妇科一区", "妇科专业"), ("妇科二区", "A05.01"), ("妇科门诊", "A05.01"), ("计划生育科", "A05.03"),
    ("生殖医学科", "A05.05"), ("优生遗传科", "A05.04"), ("妇女保健科", "A06"), ("儿童保健科", "A09"),
    ("新生儿科", "A07.01"), ("新生儿重症监护室", "A07.01"), ("儿科一区", "A07"), ("儿科二区", "A07"),
    ("儿科门诊", "A07"), ("儿科急诊", "A07"), ("小儿外科", "A08"), ("内科", "A03"), ("外科", "A04"), ("眼科", "A10"),
    ("耳鼻咽喉科", "A11"), ("口腔科", "A12"), ("皮肤科", "A13"), ("康复医学科", "A21"), ("麻醉科", "A26"),
    ("医学检验科", "A30"), ("病理科", "A31"), ("医学影像科", "A32"), ("中医科", "A50"), ("急诊医学科", "A20"),
)  # fmt: skip


def rows() -> list[list[Any]]:
    """The good rows, in the order of HEADERS."""
    return [
        [
            f"{place:04}", name, category, "2020-01-01", f"演示{place}", f"0662-{place:07}", "2001/5/1",
            20 + place, 20 + place if place % 2 else None, 8, 12, 0, 1, f"{name}的日常诊疗。", None,
        ]
        for place, (name, category) in enumerate(DEPARTMENTS, start=1)
    ]  # fmt: skip


def spoiled() -> list[list[Any]]:
    """The same with six mistakes, as they happen."""
    found = rows()
    found[1][13] = None  # 简介 missing
    found[4][2] = "妇産科室"  # no such 科别
    found[7][7] = "三十张"  # not a number
    found[9][6] = "2001年13月"  # no such day
    found[12][0] = "0012"  # the code of the row before
    found[20][1] = "外" * 101  # too long
    return found


def workbook(lines: list[list[Any]]) -> bytes:
    """Return the lines as .xlsx under the office's title and headers."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["本院科室一览表"])
    sheet.append(list(HEADERS))
    for line in lines:
        sheet.append(line)
    file = BytesIO()
    book.save(file)
    return file.getvalue()
