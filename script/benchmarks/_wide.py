"""A list of twenty columns for `script/bench excel`: model and page, furnished as a room's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import QuerySet

from portal.lists.columns import CodeColumn, DateColumn, MoneyColumn, NameColumn, NumberColumn, TextColumn, TimeColumn
from portal.lists.filters import ListFilter, SearchFilter
from portal.lists.tables import ListTable
from portal.lists.views import ListPage
from portal.people.models import Institution
from portal.people.scope import ScopedQuerySet

START = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = ("ward", "item", "spec", "maker", "unit", "doctor", "note", "batch")
CODES = ("code", "visit", "bill")
MONEY = ("price", "amount", "paid", "own")


class Fee(models.Model):
    """One line of a bill."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    code = models.CharField("编码", max_length=30)
    visit = models.CharField("就诊号", max_length=30)
    bill = models.CharField("单据号", max_length=30)
    patient = models.CharField("患者", max_length=30)
    ward = models.CharField("病区", max_length=30)
    item = models.CharField("项目", max_length=60)
    spec = models.CharField("规格", max_length=30)
    maker = models.CharField("厂家", max_length=60)
    unit = models.CharField("单位", max_length=10)
    doctor = models.CharField("医师代码", max_length=30)
    note = models.CharField("备注", max_length=60)
    batch = models.CharField("批号", max_length=30)
    price = models.DecimalField("单价", max_digits=12, decimal_places=2)
    amount = models.DecimalField("金额", max_digits=12, decimal_places=2)
    paid = models.DecimalField("统筹", max_digits=12, decimal_places=2)
    own = models.DecimalField("自付", max_digits=12, decimal_places=2)
    number = models.IntegerField("数量")
    line = models.IntegerField("序号")
    day = models.DateField("日期")
    at = models.DateTimeField("时间")

    objects: ClassVar[Any] = ScopedQuerySet["Fee"].as_manager()

    class Meta:
        app_label = "sheets"
        db_table = "bench_fee"

    def __str__(self) -> str:
        return self.code


FIELDS = tuple(field.name for field in Fee._meta.fields if field.name not in ("id", "institution"))


class FeeTable(ListTable):
    """Twenty columns: three codes, a masked name, eight texts, four amounts, two numbers, a day and a time."""

    code = CodeColumn(verbose_name="编码")
    visit = CodeColumn(verbose_name="就诊号")
    bill = CodeColumn(verbose_name="单据号")
    patient = NameColumn(verbose_name="患者")
    ward = TextColumn(verbose_name="病区")
    item = TextColumn(verbose_name="项目")
    spec = TextColumn(verbose_name="规格")
    maker = TextColumn(verbose_name="厂家")
    unit = TextColumn(verbose_name="单位")
    doctor = TextColumn(verbose_name="医师代码")
    note = TextColumn(verbose_name="备注")
    batch = TextColumn(verbose_name="批号")
    price = MoneyColumn(verbose_name="单价")
    amount = MoneyColumn(verbose_name="金额")
    paid = MoneyColumn(verbose_name="统筹")
    own = MoneyColumn(verbose_name="自付")
    number = NumberColumn(verbose_name="数量")
    line = NumberColumn(verbose_name="序号")
    day = DateColumn(verbose_name="日期")
    at = TimeColumn(verbose_name="时间")


class FeeFilter(ListFilter):
    """By item."""

    words = SearchFilter(fields=["item"], label="项目")

    class Meta:
        model = Fee
        fields: ClassVar[list[str]] = []


class FeeList(ListPage):
    """The list."""

    action, export_action = "exchange.view", "exchange.export"
    title, purpose = "费用明细", "基准。"
    table_class, filter_class = FeeTable, FeeFilter
    order = ("id",)

    def rows(self) -> QuerySet[Any]:
        """Return the lines of the institution at hand."""
        visible: QuerySet[Any] = Fee.objects.visible_to(self.request.user)
        return visible.filter(institution=self.request.actor.institution)


def rows_of(count: int) -> Iterator[tuple[Any, ...]]:
    """Yield invented lines in the order of FIELDS."""
    for n in range(count):
        price, number = Decimal(n % 99_999) / 100, n % 30 + 1
        amount = price * number
        yield (
            f"{n % 7000:012d}", f"MZ{n // 12:010d}", f"{n:018d}", f"演示{n % 997}", f"内科{n % 60}病区",
            f"样例项目{n % 5000}", f"{n % 9 + 1}0mg×{n % 4 + 1}2", f"样例药业第{n % 300}厂", "盒",
            f"D4400{n % 400:08d}", f"备注{n % 1000}", f"B{n % 20_000:08d}",
            price, amount, amount / 2, amount - amount / 2, number, n % 40 + 1,
            date(2026, n % 12 + 1, n % 28 + 1), START + timedelta(seconds=n * 97 % 20_000_000),
        )  # fmt: skip
