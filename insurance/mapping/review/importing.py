"""对照表导入: relations from a table become proposals; every row that cannot be is refused with its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.urls import reverse

from insurance.mapping import rules
from insurance.mapping.choices import ListType, Source
from insurance.mapping.models import HospitalItem
from insurance.mapping.review.services import Choice, judge_all, propose_all
from portal.people.actor import Actor
from portal.sheets.columns import Column
from portal.sheets.importer import Importer, Row, RowKind, RowResult, SheetError, register
from portal.sheets.models import SheetImport

KINDS = dict(ListType.choices)


class RelationImport(Importer):
    """对照: one row an item with its national code."""

    code: ClassVar[str] = "mapping.relations"
    label: ClassVar[str] = "目录对照"
    action: ClassVar[str] = "mapping.import"
    columns: ClassVar[Sequence[Column]] = (
        Column(
            "fixmedins_hilist_id", "院内编码", "code", required=True, max_length=30, sample="000123",
            aliases=("定点医药机构目录编号", "院内项目编码", "项目编码", "本院编码", "药品编码"),
        ),
        Column(
            "list_type", "目录类别", "text", code=lambda: KINDS, unknown="error", sample="101",
            aliases=("类别", "项目类别"), help="留空：按院内编码找；同一编码在两个类别里时必填",
        ),
        Column(
            "med_list_codg", "医疗目录编码", "code", required=True, max_length=30, sample="XJ01CAA040B002010100001",
            aliases=("国家编码", "国家医保编码", "医保编码", "国家码", "贯标编码"),
        ),
        Column("begndate", "开始日期", "date", help="留空：今天起", sample="2026-12-01", aliases=("开始", "生效日期")),
        Column("enddate", "结束日期", "date", help="留空：到编码失效为止", sample="", aliases=("结束", "失效日期")),
        Column("memo", "备注", "text", max_length=500, sample="", aliases=("说明",)),
    )  # fmt: skip
    key: ClassVar[tuple[str, ...]] = ("list_type", "fixmedins_hilist_id")
    note: ClassVar[str] = (
        "导入的每条都是待审核的对照，另一人通过后才上传。原系统已经上传过的对照不要从这里导入，"
        "请在「平台核对」取得平台数据后选「以平台为准」。"
    )
    effect: ClassVar[str] = "导入后待另一人审核，通过后才按目录对照上传（3301）送往平台。"

    def check(self, actor: Actor, rows: Sequence[Row]) -> list[RowResult]:
        """Judge the rows as proposals, without making them."""
        items = _items(actor, rows)
        choices = {row.number: choice for row in rows if (choice := _choice(items, row)) is not None}
        judged = judge_all(actor, choices=choices.values())
        refused = {item.pk: words for item, words in judged.left_out}
        return [self._result(actor, row, choices.get(row.number), items, refused) for row in rows]

    def _result(
        self,
        actor: Actor,
        row: Row,
        choice: Choice | None,
        items: dict[str, list[HospitalItem]],
        refused: dict[int, str],
    ) -> RowResult:
        code = str(row.values["fixmedins_hilist_id"])
        if choice is None:
            found = items.get(code, [])
            words = (
                f"院内编码 {code} 在几个目录类别里都有，请填写目录类别"
                if len(found) > 1
                else f"院内收费项目里没有编码 {code}。请先导入院内项目，或改正编码"
            )
            return RowResult(RowKind.ERROR, [self.problem(row, "fixmedins_hilist_id", words)])
        name = str(choice.item)
        if not rules.may_map(actor, choice.item.list_type):
            words = f"您的角色不对{choice.item.get_list_type_display()}对码，请由负责的科室导入"
            return RowResult(RowKind.ERROR, [self.problem(row, "fixmedins_hilist_id", words)], subject=name)
        if choice.item.pk in refused:
            return RowResult(RowKind.ERROR, [self.problem(row, "med_list_codg", refused[choice.item.pk])], subject=name)
        return RowResult(RowKind.NEW, subject=name)

    def apply(self, actor: Actor, rows: Sequence[Row]) -> Mapping[str, int]:
        """Propose the rows."""
        items = _items(actor, rows)
        choices = [choice for row in rows if (choice := _choice(items, row)) is not None]
        done = propose_all(actor, choices=choices, label="导入对照")
        if done.left_out or len(choices) != len(rows):
            why = done.left_out[0][1] if done.left_out else "有的项目已不在院内收费项目里。"
            raise SheetError(f"{why} 请重新校验文件。")
        return {"新增待审核": len(done.made)}

    def result_url(self, sheet_import: SheetImport) -> str:
        """Return the proposals that wait for the second person."""
        return f"{reverse('mapping:approvals')}?tab=mine"

    def row_url(self, texts: Mapping[str, str]) -> str:
        """Return the relations of the item of one line."""
        return f"{reverse('mapping:mappings')}?{urlencode({'tab': 'all', 'words': texts['fixmedins_hilist_id']})}"


def _items(actor: Actor, rows: Sequence[Row]) -> dict[str, list[HospitalItem]]:
    codes = {str(row.values["fixmedins_hilist_id"]) for row in rows}
    found: dict[str, list[HospitalItem]] = {}
    for item in HospitalItem.objects.filter(institution=actor.institution, fixmedins_hilist_id__in=codes):
        found.setdefault(item.fixmedins_hilist_id, []).append(item)
    return found


def _choice(items: dict[str, list[HospitalItem]], row: Row) -> Choice | None:
    """Return what one line proposes; None where its item cannot be told."""
    values: Mapping[str, Any] = row.values
    kind = values.get("list_type")
    found = items.get(str(values["fixmedins_hilist_id"]), [])
    fitting = [item for item in found if not kind or item.list_type == kind]
    if len(fitting) != 1:
        return None
    return Choice(
        fitting[0], str(values["med_list_codg"]), Source.IMPORTED, values.get("begndate"), values.get("enddate"),
        memo=str(values.get("memo") or ""),
    )  # fmt: skip


def register_importers() -> None:
    """Make the kind known to the wizard."""
    register(RelationImport)
