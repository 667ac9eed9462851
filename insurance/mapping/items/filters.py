"""The query form of the hospital's items."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from insurance.mapping.choices import Certainty, ListType
from insurance.mapping.items.kinds import DRUGS, HERBS
from insurance.mapping.items.lists import full_lists, not_in_list
from insurance.mapping.items.queries import changed_since_mapping
from insurance.mapping.models import HospitalItem
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter, YesNoFilter

BOX = forms.TextInput(attrs={"placeholder": "也可用拼音码"})
DRUG_KINDS = ("drugs", "全部药品（101–106）")


def kinds() -> list[tuple[str, str]]:
    """Return the choices of kinds: all drugs together first."""
    return [DRUG_KINDS, *((code, f"{code} {label}") for code, label in ListType.choices)]


class KindFilter(ChoiceFilter):
    """One kind, or all that the pharmacy keeps."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows."""
        if value == DRUG_KINDS[0]:
            return qs.filter(list_type__in=(*DRUGS.list_types, *HERBS.list_types))
        found: QuerySet[Any] = super().filter(qs, value)
        return found


class ChangedFilter(YesNoFilter):
    """Items that changed after their relation was made, so that it may no longer fit."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows."""
        if value == "1":
            return changed_since_mapping(qs)
        return qs.exclude(pk__in=changed_since_mapping(qs.order_by()).values("pk")) if value == "0" else qs


class InHouseFilter(YesNoFilter):
    """Items that patients in the house have on their bill now."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows."""
        used = Q(inpatients__gt=0)
        return qs.filter(used) if value == "1" else qs.exclude(used) if value == "0" else qs


class MissingFilter(ChoiceFilter):
    """Items in use that do not stand in a list imported as a whole."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows to those of the list's kinds that it does not name."""
        return not_in_list(qs, int(value), self.parent.request.actor) if value else qs


class ItemFilter(ListFilter):
    """院内收费项目."""

    words = SearchFilter(
        holds=["fixmedins_hilist_name"], starts=["pinyin", "fixmedins_hilist_id"], label="编码、名称", widget=BOX
    )
    kind = KindFilter(label="目录类别", field_name="list_type", choices=kinds)
    prodentp_name = django_filters.CharFilter(label="生产企业", lookup_expr="icontains")
    aprvno = django_filters.CharFilter(label="批准文号", lookup_expr="icontains")
    spec = django_filters.CharFilter(label="规格", lookup_expr="icontains")
    price_from = django_filters.NumberFilter(label="单价不低于", field_name="pric", lookup_expr="gte")
    price_to = django_filters.NumberFilter(label="单价不高于", field_name="pric", lookup_expr="lte")
    revenue_from = django_filters.NumberFilter(label="收入不低于", field_name="revenue", lookup_expr="gte")
    changed = ChangedFilter(label="对照后有变更")
    certainty = ChoiceFilter(label="推荐把握", field_name="suggestion__certainty", states=Certainty)
    in_house = InHouseFilter(label="在院有人使用")
    begndate = DayRangeFilter(label="启用日期")
    missing = MissingFilter(label="不在名单中", choices=())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["missing"].extra["choices"] = full_lists(self.request.actor) if self.request else []

    class Meta:
        model = HospitalItem
        fields: list[str] = []
