"""The list of the hospital's items."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from insurance.mapping.items.exporting import importable
from insurance.mapping.items.filters import ItemFilter
from insurance.mapping.items.kinds import GROUPS
from insurance.mapping.items.queries import TABS, attach, with_relations
from insurance.mapping.items.tables import ItemTable, state_of
from insurance.mapping.models import HospitalItem
from portal.lists.exporting import ListColumn
from portal.lists.views import Batch, Empty, Link, ListPage, Tab
from portal.people.guard import ActorRequest, needs
from portal.sheets.importer import importers_for

USAGE = "mapping.usage"
EMPTY_WORDS = {
    "unmapped": "没有未对照的项目。",
    "mapped": "还没有已对照的项目。",
    "waiting": "没有待审核的对照。",
    "no_code": "没有标为不需对照的项目。",
    "stopped": "没有停用的项目。",
}


def items_of(request: ActorRequest) -> QuerySet[HospitalItem]:
    """Return the items of the institution at hand that the person may see."""
    visible: QuerySet[HospitalItem] = HospitalItem.objects.visible_to(request.user)
    return with_relations(visible.filter(institution=request.actor.institution))


def decorated(items: list[Any]) -> list[Any]:
    """Give rows of `items_of` what the table and the acts look at."""
    attach(items)
    for item in items:
        item.stand = state_of(item)
    return items


class ItemList(ListPage):
    """Every item of the institution, by where it stands with its code."""

    action = "mapping.view"
    title = "院内收费项目"
    purpose = "本院的药品、饮片、制剂、医疗服务和耗材，以及各自对照的医保编码；未对照的按收入从高到低。"
    table_class = ItemTable
    filter_class = ItemFilter
    tabs = tuple(Tab(key, label, rows, EMPTY_WORDS.get(key, "")) for key, (label, rows) in TABS.items())
    main = Link("新建项目", "mapping:item_new", "mapping.edit")
    tools = (Link("导入", "mapping:items_import", "mapping.import"),)
    batches = (
        Batch("不需对照", "mapping:items_no_code", "mapping.edit", ("unmapped", "all")),
        Batch("恢复对照", "mapping:items_need_code", "mapping.edit", ("no_code",)),
        Batch("复核无误", "mapping:items_check", "mapping.view", ("mapped",)),
        Batch("停用", "mapping:items_stop", "mapping.edit", ("unmapped", "mapped", "waiting", "no_code", "all")),
        Batch("恢复使用", "mapping:items_resume", "mapping.edit", ("stopped",)),
    )
    empty = Empty("还没有院内收费项目。", Link("从表格导入", "mapping:items_import", "mapping.import"))
    order = ("-revenue", "-pk")
    export_action = "mapping.export"
    template_name = "mapping/items/list.html"

    def rows(self) -> QuerySet[Any]:
        """Return the items of the institution at hand."""
        return items_of(self.request)

    def decorate(self, records: list[Any]) -> None:
        """Fetch relations, suggestions and what changed, in three queries."""
        decorated(records)

    def out_columns(self) -> list[ListColumn]:
        """Return the person's columns and the rest of the templates', so that the file can be imported again."""
        return importable(super().out_columns())


@require_GET
@needs("mapping.import")
def importing(request: ActorRequest) -> HttpResponseBase:
    """Which list comes in: each office's own, and the usage."""
    codes = [*(group.code for group in GROUPS), USAGE]
    mine = {one.code: one for one in importers_for(request.user, request.actor.institution)}
    importers = [mine[code] for code in codes if code in mine]
    return render(request, "mapping/items/importing.html", {"importers": importers})
