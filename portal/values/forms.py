"""Forms of 值对照."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.urls import reverse
from django.utils import timezone

from portal.lists.forms import DateInput
from portal.people.actor import Actor
from portal.values.errors import ValueRefused
from portal.values.models import ValueMapping
from portal.values.registry import find_set, sets
from portal.values.services import must_end_after
from portal.values.targets import Targets

OFFERED = 50


def offered(actor: Actor, set_code: str, words: str = "") -> list[tuple[str, str]]:
    """Return the targets that a search offers: code and label, at most fifty, those that begin with it first."""
    found = find_set(set_code)
    if found is None or found.target is None:
        return []
    words = words.strip().upper()
    pairs = [(code, label) for code, label in found.targets(actor.institution).items()]
    hits = [pair for pair in pairs if words in f"{pair[0]} {pair[1]}".upper()] if words else pairs
    return sorted(hits, key=lambda pair: not pair[0].upper().startswith(words))[:OFFERED]


class MappingForm(forms.Form):
    """One mapping. The target is searched by code or name; without script it is typed, and checked all the same."""

    set_code = forms.ChoiceField(label="对照类别")
    source = forms.CharField(label="院内值", max_length=200, help_text="医院系统或表格里的写法，大小写和全角半角不区分")
    source_label = forms.CharField(label="院内名称", max_length=200, required=False)
    target = forms.CharField(label="平台值", max_length=300, help_text="输入代码或名称的一部分查找")
    begins = forms.DateField(label="生效日期", widget=DateInput)
    last_day = forms.DateField(label="失效日期", required=False, widget=DateInput, help_text="最后一天有效，留空为长期")
    note = forms.CharField(label="说明", max_length=300, required=False)

    def __init__(self, actor: Actor, data: Any = None, *, initial: dict[str, Any], fixed: bool) -> None:
        self.actor = actor
        super().__init__(data, initial={"begins": timezone.localdate(), **initial})
        mine = [(one.code, one.label) for one in sets() if actor.may(one.edit)]
        self.fields["set_code"].choices = mine  # type: ignore[attr-defined]  # it is a ChoiceField
        if fixed:
            self.fields["set_code"].disabled = self.fields["source"].disabled = True
        self.fields["target"].widget.attrs |= {
            "list": "targets", "autocomplete": "off", "hx-get": reverse("values:targets"),
            "hx-trigger": "input changed delay:250ms, focus once", "hx-target": "#targets",
            "hx-include": "[name=set_code]", "hx-sync": "this:replace",
        }  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Say at the field what does not fit: a target outside of the dictionary, an end before the beginning."""
        values: dict[str, Any] = self.cleaned_data
        last_day: date | None = values.get("last_day")
        values["until"] = last_day + timedelta(days=1) if last_day else None
        for name, check in (("target", self._check_target), ("last_day", self._check_end)):
            try:
                check(values)
            except ValueRefused as error:
                self.add_error(name, str(error))
        return values

    def _check_target(self, values: dict[str, Any]) -> None:
        found = find_set(values.get("set_code", ""))
        if found is not None and "target" in values:
            Targets(self.actor.institution, found).find(values["target"])

    def _check_end(self, values: dict[str, Any]) -> None:
        if values.get("begins"):
            must_end_after(values["begins"], values["until"])


def initial_of(mapping: ValueMapping) -> dict[str, Any]:
    """Return what the form of a draft begins with."""
    names = ("set_code", "source", "source_label", "begins", "last_day", "note")
    return {name: getattr(mapping, name) for name in names} | {"target": mapping.target_words}


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label="原因", max_length=300, min_length=2)


class EndForm(ReasonForm):
    """Until when, and why."""

    last_day = forms.DateField(label="最后有效日", widget=DateInput, initial=timezone.localdate)
    field_order = ("last_day", "reason")
