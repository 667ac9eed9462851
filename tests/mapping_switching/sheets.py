"""The bureau's table as it comes, and the wizard's way with it."""

from __future__ import annotations

import io
from collections.abc import Sequence

from openpyxl import Workbook

HEADER = ("序号", "原国家医保编码", "原名称", "国家医保代码", "新名称", "对应关系")


def workbook(rows: Sequence[Sequence[object]], header: Sequence[str] = HEADER) -> bytes:
    """A workbook with a title above the header, as bureaus write it."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["医用耗材编码新旧对照表"])
    sheet.append(list(header))
    for row in rows:
        sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
