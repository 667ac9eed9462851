"""Which relations of a large batch the second person had to look at one by one, and when they did."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.urls import reverse

from insurance.mapping.choices import LookReason
from insurance.mapping.models.relations import Mapping
from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet


class ApprovalRound(models.Model):
    """What one person set out to approve at once: exactly these relations as they were shown.

    `shown`: relation's key (text) → digest of what was on the screen, so that nothing changed is approved unseen.
    """

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField("抽取时间", auto_now_add=True)
    shown = models.JSONField("所见内容", default=dict)
    approved_at = models.DateTimeField("通过时间", null=True)
    approved = models.PositiveIntegerField("通过条数", default=0)

    objects: ClassVar[Any] = ScopedQuerySet["ApprovalRound"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "审核批次"

    def __str__(self) -> str:
        return f"审核 {len(self.shown)} 条（{self.made_at:%Y-%m-%d %H:%M}）"

    def get_absolute_url(self) -> str:
        """Return the page on which the round is looked through and approved."""
        return reverse("mapping:round", args=[self.pk])


class ApprovalLook(models.Model):
    """One relation that was drawn, why, and when it was looked at."""

    round = models.ForeignKey(ApprovalRound, on_delete=models.CASCADE, related_name="looks")
    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="looks")
    why = models.CharField("原因", max_length=12, choices=LookReason.choices)
    looked_at = models.DateTimeField("查看时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "抽查"
        constraints = [models.UniqueConstraint(fields=["round", "mapping"], name="approval_look_once")]

    def __str__(self) -> str:
        return f"{self.mapping}（{self.get_why_display()}）"
