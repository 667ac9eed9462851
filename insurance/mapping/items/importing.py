"""Spreadsheets that come in: the hospital's chargeable items by the office that keeps them, and their usage.

Labels and lengths of what travels are read from the specification (3301); here stand the headers under which hospital
systems export it, and the samples.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from insurance.directory.messages import route_node
from insurance.directory.values import as_text
from insurance.mapping.choices import ListType
from insurance.mapping.errors import MappingError
from insurance.mapping.items.facts import DAYS, label_of, shown_changes
from insurance.mapping.items.following import suggest_later
from insurance.mapping.items.headers import ALIASES, GROUP_ALIASES, HELPS, SAMPLES, SHEETS
from insurance.mapping.items.judging import Judged, judge_items, judge_usage
from insurance.mapping.items.kinds import DRUGS, GROUPS, WORDS, Group
from insurance.mapping.items.services import lock_items, take_judged
from insurance.specification.books import open_book
from insurance.specification.errors import SpecificationError
from insurance.specification.model import Field
from portal.people.actor import Actor
from portal.sheets.columns import Column, Kind
from portal.sheets.importer import Importer, Row, RowKind, RowResult, SheetError, register
from portal.sheets.models import SheetImport

log = logging.getLogger(__name__)
LOOK = "请核对，不影响导入"
KINDS: dict[str, Kind] = {
    "fixmedins_hilist_id": "code", "pric": "number", "revenue": "number", "stock": "number", "inpatients": "whole",
    "begndate": "date", "enddate": "date", "since": "date", "usage_as_of": "date",
}  # fmt: skip
REQUIRED = ("fixmedins_hilist_id", "fixmedins_hilist_name")
# What is the hospital's own and in no message.
OWN_LABELS = {"stopped": "停用标志", "since": "变更生效日期"}
USAGE_COLUMNS = ("list_type", "fixmedins_hilist_id", "revenue", "stock", "inpatients", "usage_as_of")
TAKEN = {"new": "新增", "changed": "更新", "same": "无变化"}


def item_columns(group: Group) -> list[Column]:
    """Return the columns of a group's list, with the limits of the installation's edition of 3301."""
    return [_column(name, _fields(), GROUP_ALIASES.get(group.code, {}), group) for name in SHEETS[group.code]]


def usage_columns() -> list[Column]:
    """Return the columns of 项目用量."""
    return [_column(name, _fields(), {}, None) for name in USAGE_COLUMNS]


def _fields() -> Mapping[str, Field]:
    book = open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR)
    return route_node(book, "mapping.add").fields


def _column(name: str, fields: Mapping[str, Field], more: Mapping[str, tuple[str, ...]], group: Group | None) -> Column:
    field = None if name in DAYS else fields.get(name)  # 3301's days are those of the relation
    label = field.label if field else OWN_LABELS.get(name) or label_of(name)
    options: dict[str, Any] = {
        "name": name,
        "label": label,
        "kind": KINDS.get(name, "text"),
        "required": name in REQUIRED,
        "max_length": (field.max_length or 0) if field else 0,
        "places": 4 if name in ("pric", "stock") else 2,
        "minimum": 0 if KINDS.get(name) in ("number", "whole") and name != "stock" else None,
        "aliases": (*more.get(name, ()), *ALIASES.get(name, ())),
        "help": HELPS.get(name, ""),
        "sample": SAMPLES.get(group.code if group else DRUGS.code, {}).get(name, ""),
    }
    return Column(**options | CODED.get(name, {}))


CODED: dict[str, dict[str, Any]] = {
    "list_type": {"code": dict(ListType.choices), "spellings": WORDS, "dictionary_code": "list_type"},
    "stopped": {
        "code": {"0": "否", "1": "是"},
        "spellings": {"停用": "1", "已停用": "1", "作废": "1", "启用": "0", "在用": "0", "正常": "0", "使用": "0"},
    },
}


class ItemImport(Importer):
    """One group's items: a row an item, found again by its code (and its kind where the file has it)."""

    group: ClassVar[Group]
    columns: ClassVar[Sequence[Column]] = ()
    key: ClassVar[tuple[str, ...]] = ("list_type", "fixmedins_hilist_id")
    note: ClassVar[str] = (
        "已有项目按编码更新，改了什么会先逐项列出。没有目录类别列时按文件种类认定。"
        "文件中没有的项目保持不变；全量名单导入后可在「院内收费项目」用「不在名单中」查出来，自行决定是否停用。"
    )
    effect: ClassVar[str] = "导入只改变本院项目，不会改变对照，也不会向医保平台上传。"

    def check(self, actor: Actor, rows: Sequence[Row]) -> list[RowResult]:
        """Judge the rows against our items."""
        judged = judge_items(actor, self.group, [row.values for row in rows])
        return [_result(self, row, one) for row, one in zip(rows, judged, strict=True)]

    def apply(self, actor: Actor, rows: Sequence[Row]) -> Mapping[str, int]:
        """Take the rows, and let the suggestions be made for what is new."""
        counts = _taken(actor, rows, lambda values: judge_items(actor, self.group, values), f"导入{self.label}")
        suggest_later(actor)
        return counts

    def result_url(self, sheet_import: SheetImport) -> str:
        """Return the list."""
        return f"{reverse('mapping:items')}?tab=unmapped"

    def row_url(self, texts: Mapping[str, str]) -> str:
        """Return the list narrowed to the item of one line."""
        return _row_url(texts)


