"""Query forms of 待审核 and 已对照."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from insurance.mapping.choices import EndingKind, ListType, MappingState, Source, Verdict
from insurance.mapping.models import Ending, Mapping
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter, YesNoFilter

BOX = forms.TextInput(attrs={"placeholder": "院内编码、名称、拼音码或医保编码"})
NAMED = ["item__fixmedins_hilist_id", "item__fixmedins_hilist_name", "item__pinyin", "med_list_codg"]


class CodeNameFilter(SearchFilter):
    """Looks into the code's name as it was seen when it was taken."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields=["code_facts__name"], **kwargs)


class PersonFilter(ChoiceFilter):
    """One of those who made the rows."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows."""
        return qs.filter(**{str(self.field_name): value}) if value else qs


class ApprovalFilter(ListFilter):
    """待审核."""

    words = SearchFilter(fields=NAMED, label="项目、编码", widget=BOX)
    list_type = ChoiceFilter(label="目录类别", states=ListType)
    source = ChoiceFilter(label="来源", states=Source)
    certain = YesNoFilter(label="把握", yes="确定", no="非确定")
    code_name = CodeNameFilter(label="编码名称")
    proposed_at = DayRangeFilter(label="对码日期", times=True)

    class Meta:
        model = Mapping
        fields: list[str] = []


class EndingFilter(ListFilter):
    """待审核 of endings."""

    words = SearchFilter(fields=[f"mapping__{name}" for name in NAMED], label="项目、编码", widget=BOX)
    kind = ChoiceFilter(label="方式", states=EndingKind)

    class Meta:
        model = Ending
        fields: list[str] = []


class RelationFilter(ListFilter):
    """已对照."""

    words = SearchFilter(fields=NAMED, label="项目、编码", widget=BOX)
    list_type = ChoiceFilter(label="目录类别", states=ListType)
    state = ChoiceFilter(label="状态", states=MappingState)
    verdict = ChoiceFilter(label="局方审核", choices=[(code, label) for code, label in Verdict.choices if code])
    source = ChoiceFilter(label="来源", states=Source)
    sampled = YesNoFilter(label="抽查过")
    code_name = CodeNameFilter(label="编码名称")
    begndate = DayRangeFilter(label="开始日期")
    enddate = DayRangeFilter(label="结束日期")

    class Meta:
        model = Mapping
        fields: list[str] = []
