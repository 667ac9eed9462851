"""What people and schedules decided."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models

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

    objects: ClassVar[Any] = ScopedQuerySet["AuditEvent"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "审计记录"
        indexes = [
            GinIndex(fields=["subjects"], opclasses=["jsonb_path_ops"], name="audit_by_subject"),
            models.Index(fields=["institution", "-id"], name="audit_by_institution"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action}"
