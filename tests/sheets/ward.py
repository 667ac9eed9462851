"""An importer without a model: wards kept in a dictionary, so that the wizard is tested without a room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from portal.people.actor import Actor
from portal.sheets.importer import Column, Importer, Row, RowKind, RowResult, SheetError, register
from portal.sheets.models import SheetImport

GENDERS = {"1": "男", "2": "女", "9": "未说明"}


@register
class WardImport(Importer):
    """Wards: code, name, beds, day, chief's phone and document number, fee, kind."""

    code = "tests.ward"
    label = "病区"
    action = "directory.import"
    key = ("ward_code",)
    columns = (
        Column("ward_code", "病区编码", kind="code", required=True, max_length=25, aliases=("编码",), sample="0101"),
        Column("ward_name", "病区名称", required=True, max_length=10, aliases=("名称",), sample="示例病区"),
        Column("beds", "床位数", kind="whole", minimum=0, maximum=500),
        Column("opened", "启用日期", kind="date"),
        Column("fee", "床位费", kind="number", minimum=0),
        Column("gender", "收治性别", kind="code", code=lambda: GENDERS),
        Column("level", "级别", kind="code", code={"A": "一级", "B": "二级"}, unknown="warning", max_length=10),
        Column("tel", "电话", kind="phone"),
        Column("certno", "负责人证件号码", kind="document"),
    )
    records: ClassVar[dict[str, dict[str, Any]]] = {}
    closed: ClassVar[set[str]] = set()
    applied: ClassVar[list[int]] = []
    fails_at: ClassVar[str] = ""

    def check(self, actor: Actor, rows: Sequence[Row]) -> list[RowResult]:
        """A closed ward cannot be changed."""
        return [self._judge(row) for row in rows]

    def _judge(self, row: Row) -> RowResult:
        code = str(row.values["ward_code"])
        if code in self.closed:
            return RowResult(RowKind.ERROR, [self.problem(row, "ward_code", "病区已停用，不能修改")])
        if code not in self.records:
            return RowResult(RowKind.NEW, subject=code)
        old = self.records[code]
        changes = {
            name: (str(old.get(name) or ""), str(value or ""))
            for name, value in row.values.items()
            if old.get(name) != value
        }
        return RowResult(RowKind.CHANGED if changes else RowKind.SAME, changes=changes, subject=code)

    def apply(self, actor: Actor, rows: Sequence[Row]) -> Mapping[str, int]:
        """Keep the rows."""
        self.applied.append(len(rows))
        if any(row.values["ward_code"] == self.fails_at for row in rows):
            raise SheetError(f"病区 {self.fails_at} 写入失败。")
        new = sum(1 for row in rows if row.values["ward_code"] not in self.records)
        for row in rows:
            self.records.setdefault(str(row.values["ward_code"]), {}).update(row.values)
        return {"新增": new, "更新": len(rows) - new}

    def result_url(self, sheet_import: SheetImport) -> str:
        """Return the place where the wards would be."""
        return f"/wards/?import={sheet_import.pk}"

    @classmethod
    def forget(cls) -> None:
        """Begin anew."""
        cls.records.clear()
        cls.closed.clear()
        cls.applied.clear()
        cls.fails_at = ""
