"""Changes of codes that the bureau announces (目录切换), what catalogue versions do to relations, the night's work."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from insurance.catalogue.models import Load
from insurance.mapping.choices import (
    FindingKind,
    LineKind,
    LineState,
    ListType,
    NightState,
    SwitchRelation,
    SwitchState,
    WorkState,
)
from insurance.mapping.models.items import HospitalItem
from insurance.mapping.models.relations import Ending, Mapping
from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet
from portal.sheets.models import SheetImport


class CodeSwitch(models.Model):
    """One table of old and new codes from the bureau, in force from `day`; prepared and approved before it.

    `summary` is what its lines came to when they were last looked at (`assessed_at`): counts, yuan, patients.
    """

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
    summary = models.JSONField("影响", default=dict, blank=True)
    assessed_at = models.DateTimeField("影响核对时间", null=True, blank=True)

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
    """One line of the bureau's table: an old code, and the new one it becomes (empty: it ends).

    `relation` is what the whole table says (counted over all its lines), `stated` what the bureau wrote beside it.
    """

    switch = models.ForeignKey(CodeSwitch, on_delete=models.CASCADE, related_name="rows")
    list_type = models.CharField("目录类别", max_length=3, choices=ListType.choices)
    old_code = models.CharField("旧编码")
    old_name = models.CharField("旧名称", blank=True)
    new_code = models.CharField("新编码", blank=True)
    new_name = models.CharField("新名称", blank=True)
    relation = models.CharField("对应关系", max_length=3, choices=SwitchRelation.choices, default=SwitchRelation.ONE)
    stated = models.CharField("局方所列关系", blank=True)
    memo = models.CharField("备注", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "新旧编码对照"
        constraints = [
            models.UniqueConstraint(fields=["switch", "list_type", "old_code", "new_code"], name="code_switch_row_once")
        ]

    def __str__(self) -> str:
        return f"{self.old_code} → {self.new_code}"


class SwitchFile(models.Model):
    """Which switch an uploaded spreadsheet is for: the wizard itself knows files, not switches."""

    switch = models.ForeignKey(CodeSwitch, on_delete=models.CASCADE, related_name="files")
    sheet_import = models.OneToOneField(SheetImport, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = verbose_name_plural = "对照表文件"

    def __str__(self) -> str:
        return f"{self.switch}：{self.sheet_import.file_name}"


class SwitchLine(models.Model):
    """What a switch does to one standing relation, and how far its change is prepared.

    `new_code` is the only successor (empty: none, or a person chooses among `candidates`: [{"code", "name", "score",
    "reasons"}]). `proposal` is the relation that takes over, `ending` what ends one without successor. `over` (yuan)
    is by how much the hospital's price exceeds the new code's ceiling; `warnings` are sentences.
    """

    switch = models.ForeignKey(CodeSwitch, on_delete=models.CASCADE, related_name="lines")
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(HospitalItem, on_delete=models.PROTECT, related_name="+")
    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="switch_lines")
    kind = models.CharField("情形", max_length=10, choices=LineKind.choices)
    state = models.CharField("进度", max_length=10, choices=LineState.choices, default=LineState.WAITING)
    relation = models.CharField("对应关系", max_length=3, choices=SwitchRelation.choices, blank=True)
    new_code = models.CharField("新编码", blank=True)
    new_name = models.CharField("新名称", blank=True)
    candidates = models.JSONField("可选新编码", default=list, blank=True)
    hindrance = models.CharField("受阻原因", max_length=300, blank=True)
    warnings = models.JSONField("提醒", default=list, blank=True)
    over = models.DecimalField("超限价", max_digits=16, decimal_places=4, null=True, blank=True)
    class_from = models.CharField("原等级", max_length=20, blank=True)
    class_to = models.CharField("新等级", max_length=20, blank=True)
    proposal = models.ForeignKey(Mapping, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    ending = models.ForeignKey(Ending, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    drawn = models.BooleanField("抽查", default=False)

    objects: ClassVar[Any] = ScopedQuerySet["SwitchLine"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "切换明细"
        constraints = [models.UniqueConstraint(fields=["switch", "mapping"], name="switch_line_once")]
        indexes = [models.Index(fields=["switch", "state", "kind", "id"], name="switch_line_by_state")]

    def __str__(self) -> str:
        return f"{self.item} → {self.new_code or self.get_kind_display()}"

    def get_absolute_url(self) -> str:
        """Return the page that shows one relation's change."""
        return reverse("mapping:switch_line", args=[self.pk])


class RelationTerms(models.Model):
    """What a relation's code was and paid when a person last accepted it: the measure for what changed since.

    `facts`: name, spec, maker, aprvno, chrgitm_lv, restricted, maternity, ceiling (text; absent: not known).
    """

    mapping = models.OneToOneField(Mapping, on_delete=models.CASCADE, related_name="terms")
    facts = models.JSONField("内容", default=dict)
    accepted_at = models.DateTimeField("认可时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "对照的支付条件"

    def __str__(self) -> str:
        return str(self.mapping)


class Finding(models.Model):
    """What a catalogue version or a price did to one relation, until somebody saw to it or it went away.

    `details`: {"text": sentence, "changes": [{"label", "old", "new"}], "over": yuan as text …}; `signature` stands for
    what was found, so that one set aside stays so until something else is found.
    """

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="findings")
    kind = models.CharField("影响", max_length=14, choices=FindingKind.choices)
    state = models.CharField("处理", max_length=10, choices=WorkState.choices, default=WorkState.OPEN)
    details = models.JSONField("内容", default=dict, blank=True)
    signature = models.CharField(max_length=64, blank=True)
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

    def get_absolute_url(self) -> str:
        """Return the finding's own page."""
        return reverse("mapping:finding", args=[self.pk])


class NightRun(models.Model):
    """One night's order of work: catalogues, their impact, what goes out that day, the comparison.

    `steps`: in order, each {"key", "label", "state" (choices.StepState), "words", "step" (what to do), "started",
    "ended", "tries"}. While something failed and there is time, `retry_at` says when it is tried again.
    """

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    day = models.DateField("日期")
    state = models.CharField("状态", max_length=10, choices=NightState.choices, default=NightState.RUNNING)
    steps = models.JSONField("步骤", default=list)
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    retry_at = models.DateTimeField("再试时间", null=True, blank=True)
    started_at = models.DateTimeField("开始时间", auto_now_add=True)
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)

    objects: ClassVar[Any] = ScopedQuerySet["NightRun"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "夜间更新"
        constraints = [models.UniqueConstraint(fields=["institution", "day"], name="night_run_once")]

    def __str__(self) -> str:
        return f"夜间更新 {self.day}"

    def get_absolute_url(self) -> str:
        """Return the night's own page."""
        return reverse("mapping:night", args=[self.pk])
