"""Forms of this room. What a field of a department may hold is asked of the specification, all at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.validators import MinValueValidator
from django.utils import timezone

from insurance.directory.importing import DEFAULTED
from insurance.directory.messages import book_of, route_node
from insurance.directory.models import DEPARTMENT_COLUMNS, DEPARTMENT_KEY, Department
from insurance.directory.services import preview_faults
from insurance.directory.values import COUNTS, FIRST_YEAR, TIMES
from insurance.specification.books import Book
from insurance.specification.model import Field
from portal.people.actor import Actor

DAYS = ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
LONG_TEXT = 200
SINCE = MinValueValidator(
    timezone.make_aware(datetime(FIRST_YEAR, 1, 1)), message=f"年份不合理，应在 {FIRST_YEAR} 年以后。没有日期请留空。"
)
HINTS = {"begntime": "留空取科室成立日期", "poolarea_no": "留空取本机构医保区划"}


class DepartmentForm(forms.Form):
    """A department, new or changed: the fields that the institution's edition names for the upload."""

    use_required_attribute = False  # the browser would stop at the first empty field; all problems are shown at once

    def __init__(self, actor: Actor, department: Department | None, data: Any = None) -> None:
        self.actor = actor
        self.department = department
        book = book_of(actor.institution)
        node = route_node(book, "department.add").fields
        order = [name for name in DEPARTMENT_COLUMNS if name in node]
        order += [name for name in node if name not in DEPARTMENT_COLUMNS]
        super().__init__(data, initial=_initial(order, department, actor))
        for name in order:
            self.fields[name] = _field(node[name], book, department)
        self.must = [name for name in order if node[name].required and name not in DEFAULTED]
        self._star(True)

    def full_clean(self) -> None:
        """Leave 必填 to the specification, so that its answer and all others come together."""
        self._star(False)
        super().full_clean()
        self._star(True)

    def clean(self) -> dict[str, Any]:
        """Lay everything wrong beside its field, also when some field could not be read."""
        values: dict[str, Any] = {n: v for n, v in self.cleaned_data.items() if not self.fields[n].disabled}
        for fault in preview_faults(self.actor, values=values, department=self.department):
            if fault.field not in self.errors:
                self.add_error(fault.field if fault.field in self.fields else None, str(fault.reason))
        return values

    def _star(self, on: bool) -> None:
        for name in self.must:
            self.fields[name].required = on


def _initial(order: list[str], department: Department | None, actor: Actor) -> dict[str, Any]:
    if department is None:
        return {"poolarea_no": actor.institution.admdvs}
    extra = department.extra
    return {name: getattr(department, name) if hasattr(department, name) else extra.get(name, "") for name in order}


def _field(field: Field, book: Book, department: Department | None) -> forms.Field:
    options: dict[str, Any] = {"label": field.label, "required": False, "help_text": HINTS.get(field.name, field.note)}
    if department is not None and department.held and field.name in DEPARTMENT_KEY:
        options |= {"disabled": True, "help_text": "平台按它定位这个科室，上传后不能修改"}
    if field.name in TIMES:
        options["validators"] = [SINCE]
        return forms.DateTimeField(input_formats=DAYS, widget=_time_widget(department, field.name), **options)
    if field.name in COUNTS:
        return forms.IntegerField(min_value=0, widget=forms.TextInput(attrs={"inputmode": "numeric"}), **options)
    return forms.CharField(widget=_widget(field, book, department), **options)


def _time_widget(department: Department | None, name: str) -> forms.Widget:
    """A day's picker, unless the value has a time of day that the picker would lose."""
    value = getattr(department, name, None)
    local = timezone.localtime(value) if value else None
    if local is not None and (local.hour, local.minute, local.second) != (0, 0, 0):
        return forms.DateTimeInput(format="%Y-%m-%d %H:%M:%S")
    return forms.DateTimeInput(format="%Y-%m-%d", attrs={"type": "date"})


def _widget(field: Field, book: Book, department: Department | None) -> forms.Widget:
    if field.code:
        known = book.dictionary(field.code)
        choices = [("", "请选择"), *((code, f"{code} {label}") for code, label in known.items())]
        value = getattr(department, field.name, "") if department else ""
        if value and value not in known:
            choices.append((value, f"{value}（字典中没有）"))
        return forms.Select(choices=choices)
    if (field.max_length or 0) > LONG_TEXT:
        return forms.Textarea(attrs={"rows": 2})
    return forms.TextInput()


class EndForm(forms.Form):
    """When a department ends, and why."""

    endtime = forms.DateTimeField(
        label="停用日期", input_formats=DAYS, widget=forms.DateTimeInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    reason = forms.CharField(label="原因", max_length=200, required=False)


class ReasonForm(forms.Form):
    """Why; required."""

    reason = forms.CharField(label="原因", max_length=200, error_messages={"required": "请填写原因。"})


class OptionalReasonForm(forms.Form):
    """Why; may be left empty."""

    reason = forms.CharField(label="原因", max_length=200, required=False)
