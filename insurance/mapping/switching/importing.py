"""The bureau's 新旧编码对照表 through the wizard. Which switch a file is for, the file itself may say, or the page from
which it was uploaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from django.urls import reverse

from insurance.mapping.choices import ListType
from insurance.mapping.models import CodeSwitch, SwitchFile
from insurance.mapping.switching.errors import SwitchingError
from insurance.mapping.switching.services.assessing import assess
from insurance.mapping.switching.services.rows import Judged, code_of, judge_rows, take_rows
from insurance.mapping.switching.tabling import new_codes
from portal.audit.context import origin
from portal.people.actor import Actor
from portal.sheets.chunks import every_line
from portal.sheets.columns import Column
from portal.sheets.converting import tidy
from portal.sheets.importer import Importer, Row, RowKind, RowResult, SheetError, register
from portal.sheets.models import SheetImport

LOOK = "请核对，不影响导入"
# Headers under which bureaus and hospitals write the same columns.
OLD_CODES = (
    "原编码", "旧医保编码", "原医保编码", "旧国家医保编码", "原国家医保编码", "旧国家医保代码", "原国家医保代码",
    "旧医疗目录编码", "原医疗目录编码", "调整前编码", "变更前编码", "切换前编码", "停用编码", "旧代码", "原代码",
    "旧码", "原医保代码", "旧医保代码", "旧项目编码", "原项目编码", "旧耗材编码", "原耗材编码",
)  # fmt: skip
OLD_NAMES = (
    "原名称", "旧编码名称", "原编码名称", "调整前名称", "变更前名称", "切换前名称", "旧项目名称", "原项目名称",
    "原产品名称", "旧医保名称", "原医保名称",
)  # fmt: skip
NEW_CODES = (
    "现编码", "新医保编码", "现医保编码", "国家医保编码", "国家医保代码", "新国家医保编码", "新国家医保代码",
    "新医疗目录编码", "现医疗目录编码", "医疗目录编码", "调整后编码", "变更后编码", "切换后编码", "替代编码",
    "启用编码", "新代码", "现代码", "新码", "新医保代码", "现医保代码", "新项目编码", "现项目编码",
    "新耗材编码", "现耗材编码",
)  # fmt: skip
NEW_NAMES = (
    "现名称", "新编码名称", "现编码名称", "调整后名称", "变更后名称", "切换后名称", "新项目名称", "现项目名称",
    "新产品名称", "新医保名称", "现医保名称",
)  # fmt: skip
STATED = ("新旧关系", "对照关系", "关系", "匹配关系", "映射关系", "变更类型", "调整类型")
SEVERAL = "旧编码停用而没有新编码时留空；对应几个新编码时可分行写，也可写在一格，用顿号隔开"
COLUMNS = (
    Column("old_code", "旧编码", "code", required=True, max_length=30, sample="C00000000000000000A", aliases=OLD_CODES),
    Column("old_name", "旧名称", max_length=500, sample="演示导管（旧）", aliases=OLD_NAMES),
    Column(
        "new_code", "新编码", max_length=500, sample="C00000000000000000B", help=SEVERAL, aliases=NEW_CODES
    ),
    Column("new_name", "新名称", max_length=500, sample="演示导管（新）", aliases=NEW_NAMES),
    Column(
        "list_type", "目录类别", code=dict(ListType.choices), aliases=("类别", "目录类型", "项目类别"),
        help="留空时按编码所在的医保目录判断",
    ),
    Column(
        "stated", "对应关系", max_length=50, sample="1:1", aliases=STATED,
        help="局方所写的关系；系统按全表另行计算并核对",
    ),
    Column(
        "switch_name", "切换名称", max_length=100, aliases=("目录切换", "批次名称", "切换批次"),
        help="从「目录切换」某次切换的页面上传时不需要",
    ),
    Column("memo", "备注", max_length=500, aliases=("说明", "备注说明")),
)  # fmt: skip


class SwitchImport(Importer):
    """新旧编码对照表: one row an old code with its successor."""

    code: ClassVar[str] = "mapping.switch"
    label: ClassVar[str] = "新旧编码对照表"
    action: ClassVar[str] = "mapping.import"
    columns: ClassVar[Sequence[Column]] = COLUMNS
    key: ClassVar[tuple[str, ...]] = ("old_code", "new_code")
    note: ClassVar[str] = (
        "先在「目录切换」新建一次切换（名称、切换日期），再从它的页面导入对照表；更正后的表可以再次导入。"
    )
    effect: ClassVar[str] = "导入只写入对照表并重新核对影响，不改变任何对照，也不会向医保平台上传。"

    def check(self, actor: Actor, rows: Sequence[Row]) -> list[RowResult]:
        """Judge the lines against the switch that each belongs to."""
        results: dict[int, RowResult] = {}
        for switch, group in _groups(actor, rows):
            judged = judge_rows(switch, [row.values for row in group])
            results |= {row.number: self._result(row, one, switch) for row, one in zip(group, judged, strict=True)}
        return [results[row.number] for row in rows]

    def apply(self, actor: Actor, rows: Sequence[Row]) -> Mapping[str, int]:
        """Take the lines and work the impact out anew."""
        counts = {"新增": 0, "更新": 0}
        bound = _bound(actor)
        # Lines come in portions; which successors an old code has, only the whole file can say.
        whole = table_of(bound.sheet_import) if bound else {}
        for switch, group in _groups(actor, rows):
            if switch is None:
                raise SheetError("没有说明属于哪一次目录切换。请从「目录切换」中该次切换的页面导入。")
            try:
                taken = take_rows(actor, switch=switch, rows=[row.values for row in group], whole=whole)
            except SwitchingError as error:
                raise SheetError(str(error)) from error
            counts["新增"] += taken["new"]
            counts["更新"] += taken["changed"]
            assess(switch)
        return counts

    def result_url(self, sheet_import: SheetImport) -> str:
        """Return the page of the switch."""
        bound = SwitchFile.objects.filter(sheet_import=sheet_import).select_related("switch").first()
        return bound.switch.get_absolute_url() if bound else reverse("mapping:switches")

    def _result(self, row: Row, judged: Judged, switch: CodeSwitch | None) -> RowResult:
        problems = [self.problem(row, name, reason) for name, reason in judged.faults]
        problems += [self.problem(row, name, words, level="warning", advice=LOOK) for name, words in judged.doubts]
        return RowResult(RowKind(judged.kind), problems, judged.changes, switch.name if switch else "")


def _groups(actor: Actor, rows: Sequence[Row]) -> list[tuple[CodeSwitch | None, list[Row]]]:
    """Return the rows by switch: the one that the row names, else the one that the file was uploaded for."""
    bound = bound_switch(actor)
    names = {str(row.values["switch_name"]) for row in rows if row.values.get("switch_name")}
    named: dict[str, CodeSwitch] = {
        one.name: one for one in CodeSwitch.objects.filter(institution=actor.institution, name__in=names)
    }
    groups: dict[int, tuple[CodeSwitch | None, list[Row]]] = {}
    for row in rows:
        given = row.values.get("switch_name")
        switch = named.get(str(given)) if given else bound
        groups.setdefault(switch.pk if switch else 0, (switch, []))[1].append(row)
    return list(groups.values())


def bound_switch(actor: Actor) -> CodeSwitch | None:
    """Return the switch for which the file at hand was uploaded: the wizard's task that runs now knows its file."""
    bound = _bound(actor)
    return bound.switch if bound else None


