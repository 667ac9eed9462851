"""Tables and query forms of 值对照."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from portal.lists.columns import (
    Act,
    ActionsColumn,
    CodeColumn,
    DateColumn,
    NumberColumn,
    SelectColumn,
    StateColumn,
    TextColumn,
    TimeColumn,
)
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter
from portal.lists.tables import ListTable
from portal.values.choices import MappingState
from portal.values.models import MissingValue, ValueMapping
from portal.values.registry import find_set, sets


def set_choices() -> list[tuple[str, str]]:
    """Return code and label of each set, for forms and filters."""
    return [(one.code, one.label) for one in sets()]


class MappingFilter(ListFilter):
    """By set, by either value, by time."""

    set_code = ChoiceFilter(label="对照类别", choices=set_choices)
    words = SearchFilter(fields=["source", "source_label", "target", "target_label"], label="院内值、平台值")
    owner = SearchFilter(fields=["owner__name"], label="负责人")
    begins = DayRangeFilter(label="生效日期")

    class Meta:
        model = ValueMapping
        fields: list[str] = []


class MissingFilter(ListFilter):
    """By set and value."""

    set_code = ChoiceFilter(label="对照类别", choices=set_choices)
    words = SearchFilter(fields=["source", "source_label"], label="院内值")
    last_seen = DayRangeFilter(label="最近出现", times=True)

    class Meta:
        model = MissingValue
        fields: list[str] = []


def acts_of_mapping(record: ValueMapping, table: Any) -> list[Act]:
    """Return what may be done with a mapping, and why the rest may not."""
    editable = "" if record.state == MappingState.DRAFT else "只能修改草稿；生效中的请「新的对照」接替"
    edit, _ = rights_on(record, table)
    return [
        Act("修改", reverse("values:edit", args=[record.pk]), drawer=True, reason=editable or edit),
        Act("新的对照", f"{reverse('values:new')}?{prefill(record)}", drawer=True, reason=edit),
    ]


def acts_of_missing(record: MissingValue, table: Any) -> list[Act]:
    """Return the one thing to do: map the value."""
    edit, _ = rights_on(record, table)
    return [Act("对照", f"{reverse('values:new')}?{prefill(record)}", drawer=True, reason=edit)]


def rights_on(record: Any, table: Any) -> tuple[str, str]:
    """Return why the person may not edit and may not approve a value of its set, "" each when they may."""
    found = find_set(record.set_code)
    actions = (found.edit, found.approve) if found else ("values.edit", "values.approve")
    words = "您没有此操作的权限，请联系安全管理员授权。"
    edit, approve = ("" if table.may(action) else words for action in actions)
    return edit, approve


def prefill(record: Any) -> str:
    """Return the address's query for a new mapping of a value; a person's name never stands in an address."""
    personal = record.value_set is not None and record.value_set.personal
    label = {} if personal or not record.source_label else {"source_label": record.source_label}
    return urlencode({"set": record.set_code, "source": record.source, **label})


class MappingTable(ListTable):
    """Mappings."""

    select = SelectColumn()
    set_label = TextColumn(verbose_name="对照类别", order_by=("set_code",), width="w-s")
    source = CodeColumn(verbose_name="院内值", opens=True)
    shown_label = TextColumn(verbose_name="院内名称", orderable=False, width="w-m")
    target = CodeColumn(verbose_name="平台值")
    target_label = TextColumn(verbose_name="平台名称", width="w-m")
    state = StateColumn(MappingState, verbose_name="状态", extra="state_more")
    begins = DateColumn(verbose_name="生效日期")
    last_day = DateColumn(verbose_name="失效日期", order_by=("until",))
    owner = TextColumn(verbose_name="负责人", accessor="owner__name", width="w-s")
    approved_by = TextColumn(verbose_name="审核人", accessor="approved_by__name", width="w-s")
    act = ActionsColumn(acts_of_mapping)


class MissingTable(ListTable):
    """Values nobody has mapped."""

    set_label = TextColumn(verbose_name="对照类别", order_by=("set_code",), width="w-s")
    source = CodeColumn(verbose_name="院内值", opens=True)
    shown_label = TextColumn(verbose_name="院内名称", orderable=False, width="w-l")
    rows = NumberColumn(verbose_name="等待的记录")
    count = NumberColumn(verbose_name="出现次数")
    first_seen = TimeColumn(verbose_name="首次出现")
    last_seen = TimeColumn(verbose_name="最近出现")
    act = ActionsColumn(acts_of_missing)

    def row_url(self, record: MissingValue) -> str:
        """Return the page that shows what waits for it."""
        return reverse("values:missing_value", args=[record.pk])
