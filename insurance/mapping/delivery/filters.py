"""The query form of 对照上传."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from insurance.mapping.choices import ListType, Verdict
from insurance.mapping.delivery.queries import FOR_BUREAU, late_before
from insurance.mapping.models import Mapping
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter, YesNoFilter

BOX = forms.TextInput(attrs={"placeholder": "也可用拼音码"})
WORDS = ["item__fixmedins_hilist_id", "item__fixmedins_hilist_name", "item__pinyin", "med_list_codg"]


def list_types() -> list[tuple[str, str]]:
    """Return the kinds with their codes."""
    return [(code, f"{code} {label}") for code, label in ListType.choices]


class LateFilter(YesNoFilter):
    """What waits for the bureau longer than the setting says."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows."""
        late = FOR_BUREAU & Q(told_at__lt=late_before())
        return qs.filter(late) if value == "1" else qs.exclude(late) if value == "0" else qs


class DeliveryFilter(ListFilter):
    """对照上传."""

    words = SearchFilter(fields=WORDS, label="项目、编码", widget=BOX)
    list_type = ChoiceFilter(label="目录类别", choices=list_types)
    verdict = ChoiceFilter(label="局方审核", states=Verdict)
    late = LateFilter(label="局方超期未审")
    told_at = DayRangeFilter(label="平台受理日期", times=True)

    class Meta:
        model = Mapping
        fields: list[str] = []
