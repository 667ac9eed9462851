"""医保编码目录: every code of every catalogue, looked for by one box."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from insurance.catalogue.capped import CappedPage
from insurance.catalogue.filters import CodeFilter
from insurance.catalogue.kinds import kinds
from insurance.catalogue.models import Item
from insurance.catalogue.paying import attach_levels
from insurance.catalogue.searching import within
from insurance.catalogue.showing import SHORT, in_items, short_label
from insurance.catalogue.standing import standing_of, standing_words
from insurance.catalogue.tables import CodeTable
from portal.lists.parts import Empty, Link, Tab

VIEW, EXPORT = "catalogue.view", "catalogue.export"


def _tabs() -> tuple[Tab, ...]:
    own = [kind for kind in kinds() if in_items(kind) and kind.borne != "none"]
    return (Tab("all", "全部"), *(Tab(kind.infno, SHORT[kind.infno], within(kind.infno)) for kind in own))


class CodeList(CappedPage):
    """Every current row of every catalogue."""

    action = VIEW
    title = "医保编码目录"
    purpose = "国家医保药品、诊疗、耗材、诊断、手术等编码，按名称、编码、拼音码、批准文号、厂家、规格一起查。"
    table_class = CodeTable
    filter_class = CodeFilter
    tabs = _tabs()
    tools = (Link("更新记录", "catalogue:loads"),)
    empty = Empty("还没有下载过目录。", Link("去更新目录", "catalogue:loads", VIEW))
    export_action = EXPORT

    def rows(self) -> QuerySet[Any]:
        """Return the current rows without their whole lines."""
        return Item.objects.filter(current=True).defer("cells")

    def decorate(self, records: list[Any]) -> None:
        """Name the catalogue and how each row stands today; what the area pays only where it is seen."""
        today = timezone.localdate()
        for item in records:
            item.kind = short_label(item.infno)
            item.standing, item.standing_words = standing_of(item, today), standing_words(item, today)
            item.level = ""
        if self.shows("level"):
            attach_levels(self.request.actor.institution, records, today)
