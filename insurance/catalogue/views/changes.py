"""What one download changed: each row with what it was before."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404

from insurance.catalogue.choices import Change
from insurance.catalogue.filters import ChangeFilter
from insurance.catalogue.kinds import kind_of
from insurance.catalogue.models import Item, Load
from insurance.catalogue.queries import changes_of
from insurance.catalogue.showing import SHORT, changed_columns, columns_of
from insurance.catalogue.tables import ChangeTable
from insurance.exchange.pages.links import link_in
from portal.lists.ledger import MOST_COUNTED
from portal.lists.parts import Empty, Tab
from portal.lists.views import ListPage
from portal.people.guard import ActorRequest

VIEW, EXPORT = "catalogue.view", "catalogue.export"
SHOWN = 4


class ChangeList(ListPage):
    """The rows that one download brought, changed or ended."""

    action = VIEW
    title = "目录变更明细"
    purpose = "这次下载新增、变更、停用的编码，变更的逐列写明原来和现在。"
    table_class = ChangeTable
    filter_class = ChangeFilter
    tabs = (
        Tab("changed", "变更", Q(change=Change.CHANGED.value), "这次下载没有变更的行。"),
        Tab("ended", "停用", Q(change=Change.ENDED.value), "这次下载没有停用的行。"),
        Tab("new", "新增", Q(change=Change.NEW.value), "这次下载没有新增的行。"),
        Tab("all", "全部"),
    )
    empty = Empty("这次下载没有改变目录。")
    order = ("pk",)
    export_action = EXPORT
    template_name = "catalogue/changes.html"

    def get(self, request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the list; catalogues whose rows are no codes have none."""
        if self.load.infno not in SHORT:
            raise Http404
        return super().get(request, *args, **kwargs)

    @cached_property
    def load(self) -> Load:
        """The download. Unknown → 404."""
        found: Load = get_object_or_404(Load, pk=self.kwargs["pk"])
        return found

    @cached_property
    def columns(self) -> list[tuple[str, str]]:
        """Names and labels of the catalogue's columns."""
        return columns_of(link_in(self.request)[1], self.load.infno)

    def rows(self) -> QuerySet[Any]:
        """Return what the download touched."""
        return changes_of(self.load)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many rows stand under each tab: as the download itself counted them, with a query up to MOST_COUNTED."""
        load = self.load
        if not self.filter.is_valid():
            return {tab.key: 0 for tab in self.tabs}
        if not self.narrowed:
            own = {"changed": load.rows_changed, "ended": load.rows_ended, "new": load.rows_new}
            return {**own, "all": sum(own.values())}
        rows = self.filter.qs.order_by()
        return {tab.key: rows.filter(tab.rows).values("pk")[:MOST_COUNTED].count() for tab in self.tabs}

    def decorate(self, records: list[Any]) -> None:
        """Say of each row what changed in it."""
        before = Item.objects.in_bulk([row.before_id for row in records if row.before_id and row.before_id != row.pk])
        for row in records:
            old = before.get(row.before_id)
            row.changes = changed_columns(old, row, self.columns) if old else []
            row.changed_words = _words(row)

    def context(self) -> dict[str, Any]:
        """Add the download."""
        return {"load": self.load, "kind": kind_of(self.load.infno)}


def _words(row: Any) -> str:
    if not row.changes:
        return {"new": "新编码", "ended": "平台不再下发"}.get(row.change, "")
    matter = [change for change in row.changes if not change.minor]
    if not matter:
        return "只有版本与时间变化"
    shown = "；".join(f"{one.label}：{one.before or '空'} → {one.after or '空'}" for one in matter[:SHOWN])
    return shown + (f"；另有 {len(matter) - SHOWN} 列" if len(matter) > SHOWN else "")
