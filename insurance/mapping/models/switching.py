"""Changes of codes that the bureau announces (目录切换), what catalogue versions do to relations, the night's work."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from insurance.catalogue.models import Load
from insurance.mapping.choices import FindingKind, ListType, NightState, SwitchRelation, SwitchState, WorkState
from insurance.mapping.models.relations import Mapping
from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet


class CodeSwitch(models.Model):
    """One table of old and new codes from the bureau, in force from `day`; prepared and approved before it."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    name = models.CharField("名称", max_length=100)
    day = models.DateField("切换日期")
    state = models.CharField("状态", max_length=10, choices=SwitchState.choices, default=SwitchState.DRAFT)
    memo = models.CharField("备注", max_length=300, blank=True)
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField("创建时间", auto_now_add=True)
    proposed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField("提交时间", null=True)
    approved_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField("审核时间", null=True)
    words = models.CharField("退回原因", max_length=500, blank=True)

    objects: ClassVar[Any] = ScopedQuerySet["CodeSwitch"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "目录切换"
        constraints = [
            models.UniqueConstraint(fields=["institution", "name"], name="code_switch_once"),
            models.CheckConstraint(
                condition=Q(approved_by=None) | Q(proposed_by=None) | ~Q(approved_by=F("proposed_by")),
                name="code_switch_two_persons",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the switch's own page."""
        return reverse("mapping:switch", args=[self.pk])


class CodeSwitchRow(models.Model):
    """One line of the bureau's table: an old code, and the new one it becomes (empty: it ends)."""

    switch = models.ForeignKey(CodeSwitch, on_delete=models.CASCADE, related_name="rows")
    list_type = models.CharField("目录类别", max_length=3, choices=ListType.choices)
    old_code = models.CharField("旧编码")
    old_name = models.CharField("旧名称", blank=True)
    new_code = models.CharField("新编码", blank=True)
    new_name = models.CharField("新名称", blank=True)
    relation = models.CharField("对应关系", max_length=3, choices=SwitchRelation.choices, default=SwitchRelation.ONE)
    memo = models.CharField("备注", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "新旧编码对照"
        constraints = [
            models.UniqueConstraint(fields=["switch", "list_type", "old_code", "new_code"], name="code_switch_row_once")
        ]

    def __str__(self) -> str:
        return f"{self.old_code} → {self.new_code}"


class Finding(models.Model):
    """What a catalogue version or a price did to one relation, until somebody saw to it or it went away."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="findings")
    kind = models.CharField("影响", max_length=14, choices=FindingKind.choices)
    state = models.CharField("处理", max_length=10, choices=WorkState.choices, default=WorkState.OPEN)
    details = models.JSONField("内容", default=dict, blank=True)
    due = models.DateField("期限", null=True, blank=True)
    load = models.ForeignKey(Load, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField("原因", max_length=300, blank=True)
    found_at = models.DateTimeField("发现时间", auto_now_add=True)
    seen_at = models.DateTimeField("最近核对")
    settled_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    settled_at = models.DateTimeField("处理时间", null=True, blank=True)

    objects: ClassVar[Any] = ScopedQuerySet["Finding"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "目录变更影响"
        constraints = [
            models.UniqueConstraint(fields=["mapping", "kind"], condition=Q(state="open"), name="finding_open_once")
        ]
        indexes = [models.Index(fields=["institution", "state", "kind", "id"], name="finding_by_state")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.mapping}"


class NightRun(models.Model):
    """One night's order of work: catalogues, their impact, what goes out that day, the comparison.

    `steps`: in order, each {"key", "label", "state" (waiting, running, done, failed, skipped), "words", "started",
    "ended"}.
    """

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    day = models.DateField("日期")
    state = models.CharField("状态", max_length=10, choices=NightState.choices, default=NightState.RUNNING)
    steps = models.JSONField("步骤", default=list)
    started_at = models.DateTimeField("开始时间", auto_now_add=True)
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)

    objects: ClassVar[Any] = ScopedQuerySet["NightRun"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "夜间更新"
        constraints = [models.UniqueConstraint(fields=["institution", "day"], name="night_run_once")]

    def __str__(self) -> str:
        return f"夜间更新 {self.day}"
