"""Query forms of this room's lists."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from insurance.catalogue.kinds import refreshed
from insurance.catalogue.looks import LIMITED, LOOKS, Bears
from insurance.catalogue.models import AreaItem, DictionaryEntry, Item, Load
from insurance.catalogue.overview import areas_kept
from insurance.catalogue.searching import holding, listed, said
from insurance.catalogue.standing import Standing, standing_rows
from insurance.specification.books import open_book
from insurance.specification.errors import SpecificationError
from portal.lists.filters import MOST_WORDS, ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter, YesNoFilter
from portal.lists.searching import fold


class WordsFilter(django_filters.CharFilter):
    """The one box: each word must stand in name, code, 拼音码, approval number, maker or specification."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows word by word."""
        return qs.filter(holding(value)) if value else qs


class ListedFilter(django_filters.CharFilter):
    """The box of an area's list: each word must stand in the name, or code or 拼音码 begin with it."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows word by word."""
        return qs.filter(listed(value)) if value else qs


class PartFilter(django_filters.CharFilter):
    """One of the searched columns alone: found by the same index, then compared with that column."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows word by word."""
        for word in fold(value or "").split()[:MOST_WORDS]:
            qs = qs.filter(said(word), **{f"{self.field_name}__icontains": word})
        return qs


class StandingFilter(ChoiceFilter):
    """Where a row stands today."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows."""
        return qs.filter(standing_rows(value, timezone.localdate())) if value in Standing.values else qs


class LimitedFilter(YesNoFilter):
    """Restricted or not."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows; the restricted ones are marked in the index."""
        limited = Q(Bears(LOOKS, [LIMITED]))
        return {"1": qs.filter(limited), "0": qs.filter(limits="")}.get(value, qs)


class VersionFilter(django_filters.CharFilter):
    """A whole version number."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows."""
        return qs.filter(Bears(LOOKS, [f"#{value.strip()}"])) if value else qs


class FlagFilter(YesNoFilter):
    """A flag that the platform says with 1; anything else is no."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows."""
        said_yes = Q(**{self.field_name: "1"})
        return {"1": qs.filter(said_yes), "0": qs.exclude(said_yes)}.get(value, qs)


def words_of(dictionary: str) -> list[tuple[str, str]]:
    """Return the codes and words of a dictionary as choices; none when the edition does not have it."""
    try:
        known = open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR).dictionary(dictionary)
    except SpecificationError:
        return []
    return list(known.items())


def _box(words: str) -> forms.TextInput:
    return forms.TextInput(attrs={"placeholder": words})


class CodeFilter(ListFilter):
    """Query form of 医保编码目录."""

    words = WordsFilter(
        label="检索",
        widget=_box("名称、编码、拼音码、批准文号、厂家、规格，可输几个词，空格隔开"),
    )
    maker = PartFilter(label="生产企业", field_name="maker")
    standing = StandingFilter(label="有效性", states=Standing)
    dosform = PartFilter(label="剂型", field_name="dosform")
    limited = LimitedFilter(label="限制使用", yes="有限制", no="无限制")
    ver = VersionFilter(label="版本号", widget=_box("整个版本号"))

    class Meta:
        model = Item
        fields: list[str] = []


class RemarkFilter(YesNoFilter):
    """Downloads with or without problems."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows; a download without problems has an empty list of them."""
        return {"1": qs.exclude(remarks=[]), "0": qs.filter(remarks=[])}.get(value, qs)


class LoadFilter(ListFilter):
    """Query form of the history of downloads."""

    infno = ChoiceFilter(label="目录", choices=[(kind.infno, str(kind)) for kind in refreshed()])
    started_at = DayRangeFilter(label="下载日期", times=True)
    remarked = RemarkFilter(label="发现问题", yes="有", no="无")

    class Meta:
        model = Load
        fields: list[str] = []


class ChangeFilter(ListFilter):
    """Query form of what one download changed."""

    words = WordsFilter(label="检索", widget=_box("名称、编码、批准文号、厂家、规格"))

    class Meta:
        model = Item
        fields: list[str] = []


class TermFilter(ListFilter):
    """Query form of 医保目录与限价."""

    words = ListedFilter(label="检索", widget=_box("名称、医保目录编码、拼音码"))
    chrgitm_lv = ChoiceFilter(label="收费项目等级", choices=())
    list_type = ChoiceFilter(label="目录类别", choices=())
    insu_admdvs = ChoiceFilter(label="参保地医保区划", choices=())
    restricted = FlagFilter(label="限制使用", field_name="lmt_used_flag")
    maternity = FlagFilter(label="生育可用", field_name="matn_used_flag")

    class Meta:
        model = AreaItem
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("chrgitm_lv", "list_type"):
            self.filters[name].extra["choices"] = words_of(name)
        areas = areas_kept(self.request.actor.institution) if self.request else []
        self.filters["insu_admdvs"].extra["choices"] = [(area, area) for area in areas]


class DictionaryFilter(ListFilter):
    """Query form of 平台字典."""

    words = SearchFilter(label="字典类型、键值、标签", fields=["type", "value", "label"])
    type = django_filters.CharFilter(label="字典类型", lookup_expr="iexact")
    admdvs = django_filters.CharFilter(label="行政区划")
    valid = FlagFilter(label="有效标志", field_name="vali_flag", yes="有效", no="无效")

    class Meta:
        model = DictionaryEntry
        fields: list[str] = []
