"""Alarms: what stood still or went wrong, whom it is told, and whether that arrived."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse

from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet
from portal.privacy.fields import EncryptedTextField
from portal.system.choices import AlarmLevel, DeliveryState, RouteKind
from portal.system.targets import shown_target


class AlarmEvent(models.Model):
    """One alarm from its first time until it was cleared. Without an institution it concerns the portal itself."""

    institution = models.ForeignKey(
        Institution, verbose_name="机构", null=True, on_delete=models.PROTECT, related_name="+"
    )
    code = models.CharField("代码", max_length=60)
    level = models.CharField("级别", max_length=10, choices=AlarmLevel.choices)
    words = models.CharField("内容", max_length=500)
    raised_at = models.DateTimeField("开始")
    last_at = models.DateTimeField("最近一次")
    count = models.PositiveIntegerField("次数", default=1)
    window_at = models.DateTimeField()
    window_count = models.PositiveIntegerField(default=1)
    notified_at = models.DateTimeField("已通知", null=True)
    notified_level = models.CharField(max_length=10, blank=True)
    cleared_at = models.DateTimeField("恢复", null=True)

    objects: ClassVar[Any] = ScopedQuerySet["AlarmEvent"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "告警"
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "code"],
                condition=Q(cleared_at=None),
                name="alarm_open_once",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["code", "-raised_at"], name="alarm_by_code")]

    def __str__(self) -> str:
        return self.words

    def get_absolute_url(self) -> str:
        """Return the address of the alarm's page."""
        return reverse("system:alarm", args=[self.pk])

    @property
    def state_words(self) -> str:
        """Whether it stands or when it was over."""
        return "" if self.cleared_at else f"持续中，已发生 {self.count} 次"


class AlarmRoute(models.Model):
    """Whom alarms are told: an address outside of the portal, for a level and worse, of some duties or codes."""

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    name = models.CharField("名称", max_length=50)
    kind = models.CharField("方式", max_length=10, choices=RouteKind.choices)
    address = EncryptedTextField("地址")
    level = models.CharField("最低级别", max_length=10, choices=AlarmLevel.choices, default=AlarmLevel.WARNING)
    duties = models.JSONField("职责", default=list)
    active = models.BooleanField("启用", default=True)
    made_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField("新建时间", auto_now_add=True)

    objects: ClassVar[Any] = ScopedQuerySet["AlarmRoute"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "告警去向"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the route's page."""
        return reverse("system:route", args=[self.pk])

    @property
    def shown_address(self) -> str:
        """The address without what opens the door: scheme and host."""
        return shown_target(self.address)


class AlarmDelivery(models.Model):
    """One message about one alarm on one route, with its outcome. A test has no alarm."""

    event = models.ForeignKey(AlarmEvent, null=True, on_delete=models.CASCADE, related_name="deliveries")
    route = models.ForeignKey(AlarmRoute, on_delete=models.PROTECT, related_name="deliveries")
    what = models.CharField("消息", max_length=10, default="raised")
    words = models.CharField("内容", max_length=500)
    level = models.CharField("级别", max_length=10, choices=AlarmLevel.choices)
    state = models.CharField("状态", max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    not_before = models.DateTimeField()
    outcome = models.CharField("结果", max_length=300, blank=True)
    made_at = models.DateTimeField("时间", auto_now_add=True)
    sent_at = models.DateTimeField("送出", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "告警消息"
        indexes = [
            models.Index(fields=["not_before"], name="alarm_delivery_due", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return self.words
