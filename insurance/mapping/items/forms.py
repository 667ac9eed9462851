"""Forms of items. What travels is limited by the specification (3301)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings

from insurance.directory.messages import route_node
from insurance.mapping.choices import ListType
from insurance.mapping.items.facts import AMOUNTS, DATED, DAYS, USAGE, as_words, label_of
from insurance.mapping.items.headers import HELPS
from insurance.mapping.items.laying import today
from insurance.mapping.items.rights import kept_by
from insurance.mapping.models import HospitalItem
from insurance.specification.books import open_book
from portal.lists.forms import DateInput
from portal.people.actor import Actor

LONG = frozenset({"item_cont", "exct_cont"})
FIRST_DAY = dt.date(1950, 1, 1)
DAYS_WRITTEN = ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d"]
ORDER = (
    "fixmedins_hilist_name", "spec", "dosform", "pacspec", "prodentp_name", "aprvno", "prcunt", "pric", "begndate",
    "enddate", "revenue", "stock", "inpatients", "usage_as_of", "item_cont", "exct_cont", "memo",
)  # fmt: skip


class ItemForm(forms.Form):
    """An item, new or changed. A change says from which day it holds."""

    use_required_attribute = False  # all problems are shown at once

    def __init__(self, actor: Actor, item: HospitalItem | None, data: Any = None) -> None:
        self.item = item
        super().__init__(data, initial=_initial(item))
        limits = route_node(open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR), "mapping.add").fields
        if item is None:
            kept = set(kept_by(actor))
            self.fields["list_type"] = forms.ChoiceField(
                label="目录类别", choices=[("", "请选择"), *(one for one in ListType.choices if one[0] in kept)]
            )
            length = limits["fixmedins_hilist_id"].max_length
            self.fields["fixmedins_hilist_id"] = forms.CharField(label="编码", max_length=length)
        for name in ORDER:
            field = limits.get(name)
            self.fields[name] = _field(name, (field.max_length if field else None), name == "fixmedins_hilist_name")
        if item is not None:
            self.fields["since"] = forms.DateField(
                label="变更从哪天起", initial=today, input_formats=DAYS_WRITTEN, widget=DateInput(),
                help_text="填以后的日期，到期自动生效；用量随时更新，不受此限",
            )  # fmt: skip

    @property
    def values(self) -> dict[str, Any]:
        """Return the item's columns as given."""
        names = {"list_type", "fixmedins_hilist_id", *DATED, *USAGE}
        return {name: value for name, value in self.cleaned_data.items() if name in names}


def _initial(item: HospitalItem | None) -> dict[str, Any]:
    if item is None:
        return {"begndate": today()}
    plain = {name: getattr(item, name) for name in ORDER}
    return plain | {name: as_words(value) for name, value in plain.items() if name in AMOUNTS}


def _field(name: str, length: int | None, required: bool) -> forms.Field:
    label = "名称" if name == "fixmedins_hilist_name" else label_of(name)
    options: dict[str, Any] = {"label": label, "required": required, "help_text": _help(name)}
    if name in DAYS:
        return forms.DateField(input_formats=DAYS_WRITTEN, widget=DateInput(), **options)
    if name in AMOUNTS:
        places = 2 if name == "revenue" else 4
        smallest = None if name == "stock" else 0
        return forms.DecimalField(max_digits=16, decimal_places=places, min_value=smallest, widget=_figure(), **options)
    if name == "inpatients":
        return forms.IntegerField(min_value=0, max_value=1_000_000, widget=_figure(), **options)
    widget = forms.Textarea(attrs={"rows": 2}) if name in LONG else forms.TextInput()
    return forms.CharField(max_length=length, widget=widget, **options)


def _figure() -> forms.TextInput:
    return forms.TextInput(attrs={"inputmode": "decimal"})


def _help(name: str) -> str:
    return {"begndate": "", "enddate": "最后一个收费日，长期使用留空", "fixmedins_hilist_id": ""}.get(
        name, HELPS.get(name, "")
    )


class StopForm(forms.Form):
    """On which day the items are charged for the last time, and why."""

    enddate = forms.DateField(
        label="最后收费日期", initial=lambda: today() - dt.timedelta(days=1), input_formats=DAYS_WRITTEN,
        widget=DateInput(), help_text="填昨天表示从今天起停用；填以后的日期，到期自动停用",
    )  # fmt: skip
    reason = forms.CharField(label="原因", max_length=200, required=False)


class ReasonForm(forms.Form):
    """Why; required."""

    reason = forms.CharField(label="原因", max_length=200, error_messages={"required": "请填写原因。"})


class NoteForm(forms.Form):
    """A word on it, if there is one."""

    reason = forms.CharField(label="说明", max_length=200, required=False)
