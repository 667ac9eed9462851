"""Leave to see many records in clear: a named purpose, one list, an end, two persons."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet
from portal.privacy.fields import EncryptedTextField


class Purpose(models.TextChoices):
    """What many records may be uncovered for; nothing else is a reason."""

    RECALL = "recall", "召回"
    INSPECTION = "inspection", "检查取证"
    FILING = "filing", "申报与备案"
    RECONCILIATION = "reconciliation", "对账核实"
    COMPLAINT = "complaint", "投诉处理"


class Uncovering(models.Model):
    """A grant: `person` may export the rows of one list under one query in clear until `until`.

    `scope` is the list page's dotted path, `query` its address query (encrypted: it may hold a name); an empty query
    is the whole list. `granted_by` is the second person. `approval` is the number of the proposal it came from.
    """

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, verbose_name="使用人", on_delete=models.PROTECT, related_name="+")
    granted_by = models.ForeignKey(Person, verbose_name="批准人", on_delete=models.PROTECT, related_name="+")
    approval = models.BigIntegerField("审核编号", unique=True)
    purpose = models.CharField("用途", max_length=20, choices=Purpose.choices)
    scope = models.CharField("列表", max_length=200)
    query = EncryptedTextField("查询条件", blank=True, default="")
    reason = models.CharField("原因", max_length=500)
    made_at = models.DateTimeField("批准时间", auto_now_add=True)
    until = models.DateTimeField("有效至")
    ended_at = models.DateTimeField("提前结束", null=True)
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    objects: ClassVar[Any] = ScopedQuerySet["Uncovering"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "批量明文授权"
        indexes = [models.Index(fields=["institution", "person", "until"], name="uncovering_of_person")]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.person}"

    @property
    def open(self) -> bool:
        """Say whether it can still be used."""
        return self.ended_at is None and self.until > timezone.now()


class UncoveringUse(models.Model):
    """One use of a grant: an export with so many rows."""

    uncovering = models.ForeignKey(Uncovering, on_delete=models.CASCADE, related_name="uses")
    what = models.CharField("用法", max_length=100)
    rows = models.PositiveIntegerField("行数")
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "明文使用"

    def __str__(self) -> str:
        return f"{self.what} {self.rows}"
