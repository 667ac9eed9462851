"""The platform's side of the relations (1317, 5163), and how it differs from ours."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from insurance.mapping.choices import DifferenceKind, ListType, WorkState
from insurance.mapping.models.items import HospitalItem
from insurance.mapping.models.relations import Mapping
from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet


class PlatformMapping(models.Model):
    """One relation as the platform holds it, as last seen in 1317 or 5163."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    list_type = models.CharField("目录类别", max_length=3)
    fixmedins_hilist_id = models.CharField("定点医药机构目录编号")
    fixmedins_hilist_name = models.CharField("定点医药机构目录名称", blank=True)
    med_list_codg = models.CharField("医疗目录编码")
    begndate = models.DateField("开始日期")
    enddate = models.DateField("结束日期", null=True, blank=True)
    vali_flag = models.CharField("有效标志", blank=True)
    chk_stas = models.CharField("审核状态", blank=True)
    rid = models.CharField("唯一记录号", blank=True)
    updt_time = models.DateTimeField("更新时间", null=True, blank=True)
    in_1317 = models.BooleanField("1317 中有", default=False)
    in_5163 = models.BooleanField("5163 中有", default=False)
    raw = models.JSONField("平台返回", default=dict, blank=True)
    seen_at = models.DateTimeField("取得时间")
    mapping = models.ForeignKey(Mapping, null=True, blank=True, on_delete=models.SET_NULL, related_name="platform_rows")

    objects: ClassVar[Any] = ScopedQuerySet["PlatformMapping"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "平台目录对照"
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "list_type", "fixmedins_hilist_id", "med_list_codg", "begndate"],
                name="platform_mapping_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.fixmedins_hilist_id} → {self.med_list_codg}"


class Difference(models.Model):
    """One difference between ours and the platform's, until it is gone or settled with a reason."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField("差异", max_length=12, choices=DifferenceKind.choices)
    state = models.CharField("处理", max_length=10, choices=WorkState.choices, default=WorkState.OPEN)
    list_type = models.CharField("目录类别", max_length=3, choices=ListType.choices)
    fixmedins_hilist_id = models.CharField("定点医药机构目录编号")
    item = models.ForeignKey(HospitalItem, null=True, on_delete=models.SET_NULL, related_name="+")
    mapping = models.ForeignKey(Mapping, null=True, blank=True, on_delete=models.SET_NULL, related_name="differences")
    platform = models.ForeignKey(
        PlatformMapping, null=True, blank=True, on_delete=models.SET_NULL, related_name="differences"
    )
    details = models.JSONField("内容", default=dict, blank=True)
    reason = models.CharField("原因", max_length=300, blank=True)
    found_at = models.DateTimeField("发现时间", auto_now_add=True)
    seen_at = models.DateTimeField("最近核对")
    settled_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    settled_at = models.DateTimeField("处理时间", null=True, blank=True)

    objects: ClassVar[Any] = ScopedQuerySet["Difference"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "平台核对差异"
        indexes = [models.Index(fields=["institution", "state", "kind", "id"], name="difference_by_state")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.fixmedins_hilist_id}"
