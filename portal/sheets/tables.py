"""The list of imports."""

from __future__ import annotations

from portal.lists.columns import NumberColumn, StateColumn, TextColumn, TimeColumn
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter
from portal.lists.tables import ListTable
from portal.sheets.choices import ImportState
from portal.sheets.models import SheetImport


class ImportTable(ListTable):
    """Imports with their counts."""

    label = TextColumn(verbose_name="导入内容")
    file_name = TextColumn(verbose_name="文件名", opens=True, width="w-l")
    state = StateColumn(ImportState, verbose_name="状态", extra="words")
    new_rows = NumberColumn(verbose_name="新增")
    changed_rows = NumberColumn(verbose_name="更新")
    same_rows = NumberColumn(verbose_name="无变化")
    error_rows = NumberColumn(verbose_name="错误")
    warnings = NumberColumn(verbose_name="警告")
    requested_by = TextColumn(verbose_name="上传人")
    created_at = TimeColumn(verbose_name="上传时间")
    applied_at = TimeColumn(verbose_name="导入时间")

    class Meta(ListTable.Meta):
        """Columns in the order of the screen."""

        sequence = (
            "label", "file_name", "state", "new_rows", "changed_rows", "same_rows", "error_rows", "warnings",
            "requested_by", "created_at", "applied_at",
        )  # fmt: skip


class ImportFilter(ListFilter):
    """The query form of the list of imports."""

    words = SearchFilter(fields=["file_name", "label", "requested_by__name"], label="文件、上传人")
    state = ChoiceFilter(label="状态", states=ImportState)
    created_at = DayRangeFilter(label="上传日期", times=True)

    class Meta:
        """All fields are declared above."""

        model = SheetImport
        fields: list[str] = []
