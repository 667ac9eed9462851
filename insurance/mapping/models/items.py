"""What the hospital charges for: drugs, slices, preparations, services, consumables, as its own systems name them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse

from insurance.mapping.choices import ListType
from portal.lists.searching import search_indexes
from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet


class HospitalItem(models.Model):
    """One chargeable item; its columns bear the codes of 3301 where they travel.

    `begndate` and `enddate` (inclusive, None: open) say when the hospital charges it. `revenue` (yuan), `stock` (in
    `prcunt`) and `inpatients` (patients in the house who have it on their bill) are what the hospital's system told
    last, at `usage_as_of`; they order the work and show what a change touches. `checked_at` is when somebody last said
    that its relation still fits, though the item had changed.
    """

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    list_type = models.CharField("目录类别", max_length=3, choices=ListType.choices)
    fixmedins_hilist_id = models.CharField("定点医药机构目录编号")
    fixmedins_hilist_name = models.CharField("定点医药机构目录名称")
    spec = models.CharField("规格", blank=True)
    dosform = models.CharField("剂型", blank=True)
    pacspec = models.CharField("包装规格", blank=True)
    prodentp_name = models.CharField("生产企业", blank=True)
    aprvno = models.CharField("批准文号", blank=True)
    prcunt = models.CharField("计价单位", blank=True)
    pric = models.DecimalField("单价", max_digits=16, decimal_places=4, null=True, blank=True)
    item_cont = models.TextField("项目内涵", blank=True)
    exct_cont = models.TextField("除外内容", blank=True)
    memo = models.CharField("备注", blank=True)
    begndate = models.DateField("启用日期")
    enddate = models.DateField("停用日期", null=True, blank=True)
    pinyin = models.CharField("拼音码", blank=True)
    revenue = models.DecimalField("收入", max_digits=16, decimal_places=2, default=0)
    stock = models.DecimalField("库存", max_digits=16, decimal_places=4, null=True, blank=True)
    inpatients = models.PositiveIntegerField("在院使用人数", null=True, blank=True)
    usage_as_of = models.DateField("用量截止", null=True, blank=True)
    no_code = models.BooleanField("不需对照", default=False)
    no_code_reason = models.CharField("不需对照的原因", max_length=200, blank=True)
    checked_by = models.ForeignKey(
        Person, verbose_name="复核人", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    checked_at = models.DateTimeField("复核时间", null=True, blank=True)
    extra = models.JSONField("其他字段", default=dict, blank=True)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)
    changed_at = models.DateTimeField("修改时间", auto_now=True)

    objects: ClassVar[Any] = ScopedQuerySet["HospitalItem"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "院内收费项目"
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "list_type", "fixmedins_hilist_id"], name="hospital_item_once"
            )
        ]
        indexes = [
            models.Index(fields=["institution", "list_type", "-revenue", "id"], name="hospital_item_by_revenue"),
            *search_indexes("item", holds=["fixmedins_hilist_name"], starts=["pinyin"]),
            models.Index(
                fields=["fixmedins_hilist_id"], opclasses=["text_pattern_ops"], name="hospital_item_code_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fixmedins_hilist_id} {self.fixmedins_hilist_name}"

    def get_absolute_url(self) -> str:
        """Return the item's own page."""
        return reverse("mapping:item", args=[self.pk])


class ItemChange(models.Model):
    """What an item was until a day and is from that day on: column → [before, after], as text.

    The item itself says what is true today: a change for a later day has no `applied_at` until that day has come.
    """

    item = models.ForeignKey(HospitalItem, on_delete=models.CASCADE, related_name="changes")
    begndate = models.DateField("自")
    changes = models.JSONField("变更", default=dict)
    source = models.CharField("来源", max_length=100, blank=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField("时间", auto_now_add=True)
    applied_at = models.DateTimeField("执行时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "项目变更"
        indexes = [
            models.Index(fields=["begndate"], condition=Q(applied_at=None), name="item_change_due"),
        ]

    def __str__(self) -> str:
        return f"{self.item} {self.begndate}"