class UsageImport(Importer):
    """项目用量: what the hospital's system counts, without touching the items themselves."""

    code: ClassVar[str] = "mapping.usage"
    label: ClassVar[str] = "项目用量"
    action: ClassVar[str] = "mapping.import"
    columns: ClassVar[Sequence[Column]] = ()
    key: ClassVar[tuple[str, ...]] = ("list_type", "fixmedins_hilist_id")
    note: ClassVar[str] = "只更新收入、库存、在院使用人数和截止日期，用来排定对照的先后；项目本身不变。"
    effect: ClassVar[str] = "导入只更新用量，不改变项目和对照，也不会向医保平台上传。"

    def check(self, actor: Actor, rows: Sequence[Row]) -> list[RowResult]:
        """Judge the rows against our items."""
        judged = judge_usage(actor, [row.values for row in rows])
        return [_result(self, row, one) for row, one in zip(rows, judged, strict=True)]

    def apply(self, actor: Actor, rows: Sequence[Row]) -> Mapping[str, int]:
        """Take the figures."""
        return _taken(actor, rows, lambda values: judge_usage(actor, values), "更新项目用量")

    def result_url(self, sheet_import: SheetImport) -> str:
        """Return the list."""
        return reverse("mapping:items")

    def row_url(self, texts: Mapping[str, str]) -> str:
        """Return the list narrowed to the item of one line."""
        return _row_url(texts)


def _row_url(texts: Mapping[str, str]) -> str:
    return f"{reverse('mapping:items')}?{urlencode({'tab': 'all', 'words': texts['fixmedins_hilist_id']})}"


@transaction.atomic
def _taken(
    actor: Actor, rows: Sequence[Row], judge: Callable[[list[Mapping[str, Any]]], list[Judged]], source: str
) -> dict[str, int]:
    values = [row.values for row in rows]
    lock_items(actor, {as_text(one.get("fixmedins_hilist_id")) for one in values})
    try:
        counts = take_judged(actor, judge(list(values)), source=source)
    except MappingError as error:
        raise SheetError(f"{error} 请重新校验文件。") from error
    return {TAKEN[kind]: count for kind, count in counts.items()}


def _result(importer: Importer, row: Row, judged: Judged) -> RowResult:
    names = {column.name for column in importer.columns}
    problems = [importer.problem(row, f.field if f.field in names else "", f.reason) for f in judged.faults]
    problems += [
        importer.problem(row, doubt.field if doubt.field in names else "", doubt.reason, level="warning", advice=LOOK)
        for doubt in judged.doubts
    ]
    return RowResult(RowKind(judged.kind), problems, _shown(judged), str(judged.item or ""))


def _shown(judged: Judged) -> dict[str, tuple[str, str]]:
    """Return the changes in words; those of a later day say from when."""
    shown = shown_changes(judged.changes)
    if judged.later:
        return {name: (old, f"{new}（{judged.since} 起）") for name, (old, new) in shown.items()}
    return shown


def register_importers() -> None:
    """Make all known to the wizard, with the columns of the installation's edition.

    Tables that cannot be read leave the wizard without them instead of stopping the program.
    """
    try:
        UsageImport.columns = usage_columns()
        made = [_importer_of(group) for group in GROUPS]
    except SpecificationError as error:
        log.error("no import of hospital items: %s", error)
        return
    for importer in (*made, UsageImport):
        register(importer)


def _importer_of(group: Group) -> type[ItemImport]:
    """Return the importer of one group."""
    facts = {
        "__doc__": f"{group.label}.", "group": group, "code": group.code, "label": group.label,
        "action": group.action, "columns": item_columns(group),
    }  # fmt: skip
    return type(f"Import_{group.code.rpartition('.')[2]}", (ItemImport,), facts)
