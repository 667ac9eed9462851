"""Query forms of this room's lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from insurance.directory.choices import DepartmentState, Verdict
from insurance.directory.models import ComparisonRow, Department, Practitioner
from insurance.specification.books import open_book
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter, YesNoFilter, narrow
from portal.privacy.keys import digest


def categories() -> list[tuple[str, str]]:
    """Return the departments' dictionary as choices."""
    book = open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR)
    return [(code, f"{code} {label}") for code, label in book.dictionary("dept").items()]


MOST_DAYS = 36500
BOX = forms.TextInput(attrs={"placeholder": "也可用拼音码"})


class DigestFilter(django_filters.CharFilter):
    """Finds an encrypted value by its whole text."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows to those whose digest fits."""
        text = narrow(value or "").replace("-", "").replace(" ", "")
        return qs.filter(**{str(self.field_name): digest(text)}) if text else qs


class WithinDaysFilter(django_filters.NumberFilter):
    """Rows whose time lies in the next so many days (or already lies behind)."""

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Narrow the rows; nothing given leaves them."""
        if value in (None, ""):
            return qs
        until = timezone.now() + timedelta(days=max(-MOST_DAYS, min(int(value), MOST_DAYS)))
        return qs.filter(**{f"{self.field_name}__lte": until})


class DepartmentFilter(ListFilter):
    """科室."""

    words = SearchFilter(fields=["hosp_dept_codg", "hosp_dept_name", "pinyin"], label="编码、名称", widget=BOX)
    caty = ChoiceFilter(label="科别", choices=categories)
    state = ChoiceFilter(label="状态", states=DepartmentState)
    verdict = ChoiceFilter(label="与平台", states=Verdict)
    begntime = DayRangeFilter(label="开始日期", times=True)
    dept_resper_name = django_filters.CharFilter(label="负责人")
    tel = DigestFilter(label="负责人电话", field_name="dept_resper_tel_digest")

    class Meta:
        model = Department
        fields: list[str] = []


class ComparisonFilter(ListFilter):
    """核对结果."""

    words = SearchFilter(fields=["code", "name", "pinyin"], label="编码、名称", widget=BOX)
    ignored = YesNoFilter(label="曾标为不处理", field_name="ignored_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = ComparisonRow
        fields: list[str] = []


class PractitionerFilter(ListFilter):
    """医保医师护士药师."""

    words = SearchFilter(
        fields=["prac_psn_code", "prac_psn_name", "pinyin", "prac_cert_no"], label="姓名、代码", widget=BOX
    )
    within = WithinDaysFilter(label="几天内到期", field_name="endtime")
    left = YesNoFilter(label="平台不再返回", field_name="left_at", lookup_expr="isnull", exclude=True)
    compared = ChoiceFilter(label="与本院名单", states=Verdict)
    certno = DigestFilter(label="证件号码", field_name="certno_digest")
    hi_dr_flag = ChoiceFilter(label="医保医师标志", choices=[("1", "是"), ("0", "否")])

    class Meta:
        model = Practitioner
        fields: list[str] = []
