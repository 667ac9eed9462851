"""值对照 by spreadsheet: the template, and what comes out of its own lists again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import ClassVar

from django.urls import reverse

from portal.people.actor import Actor
from portal.sheets.columns import Column, Value
from portal.sheets.importer import Importer, Row, RowKind, RowResult, SheetError, register
from portal.sheets.models import SheetImport
from portal.values.errors import ValueRefused
from portal.values.registry import sets
from portal.values.taking import Judged, Proposal, judge, take


def _sets() -> dict[str, str]:
    return {one.code: one.label for one in sets()}


@register
class MappingImport(Importer):
    """值对照: one row a mapping, found again by set, value and first day."""

    code: ClassVar[str] = "values.mapping"
    label: ClassVar[str] = "值对照"
    action: ClassVar[str] = "values.edit"
    key: ClassVar[tuple[str, ...]] = ("set_code", "source", "begins")
    note: ClassVar[str] = "涉及金额的类别导入后须另一人审核；其余立即生效，等待这些值的记录自动继续处理。"
    effect: ClassVar[str] = "涉及金额的对照进入「待审核」，其余立即生效。不会向医保平台上传。"
    columns: ClassVar[Sequence[Column]] = (
        Column("set_code", "对照类别", required=True, code=_sets, aliases=("类别", "字典"), help="填类别名称"),
        Column(
            "source", "院内值", required=True, max_length=200, aliases=("院内编码", "临床版编码"), sample="A01.001"
        ),
        Column("source_label", "院内名称", max_length=200, aliases=("源名称", "临床版名称"), sample="伤寒轻型"),
        Column(
            "target", "平台值", required=True, max_length=300, aliases=("平台编码", "医保版编码"), sample="A01.0"
        ),
        Column("begins", "生效日期", kind="date", aliases=("开始日期",), help="留空为导入当天"),
        Column("last_day", "失效日期", kind="date", aliases=("结束日期",), help="最后一天有效，留空为长期"),
        Column("note", "说明", max_length=300, aliases=("备注",)),
    )  # fmt: skip

    def check(self, actor: Actor, rows: Sequence[Row]) -> list[RowResult]:
        """Judge the rows against the mappings."""
        judged = judge(actor, [_proposal(row) for row in rows])
        return [self._result(row, item) for row, item in zip(rows, judged, strict=True)]

    def apply(self, actor: Actor, rows: Sequence[Row]) -> Mapping[str, int]:
        """Take the rows by the room's service."""
        try:
            return take(actor, proposals=[_proposal(row) for row in rows])
        except ValueRefused as error:
            raise SheetError(f"{error}请重新校验文件。") from error

    def result_url(self, sheet_import: SheetImport) -> str:
        """Return the list of mappings."""
        return f"{reverse('values:mappings')}?tab=waiting"

    def _result(self, row: Row, item: Judged) -> RowResult:
        problems = [self.problem(row, item.field, item.fault)] if item.fault else []
        target = item.mapping.target if item.mapping else ""
        changes = {"target": (item.before, target)} if item.before and item.before != target else {}
        return RowResult(RowKind(item.kind), problems, changes, str(item.mapping or ""))


def _proposal(row: Row) -> Proposal:
    values = row.values
    last_day = values.get("last_day")
    return Proposal(
        set_code=_text(values.get("set_code")),
        source=_text(values.get("source")),
        target=_text(values.get("target")),
        source_label=_text(values.get("source_label")),
        begins=_day(values.get("begins")),
        until=last_day + timedelta(days=1) if isinstance(last_day, date) else None,
        note=_text(values.get("note")),
    )


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _day(value: Value) -> date | None:
    return value if isinstance(value, date) else None
