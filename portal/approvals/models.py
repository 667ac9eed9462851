"""What needs two persons, who stands in as the second, and what was handed over."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.urls import reverse
from django.utils import timezone

from portal.approvals.choices import ApprovalState
from portal.approvals.contents import digest_of
from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet
from portal.privacy.fields import EncryptedTextField

SOON = timedelta(days=1)


class Approval(models.Model):
    """One proposal: what shall happen, who proposed it, who decided and what came of it.

    `content` is the payload as canonical JSON, encrypted; `digest` ties it, kind, label, subjects and reason together
    and is checked again before anything is executed. `proposed_for` is the absent person where the proposer acted
    only as a deputy. `held_by` is whoever looks after it now: the proposer, or the person it was handed over to.
    """

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField("种类", max_length=60)
    label = models.CharField("内容", max_length=200)
    subjects = models.JSONField("对象", default=list)
    content = EncryptedTextField("内容数据", blank=True, default="")
    digest = models.CharField("内容摘要", max_length=64)
    reason = models.CharField("申请原因", max_length=500)
    state = models.CharField("状态", max_length=10, choices=ApprovalState.choices, default=ApprovalState.WAITING)
    proposed_by = models.ForeignKey(Person, verbose_name="提出人", on_delete=models.PROTECT, related_name="+")
    proposed_as = models.CharField("提出人姓名", max_length=50)
    proposed_for = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    held_by = models.ForeignKey(Person, verbose_name="经办人", on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField("提出时间", auto_now_add=True)
    expires_at = models.DateTimeField("有效至")
    decided_by = models.ForeignKey(Person, verbose_name="审核人", null=True, on_delete=models.PROTECT, related_name="+")
    decided_as = models.CharField("审核人姓名", max_length=50, blank=True)
    decided_at = models.DateTimeField("审核时间", null=True)
    on_site = models.BooleanField("就地双签", default=False)
    words = models.CharField("审核意见", max_length=500, blank=True)
    result = models.CharField("执行结果", max_length=500, blank=True)
    trouble = models.CharField("未能执行的原因", max_length=500, blank=True)
    trouble_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = ScopedQuerySet["Approval"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "双人审核"
        indexes = [
            models.Index(fields=["institution", "-id"], name="approval_by_institution"),
            models.Index(
                fields=["institution", "kind"], name="approval_waiting", condition=models.Q(state=ApprovalState.WAITING)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(decided_by=None)
                | ~models.Q(state=ApprovalState.APPROVED)
                | ~models.Q(decided_by=models.F("proposed_by")),
                name="approval_two_persons",
            )
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("approvals:detail", args=[self.pk])

    @property
    def payload(self) -> dict[str, Any]:
        """What `execute` needs, as it was proposed."""
        found: dict[str, Any] = json.loads(self.content) if self.content else {}
        return found

    @property
    def intact(self) -> bool:
        """Say whether everything that was proposed still reads as it was proposed."""
        return self.digest == digest_of(
            self.institution_id, self.kind, self.label, self.subjects, self.content, self.reason
        )

    @property
    def waiting(self) -> bool:
        """Say whether it can still be decided."""
        return self.state == ApprovalState.WAITING and self.expires_at > timezone.now()

    @property
    def short_digest(self) -> str:
        """The digest's first twelve digits in groups of four, which two persons can read to each other."""
        return " ".join(self.digest[place : place + 4] for place in (0, 4, 8))

    @property
    def state_more(self) -> str:
        """What stands after the state: who decided, or until when it can be decided, or why it is stuck."""
        if self.state != ApprovalState.WAITING:
            return self.decided_as
        if self.trouble:
            return f"未能执行：{self.trouble}"
        until = timezone.localtime(self.expires_at)
        return f"{until:%m-%d %H:%M} 过期" if self.expires_at - timezone.now() < SOON else ""


class DutyDay(models.Model):
    """值班表: who is the second person for one right (`exchange.approve` …) on one day."""

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    duty = models.CharField("值班事项", max_length=60)
    day = models.DateField("日期")
    person = models.ForeignKey(Person, verbose_name="第二人", on_delete=models.PROTECT, related_name="+")

    objects: ClassVar[Any] = ScopedQuerySet["DutyDay"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "值班"
        constraints = [models.UniqueConstraint(fields=["institution", "duty", "day"], name="duty_one_a_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.person}"


class Handover(models.Model):
    """One act of 交接: `giver`'s open items of one kind went to `taker`. `items` are their titles, masked as shown."""

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    giver = models.ForeignKey(Person, verbose_name="交出人", on_delete=models.PROTECT, related_name="+")
    taker = models.ForeignKey(Person, verbose_name="接手人", on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(Person, verbose_name="操作人", on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField("交接时间", auto_now_add=True)
    note = models.CharField("交接说明", max_length=500)
    items = models.JSONField("事项", default=list)
    count = models.PositiveIntegerField("项数")
    seen_at = models.DateTimeField("接手人已阅", null=True)

    objects: ClassVar[Any] = ScopedQuerySet["Handover"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "交接"
        indexes = [models.Index(fields=["institution", "-id"], name="handover_by_institution")]

    def __str__(self) -> str:
        return f"{self.giver} → {self.taker}"
