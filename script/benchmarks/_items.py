"""A plain list of a million drugs for `script/bench pages`: model, page and address, furnished as a room's."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q, QuerySet
from django.urls import include, path

from portal.lists.columns import (
    ChoiceColumn,
    CodeColumn,
    MoneyColumn,
    SelectColumn,
    TextColumn,
    TimeColumn,
)
from portal.lists.filters import ChoiceFilter, ListFilter, SearchFilter
from portal.lists.searching import search_indexes
from portal.lists.tables import ListTable
from portal.lists.views import ListPage, Tab
from portal.people.models import Institution
from portal.people.scope import ScopedQuerySet

STATES = (("draft", "草稿"), ("in_force", "生效中"), ("ended", "已停用"))
FORMS = {
    "片": "p",
    "胶囊": "jn",
    "颗粒": "kl",
    "注射液": "zsy",
    "口服液": "kfy",
    "软膏": "rg",
    "滴眼液": "dyy",
    "栓": "s",
}
FIRST = {
    part[0]: part[1]
    for part in [
        "阿a",
        "头t",
        "奥a",
        "氯l",
        "甲j",
        "乙y",
        "左z",
        "复f",
        "盐y",
        "硫l",
        "葡p",
        "维w",
        "布b",
        "地d",
        "克k",
        "罗l",
        "丙b",
        "双s",
        "益y",
        "康k",
    ]
}
SECOND = {
    part[0]: part[1]
    for part in [
        "莫m",
        "孢b",
        "美m",
        "化h",
        "硝x",
        "酰x",
        "氧y",
        "方f",
        "酸s",
        "萄t",
        "生s",
        "洛l",
        "塞s",
        "拉l",
        "红h",
        "他t",
        "黄h",
        "母m",
        "宫g",
        "胺a",
    ]
}


class Item(models.Model):
    """One drug of a hospital."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    code = models.CharField("编码", max_length=20)
    name = models.CharField("名称", max_length=60)
    pinyin = models.CharField("拼音码", max_length=60)
    spec = models.CharField("规格", max_length=40)
    price = models.DecimalField("单价", max_digits=12, decimal_places=2)
    state = models.CharField("状态", max_length=10, choices=STATES)
    changed_at = models.DateTimeField("修改时间")

    objects: ClassVar[Any] = ScopedQuerySet["Item"].as_manager()

    class Meta:
        app_label = "lists"
        db_table = "bench_item"
        indexes = [
            models.Index(fields=["institution", "code", "id"], name="bench_item_by_code"),
            models.Index(fields=["institution", "state", "code", "id"], name="bench_item_by_state"),
            *search_indexes("bench_item", holds=["name"], starts=["pinyin"]),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class ItemTable(ListTable):
    """What the list shows."""

    select = SelectColumn()
    code = CodeColumn(verbose_name="编码")
    name = TextColumn(verbose_name="名称")
    spec = TextColumn(verbose_name="规格", orderable=False)
    price = MoneyColumn(verbose_name="单价", orderable=False)
    state = ChoiceColumn(verbose_name="状态", orderable=False)
    changed_at = TimeColumn(verbose_name="修改时间", orderable=False)


class ItemFilter(ListFilter):
    """What the list is asked."""

    words = SearchFilter(label="名称、拼音码", holds=["name"], starts=["pinyin"])
    state = ChoiceFilter(label="状态", choices=STATES)

    class Meta:
        model = Item
        fields: ClassVar[list[str]] = []


class ItemList(ListPage):
    """The list."""

    action = "exchange.view"
    title, purpose = "药品", "一百万条。"
    table_class, filter_class = ItemTable, ItemFilter
    tabs = (Tab("draft", "草稿", Q(state="draft")), Tab("in_force", "生效中", Q(state="in_force")), Tab("all", "全部"))
    order = ("code",)

    def rows(self) -> QuerySet[Any]:
        """Return the drugs of the institution at hand."""
        visible: QuerySet[Any] = Item.objects.visible_to(self.request.user)
        return visible.filter(institution=self.request.actor.institution)


def rows_of(institution: Institution, count: int, random: Random) -> Iterator[tuple[Any, ...]]:
    """Yield invented drugs: 400 two-character parts, three a name, so that a part occurs in some 7,500 of a million."""
    parts = [(a + b, FIRST[a] + SECOND[b]) for a in FIRST for b in SECOND]
    forms = list(FORMS.items())
    for number in range(count):
        (one, x), (two, y), (three, z) = random.sample(parts, 3)
        form, letters = forms[number % len(forms)]
        state = STATES[0 if number % 50 == 0 else 2 if number % 7 == 0 else 1][0]
        yield (
            institution.pk, f"YP{number:08d}", f"{one}{two}{three}{form}", f"{x}{y}{z}{letters}",
            f"{number % 9 + 1}0mg×{number % 4 + 1}2", f"{number % 9973 / 100:.2f}", state, "2026-11-23 16:08:00+08",
        )  # fmt: skip


COLUMNS = ("institution_id", "code", "name", "pinyin", "spec", "price", "state", "changed_at")
urlpatterns = [path("bench/items/", ItemList.as_view(), name="bench_items"), path("", include("config.urls"))]
