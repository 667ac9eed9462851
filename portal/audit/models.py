"""What people and schedules decided, and what proves that nobody changed it: seals and their verification."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.urls import reverse

from portal.audit.grants import Uncovering, UncoveringUse  # noqa: F401 (tables of this app, in a file of their own)
from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet


class AuditEvent(models.Model):
    """One decision of one actor, with the things it concerned. Written by services, never changed."""

    institution = models.ForeignKey(Institution, null=True, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField("操作人", max_length=50)
    action = models.CharField("操作", max_length=60)
    label = models.CharField("内容", max_length=200, blank=True)
    subjects = models.JSONField("对象", default=list)
    detail = models.JSONField("说明", default=dict)
    reason = models.CharField("原因", max_length=500, blank=True)
    ip = models.GenericIPAddressField("来源地址", null=True)
    at = models.DateTimeField("时间", auto_now_add=True, db_index=True)
    origin = models.CharField("请求编号", max_length=64, blank=True, default="", db_default="")

    objects: ClassVar[Any] = ScopedQuerySet["AuditEvent"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "审计记录"
        indexes = [
            GinIndex(fields=["subjects"], opclasses=["jsonb_path_ops"], name="audit_by_subject"),
            GinIndex(fields=["label", "reason"], opclasses=["gin_trgm_ops"] * 2, name="audit_by_words"),
            models.Index(fields=["institution", "-id"], name="audit_by_institution"),
            models.Index(fields=["institution", "person", "-id"], name="audit_by_person"),
            models.Index(fields=["institution", "action", "-id"], name="audit_by_action"),
            models.Index(fields=["institution", "at", "-id"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action}"

    def get_absolute_url(self) -> str:
        """Return the address of the event's page."""
        return reverse("audit:event", args=[self.pk])


class Seal(models.Model):
    """One closed Shanghai day of one source: a link of its hash chain. Append-only by trigger."""

    source = models.CharField("来源", max_length=40)
    day = models.DateField("日期")
    count = models.PositiveBigIntegerField("条数")
    root = models.CharField("封存值", max_length=64)
    previous = models.CharField("前一封存值", max_length=64, blank=True)
    algorithm = models.CharField("算法", max_length=10)
    key_id = models.CharField("密钥编号", max_length=40)
    made_at = models.DateTimeField("封存时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "封存"
        constraints = [models.UniqueConstraint(fields=["source", "day"], name="seal_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.day}"


class SealLeaves(models.Model):
    """Keys and digests of a sealed day's rows, in parts (portal.audit.leaves). Append-only by trigger."""

    source = models.CharField(max_length=40)
    day = models.DateField()
    part = models.PositiveIntegerField()
    first_key = models.BigIntegerField()
    last_key = models.BigIntegerField()
    leaves = models.BinaryField()

    class Meta:
        verbose_name = verbose_name_plural = "封存明细"
        constraints = [models.UniqueConstraint(fields=["source", "day", "part"], name="seal_leaves_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.day} {self.part}"


class Pruned(models.Model):
    """Rows of a sealed source that were lawfully taken away; `mac` proves that the portal wrote it. Append-only."""

    source = models.CharField("来源", max_length=40)
    first_key = models.BigIntegerField("首个流水号")
    last_key = models.BigIntegerField("末个流水号")
    count = models.PositiveIntegerField("条数")
    keys = models.BinaryField()
    reason = models.CharField("原因", max_length=500)
    approval_id = models.BigIntegerField("审批单", null=True)
    mac = models.CharField(max_length=64)
    algorithm = models.CharField("算法", max_length=10)
    key_id = models.CharField("密钥编号", max_length=40)
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "清理记录"
        indexes = [models.Index(fields=["source", "first_key"], name="pruned_by_key")]

    def __str__(self) -> str:
        return f"{self.source} {self.first_key}-{self.last_key}"


class SealCheck(models.Model):
    """What one verification found. `fault` is empty when everything agreed; else the words of the first fault."""

    at = models.DateTimeField("时间", auto_now_add=True)
    by = models.CharField("核验人", max_length=50, blank=True)
    first_day = models.DateField("自", null=True)
    last_day = models.DateField("至", null=True)
    days = models.PositiveIntegerField("天数", default=0)
    rows = models.PositiveBigIntegerField("条数", default=0)
    faults = models.JSONField("问题", default=list)

    class Meta:
        verbose_name = verbose_name_plural = "封存核验"

    def __str__(self) -> str:
        return self.words

    @property
    def good(self) -> bool:
        """Say whether everything agreed."""
        return not self.faults

    @property
    def words(self) -> str:
        """The first fault, or that there is none."""
        return str(self.faults[0]["words"]) if self.faults else "一致"


class AuditStream(models.Model):
    """How far the audit was handed to a collector (AUDIT_SYSLOG). `gaps` are numbers that had not been seen by then:
    they were rolled back, or will be committed late and are sent then.
    """

    target = models.CharField("收集器", max_length=200, unique=True)
    last_id = models.BigIntegerField("已送到", default=0)
    gaps = models.JSONField(default=list)
    sent = models.BigIntegerField("已送条数", default=0)
    sent_at = models.DateTimeField("最近送出", null=True)
    failures = models.PositiveIntegerField("连续失败", default=0)
    failed_at = models.DateTimeField("最近失败", null=True)
    words = models.CharField("失败原因", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "审计外送"

    def __str__(self) -> str:
        return self.target
