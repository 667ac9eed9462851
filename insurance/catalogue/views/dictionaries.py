"""平台字典: what 1901 told, by dictionary type."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from insurance.catalogue.filters import DictionaryFilter
from insurance.catalogue.models import DictionaryEntry
from insurance.catalogue.tables import DictionaryTable
from insurance.exchange.pages import dictionaries as written
from insurance.exchange.pages.links import link_in
from portal.lists.parts import Empty, Link
from portal.lists.views import ListPage

VIEW, EXPORT = "catalogue.view", "catalogue.export"


class DictionaryList(ListPage):
    """Every code that the platform told, of every dictionary."""

    action = VIEW
    title = "平台字典"
    purpose = "平台下发的字典（1901）：每个代码的含义。规范所列的字典及其用途见「规范字典」。"
    table_class = DictionaryTable
    filter_class = DictionaryFilter
    tools = (Link("规范字典", "exchange:dictionaries"), Link("更新记录", "catalogue:loads"))
    empty = Empty("还没有下载过平台字典（1901）。", Link("去更新目录", "catalogue:loads", VIEW))
    order = ("type", "sort", "value")
    export_action = EXPORT

    def rows(self) -> QuerySet[Any]:
        """Return every entry."""
        return DictionaryEntry.objects.all()

    def decorate(self, records: list[Any]) -> None:
        """Say what the specification calls the dictionary, and whether it has the code."""
        _, book = link_in(self.request)
        known = {one.code.lower(): one for one in written.dictionaries_of(book)}
        for row in records:
            found = known.get(row.type.lower())
            row.type_label = found.label if found else ""
            row.dictionary = found.code if found else ""
            row.valid_words = {"1": "有效", "": "未注明"}.get(row.vali_flag, "无效")
