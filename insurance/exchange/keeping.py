"""What is kept about the ledger itself: its counts by day, how long it stays, and who let it go."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet

# 等保三级: records of what was done stay half a year at least; a query's body may go before its head.
LEAST_BODY_DAYS = 30
LEAST_HEAD_DAYS = 180


class CallDay(models.Model):
    """How many calls of one transaction ended in one state on one day, and how long their answers took.

    The row with empty `infno` and `state` is the whole day. `until` is the moment before which calls are counted, so
    that a number and the list behind it speak of the same rows.
    """

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    day = models.DateField("日期")
    infno = models.CharField("交易编号", max_length=5, blank=True)
    state = models.CharField("状态", max_length=12, blank=True)
    calls = models.PositiveIntegerField("次数", default=0)
    p50_ms = models.PositiveIntegerField("中位耗时(毫秒)", null=True)
    p95_ms = models.PositiveIntegerField("95% 耗时(毫秒)", null=True)
    until = models.DateTimeField("统计至")
    final = models.BooleanField("已定", default=False)

    objects: ClassVar[Any] = ScopedQuerySet["CallDay"].as_manager()

    class Meta:
        app_label = "exchange"
        verbose_name = verbose_name_plural = "交易日统计"
        constraints = [
            models.UniqueConstraint(fields=["institution", "day", "infno", "state"], name="callday_once"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.infno} {self.state}"


class RetentionRule(models.Model):
    """How long one class of messages is kept: bodies first, heads and events later; None is for ever.

    `infnos` are the transactions of the class, filled from the index. A protected class goes only by a PruneOrder.
    """

    code = models.CharField("类别", max_length=20, unique=True)
    label = models.CharField("名称", max_length=60)
    order = models.PositiveSmallIntegerField(default=0)
    infnos = models.JSONField("交易", default=list)
    protected = models.BooleanField("受保护", default=True)
    body_days = models.PositiveIntegerField("报文保存天数", null=True, blank=True)
    head_days = models.PositiveIntegerField("记录保存天数", null=True, blank=True)
    changed_at = models.DateTimeField("修改时间", auto_now=True)
    changed_by = models.CharField("修改人", max_length=50, blank=True)

    class Meta:
        app_label = "exchange"
        verbose_name = verbose_name_plural = "保存期限"
        ordering = ["order"]
        constraints = [
            models.CheckConstraint(
                condition=Q(protected=True) | Q(code__in=["query", "download"]), name="retention_never_unprotected"
            ),
            models.CheckConstraint(
                condition=Q(body_days=None) | Q(body_days__gte=LEAST_BODY_DAYS), name="retention_body_least"
            ),
            models.CheckConstraint(
                condition=Q(head_days=None) | Q(head_days__gte=LEAST_HEAD_DAYS), name="retention_head_least"
            ),
            models.CheckConstraint(
                condition=Q(protected=False) | Q(body_days=None, head_days=None), name="retention_protected_stays"
            ),
        ]

    def __str__(self) -> str:
        return self.label


class PruneOrder(models.Model):
    """Two persons' word that the bodies of one protected class before a day may go, once they are archived."""

    rule = models.ForeignKey(RetentionRule, on_delete=models.PROTECT, related_name="orders")
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    before = models.DateField("早于")
    count = models.PositiveIntegerField("报文数")
    proposed_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    approval = models.CharField("审核", max_length=40, blank=True)
    reason = models.CharField("原因", max_length=500)
    archive = models.CharField("归档文件", max_length=200, blank=True)
    archive_digest = models.CharField("归档摘要", max_length=64, blank=True)
    archived_at = models.DateTimeField("归档时间", null=True)
    done_at = models.DateTimeField("清理完成", null=True)
    made_at = models.DateTimeField("时间", auto_now_add=True)

    objects: ClassVar[Any] = ScopedQuerySet["PruneOrder"].as_manager()

    class Meta:
        app_label = "exchange"
        verbose_name = verbose_name_plural = "清理受保护报文"
        constraints = [
            models.CheckConstraint(condition=~Q(proposed_by=F("approved_by")), name="prune_two_persons"),
            models.CheckConstraint(
                condition=Q(done_at=None) | Q(archived_at__isnull=False), name="prune_archived_first"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.before}"


class PruneRun(models.Model):
    """One run over one class: what went, from before which moment."""

    rule = models.ForeignKey(RetentionRule, on_delete=models.PROTECT, related_name="runs")
    part = models.CharField("内容", max_length=10)
    before = models.DateTimeField("早于")
    count = models.PositiveIntegerField("条数")
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        app_label = "exchange"
        verbose_name = verbose_name_plural = "清理记录"
        indexes = [models.Index(fields=["rule", "-id"], name="prunerun_by_rule")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.part} {self.count}"
