"""Query forms of this corner's lists."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import F, Q, QuerySet

from insurance.mapping.choices import LineKind, ListType, NightState, SwitchRelation
from insurance.mapping.models import CodeSwitch, CodeSwitchRow, Finding, NightRun, SwitchLine
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter


class SwitchFilter(ListFilter):
    """Query form of 目录切换."""

    words = SearchFilter(fields=["name", "memo"], label="切换名称")
    day = DayRangeFilter(field_name="day", label="切换日期")

    class Meta:
        """Which model."""

        model = CodeSwitch
        fields: list[str] = []


class AtLeast(django_filters.NumberFilter):
    """Amounts of at least so many yuan."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(lookup_expr="gte", widget=forms.TextInput(attrs={"inputmode": "decimal"}), **kwargs)


class LineFilter(ListFilter):
    """Query form of one switch."""

    words = SearchFilter(
        fields=["item__fixmedins_hilist_name", "item__pinyin", "new_name"],
        starts=["item__fixmedins_hilist_id", "mapping__med_list_codg", "new_code"],
        label="院内编码、名称、新旧编码",
    )
    list_type = ChoiceFilter(field_name="item__list_type", label="目录类别", states=ListType)
    risk = django_filters.ChoiceFilter(
        label="需要留意", method="narrow", empty_label="全部",
        choices=[("over", "超新限价"), ("class", "等级变化"), ("unknown", "新编码未到"), ("patients", "有在院病人")],
    )  # fmt: skip
    kind = ChoiceFilter(label="情形", states=LineKind)
    revenue = AtLeast(field_name="item__revenue", label="收入不少于")

    class Meta:
        """Which model."""

        model = SwitchLine
        fields: list[str] = []

    def narrow(self, qs: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to what a person should look at."""
        return qs.filter(RISKS[value]) if value in RISKS else qs


RISKS = {
    "over": Q(over__gt=0),
    "class": Q(class_to__gt="") & ~Q(class_to=F("class_from")),
    "unknown": Q(warnings__icontains="还没有新编码"),
    "patients": Q(item__inpatients__gt=0),
}


class RowFilter(ListFilter):
    """Query form of the bureau's table."""

    words = SearchFilter(fields=["old_name", "new_name"], starts=["old_code", "new_code"], label="新旧编码、名称")
    relation = ChoiceFilter(label="对应关系", states=SwitchRelation)
    list_type = ChoiceFilter(label="目录类别", states=ListType)

    class Meta:
        """Which model."""

        model = CodeSwitchRow
        fields: list[str] = []


class FindingFilter(ListFilter):
    """Query form of 目录变更影响."""

    words = SearchFilter(
        fields=["mapping__item__fixmedins_hilist_name", "mapping__item__pinyin"],
        starts=["mapping__item__fixmedins_hilist_id", "mapping__med_list_codg"],
        label="项目、编码",
    )
    list_type = ChoiceFilter(field_name="mapping__list_type", label="目录类别", states=ListType)
    due = DayRangeFilter(field_name="due", label="期限")
    revenue = AtLeast(field_name="mapping__item__revenue", label="收入不少于")
    patients = django_filters.ChoiceFilter(
        label="在院病人", method="narrow", empty_label="全部", choices=[("1", "有在院病人使用")]
    )
    found = DayRangeFilter(field_name="found_at", times=True, label="发现时间")

    class Meta:
        """Which model."""

        model = Finding
        fields: list[str] = []

    def narrow(self, qs: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to what patients in the house use."""
        return qs.filter(mapping__item__inpatients__gt=0) if value == "1" else qs


class NightFilter(ListFilter):
    """Query form of 夜间更新."""

    day = DayRangeFilter(field_name="day", label="日期")
    state = ChoiceFilter(label="结果", states=NightState)

    class Meta:
        """Which model."""

        model = NightRun
        fields: list[str] = []
