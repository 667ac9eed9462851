"""Tables of this room's lists."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from insurance.catalogue.choices import Change, LoadState
from insurance.catalogue.showing import SHORT
from insurance.catalogue.standing import Standing
from portal.lists.columns import (
    Act,
    ActionsColumn,
    CodeColumn,
    DateColumn,
    NumberColumn,
    StateColumn,
    TextColumn,
    TimeColumn,
)
from portal.lists.tables import ListTable


def acts_of_load(load: Any, table: Any) -> list[Act]:
    """Return what can be looked at of a download: the rows that it changed."""
    if load.infno not in SHORT:
        return []
    moved = load.rows_new + load.rows_changed + load.rows_ended
    url = reverse("catalogue:changes", args=[load.pk])
    return [Act("变更明细", url, reason="" if moved else "这次下载没有改变目录。")]


class CodeTable(ListTable):
    """Codes of all catalogues. Nothing is sorted by a column: no index would serve it for every query."""

    code = CodeColumn(verbose_name="编码", opens=True, orderable=False)
    name = TextColumn(verbose_name="名称", width="w-l", orderable=False)
    kind = TextColumn(verbose_name="目录", orderable=False)
    spec = TextColumn(verbose_name="规格", width="w-m", orderable=False)
    dosform = TextColumn(verbose_name="剂型", width="w-s", orderable=False)
    maker = TextColumn(verbose_name="生产企业", width="w-m", orderable=False)
    aprvno = CodeColumn(verbose_name="批准文号", orderable=False)
    standing = StateColumn(Standing, verbose_name="有效性", extra="standing_words", orderable=False)
    level = TextColumn(verbose_name="医保等级", orderable=False)
    limits = TextColumn(verbose_name="限制使用范围", width="w-m", orderable=False)
    generic = TextColumn(verbose_name="通用名", width="w-m", orderable=False)
    alias = TextColumn(verbose_name="别名", width="w-m", orderable=False)
    pacspec = TextColumn(verbose_name="包装", width="w-s", orderable=False)
    unit = TextColumn(verbose_name="单位", orderable=False)
    pinyin = CodeColumn(verbose_name="拼音码", orderable=False)
    begndate = DateColumn(verbose_name="开始日期", orderable=False)
    enddate = DateColumn(verbose_name="结束日期", orderable=False)
    ver = CodeColumn(verbose_name="版本号", orderable=False)

    hidden_at_first = ("generic", "alias", "pacspec", "unit", "pinyin", "begndate", "enddate", "ver")

    def row_url(self, record: Any) -> str:
        """Return the code's page."""
        return reverse("catalogue:item", args=[record.pk])


class ChangeTable(ListTable):
    """Rows that one download touched."""

    change = StateColumn(Change, verbose_name="变化", orderable=False)
    code = CodeColumn(verbose_name="编码", opens=True, orderable=False)
    name = TextColumn(verbose_name="名称", width="w-l", orderable=False)
    changed_words = TextColumn(verbose_name="改了什么", width="w-xl", orderable=False)
    spec = TextColumn(verbose_name="规格", width="w-m", orderable=False)
    maker = TextColumn(verbose_name="生产企业", width="w-m", orderable=False)
    aprvno = CodeColumn(verbose_name="批准文号", orderable=False)
    begndate = DateColumn(verbose_name="开始日期", orderable=False)
    enddate = DateColumn(verbose_name="结束日期", orderable=False)

    hidden_at_first = ("aprvno", "begndate")

    def row_url(self, record: Any) -> str:
        """Return the row's page, where each column stands before and after."""
        return reverse("catalogue:item", args=[record.pk])


class LoadTable(ListTable):
    """Downloads."""

    started_at = TimeColumn(verbose_name="开始", opens=True, orderable=False)
    kind = TextColumn(verbose_name="目录", width="w-m", orderable=False)
    state = StateColumn(LoadState, verbose_name="状态", extra="words", orderable=False)
    ver_to = CodeColumn(verbose_name="下到版本", orderable=False)
    rows_read = NumberColumn(verbose_name="读到行数", orderable=False)
    rows_new = NumberColumn(verbose_name="新增", orderable=False)
    rows_changed = NumberColumn(verbose_name="变更", orderable=False)
    rows_ended = NumberColumn(verbose_name="停用", orderable=False)
    problems = NumberColumn(verbose_name="问题", accessor="remarks", orderable=False)
    who = TextColumn(verbose_name="发起", width="w-s", orderable=False)
    ended_at = TimeColumn(verbose_name="结束", orderable=False)
    ver_from = CodeColumn(verbose_name="原版本", orderable=False)
    filename = CodeColumn(verbose_name="文件名", orderable=False)
    act = ActionsColumn(acts_of_load)

    hidden_at_first = ("ended_at", "ver_from", "filename")

    def row_url(self, record: Any) -> str:
        """Return the download's page."""
        return reverse("catalogue:load", args=[record.pk])

    def value_problems(self, record: Any) -> int:
        """Return the number of sorts of problems for a spreadsheet."""
        return len(record.remarks)

    def render_problems(self, record: Any) -> str:
        """Return the number of sorts of problems."""
        return str(len(record.remarks)) if record.remarks else ""


class TermTable(ListTable):
    """Entries of the area's list, with today's ceilings and own shares."""

    hilist_code = CodeColumn(verbose_name="医保目录编码", opens=True, orderable=False)
    hilist_name = TextColumn(verbose_name="名称", width="w-l", orderable=False)
    kind = TextColumn(verbose_name="目录类别", orderable=False)
    level = TextColumn(verbose_name="等级", orderable=False)
    ceilings = TextColumn(verbose_name="限价（元，1318）", width="w-l", orderable=False)
    shares = TextColumn(verbose_name="先自付（1319）", width="w-l", orderable=False)
    marks = TextColumn(verbose_name="限制", orderable=False)
    enddate = DateColumn(verbose_name="结束日期", orderable=False)
    fee = TextColumn(verbose_name="收费项目类别", orderable=False)
    begndate = DateColumn(verbose_name="开始日期", orderable=False)
    insu_admdvs = CodeColumn(verbose_name="参保地", orderable=False)
    pinyin = CodeColumn(verbose_name="拼音码", orderable=False)

    hidden_at_first = ("begndate", "pinyin")

    def row_url(self, record: Any) -> str:
        """Return the entry's page."""
        return reverse("catalogue:term", args=[record.pk])


class DictionaryTable(ListTable):
    """Codes of the platform's dictionaries; a row leads to the dictionary of the specification, where it has one."""

    type = CodeColumn(verbose_name="字典类型", opens=True)
    type_label = TextColumn(verbose_name="名称", width="w-m", orderable=False)
    value = CodeColumn(verbose_name="字典键值")
    label = TextColumn(verbose_name="字典标签", width="w-l")
    parent_value = CodeColumn(verbose_name="父字典键值")
    admdvs = CodeColumn(verbose_name="行政区划")
    valid_words = TextColumn(verbose_name="有效标志", orderable=False)
    version = CodeColumn(verbose_name="版本号")
    sort = NumberColumn(verbose_name="序号")

    hidden_at_first = ("sort",)

    def row_url(self, record: Any) -> str:
        """Return the specification's page of the dictionary, "" when it has none."""
        return reverse("exchange:dictionary", args=[record.dictionary]) if record.dictionary else ""