def _bound(actor: Actor) -> SwitchFile | None:
    task = origin().task
    if task is None:
        return None
    rows = SwitchFile.objects.filter(sheet_import__task=task, switch__institution=actor.institution)
    found: SwitchFile | None = rows.select_related("switch", "sheet_import").first()
    return found


def table_of(sheet_import: SheetImport) -> dict[str, list[str]]:
    """Return old code → new codes as the whole file has them, lines in error included."""
    places = {cell["name"]: cell["place"] for cell in sheet_import.columns if cell["name"]}
    found: dict[str, list[str]] = {}
    for line in every_line(sheet_import):
        old, new = (_text(line.texts, places.get(name)) for name in ("old_code", "new_code"))
        mine = found.setdefault(code_of(old), [])
        mine += [one for one in new_codes(new) if one not in mine]
    return found


def _text(texts: Sequence[str], place: int | None) -> str:
    return tidy(texts[place]) if place is not None and place < len(texts) else ""


def left_over(switch: CodeSwitch) -> list[str]:
    """Return the old codes kept that the file imported last no longer has, in the table's order."""
    files = switch.files.filter(sheet_import__applied_at__isnull=False).select_related("sheet_import")
    last = files.order_by("-sheet_import__applied_at").first()
    if last is None:
        return []
    named = table_of(last.sheet_import)
    kept = switch.rows.order_by("pk").values_list("old_code", flat=True)
    return [code for code in dict.fromkeys(kept) if code not in named]


def register_importers() -> None:
    """Make the table known to the wizard."""
    register(SwitchImport)
