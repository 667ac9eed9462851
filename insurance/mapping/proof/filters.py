"""The query form of 平台核对."""

from __future__ import annotations

from django import forms

from insurance.mapping.choices import DifferenceKind
from insurance.mapping.delivery.filters import list_types
from insurance.mapping.models import Difference
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter, YesNoFilter

BOX = forms.TextInput(attrs={"placeholder": "也可用拼音码"})
WORDS = [
    "fixmedins_hilist_id", "item__fixmedins_hilist_name", "item__pinyin", "platform__fixmedins_hilist_name",
    "platform__med_list_codg", "mapping__med_list_codg",
]  # fmt: skip


class DifferenceFilter(ListFilter):
    """平台核对."""

    words = SearchFilter(fields=WORDS, label="项目、编码", widget=BOX)
    list_type = ChoiceFilter(label="目录类别", choices=list_types)
    kind = ChoiceFilter(label="差异", states=DifferenceKind)
    known = YesNoFilter(label="本院有此项目", field_name="item", lookup_expr="isnull", exclude=True)
    found_at = DayRangeFilter(label="发现日期", times=True)

    class Meta:
        model = Difference
        fields: list[str] = []
