"""Work that a person waits for, and what is due by itself."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.urls import reverse
from django.utils import timezone

from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet
from portal.tasks.choices import TaskState


class Task(models.Model):
    """One piece of background work with progress, log and result.

    Queued → running → done | failed | cancelled. A running task whose lease ran out is queued again, so a kind's
    function must be able to start anew. `params` and `result` are JSON without personal data.
    """

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField("种类", max_length=60)
    label = models.CharField("名称", max_length=200)
    params = models.JSONField("参数", default=dict)
    requested_by = models.ForeignKey(
        Person, verbose_name="发起人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    source = models.CharField("来源", max_length=20, default="人工")
    state = models.CharField("状态", max_length=10, choices=TaskState.choices, default=TaskState.QUEUED)
    done = models.PositiveIntegerField("已完成", default=0)
    total = models.PositiveIntegerField("总数", default=0)
    message = models.CharField("进展", max_length=500, blank=True)
    result = models.JSONField("结果", default=dict)
    result_file = models.CharField("结果文件", max_length=200, blank=True)
    result_url = models.CharField("结果页面", max_length=200, blank=True)
    attempt = models.PositiveSmallIntegerField("次数", default=0)
    not_before = models.DateTimeField("不早于", null=True)
    lease_until = models.DateTimeField("租约至", null=True)
    single = models.BooleanField("只许一个", default=False)
    repeat_of = models.ForeignKey(
        "self", verbose_name="重新运行自", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    cancel_asked = models.BooleanField("已请求取消", default=False)
    told = models.BooleanField("已提醒", default=False)
    faults = models.PositiveIntegerField("未成的条数", default=0)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)
    started_at = models.DateTimeField("开始时间", null=True)
    ended_at = models.DateTimeField("结束时间", null=True)

    objects: ClassVar[Any] = ScopedQuerySet["Task"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "任务"
        indexes = [
            models.Index(fields=["institution", "-id"], name="task_by_institution"),
            models.Index(fields=["state", "lease_until"], name="task_open", condition=models.Q(ended_at=None)),
            models.Index(fields=["institution", "state", "-id"], name="task_by_state"),
            models.Index(fields=["institution", "kind", "-id"], name="task_by_kind"),
            models.Index(fields=["id"], name="task_untold", condition=models.Q(told=False, ended_at__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "kind"],
                condition=models.Q(single=True, ended_at=None),
                name="task_single_open",
            )
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        """Return the address of the task's page."""
        return reverse("tasks:detail", args=[self.pk])

    @property
    def by(self) -> str:
        """Who started it: a person's name, or 定时."""
        return self.requested_by.name if self.requested_by else self.source

    @property
    def state_more(self) -> str:
        """What the list says after the state's tag."""
        if self.cancel_asked and not self.ended:
            return "正在取消"
        return f"{self.done} / {self.total}" if self.state == TaskState.RUNNING and self.total else ""

    @property
    def ended(self) -> bool:
        """Say whether it is over: done, failed or cancelled."""
        return self.ended_at is not None

    @property
    def percent(self) -> int:
        """How much is done, 0–100; 100 when done, 0 while the total is unknown."""
        if self.state == TaskState.DONE:
            return 100
        return min(self.done * 100 // self.total, 100) if self.total else 0

    @property
    def word(self) -> str:
        """The state's word as shown: a running task that shall stop says so."""
        return "正在取消" if self.cancel_asked and not self.ended else self.get_state_display()

    @property
    def colour(self) -> str:
        """The state's colour."""
        return TaskState(self.state).colour

    @property
    def seconds(self) -> int | None:
        """How long it ran, None before it started."""
        if self.started_at is None:
            return None
        return int(((self.ended_at or timezone.now()) - self.started_at).total_seconds())


class TaskLog(models.Model):
    """One line of a task's log, written while it runs."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField(auto_now_add=True)
    level = models.CharField(max_length=10, default="info")
    text = models.CharField(max_length=1000)

    class Meta:
        verbose_name = verbose_name_plural = "任务日志"

    def __str__(self) -> str:
        return self.text


class TaskFault(models.Model):
    """One record that a task could not do, with the reason and where it stands; without personal data."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="fault_rows")
    label = models.CharField("记录", max_length=200)
    reason = models.CharField("原因", max_length=500)
    url = models.CharField("位置", max_length=300, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "未成的记录"

    def __str__(self) -> str:
        return self.label


class Notice(models.Model):
    """One ring of a person's bell: something ended or was decided."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    institution = models.ForeignKey(Institution, null=True, on_delete=models.CASCADE, related_name="+")
    text = models.CharField("内容", max_length=300)
    level = models.CharField(max_length=10, default="info")
    url = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField("时间", auto_now_add=True)
    seen_at = models.DateTimeField("看到", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "提醒"
        indexes = [
            models.Index(fields=["person", "-id"], name="notice_by_person"),
            models.Index(fields=["person", "id"], name="notice_unseen", condition=models.Q(seen_at=None)),
        ]

    def __str__(self) -> str:
        return self.text


class Schedule(models.Model):
    """A task that starts by itself, every so many seconds or daily at a time of day (Asia/Shanghai)."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField("种类", max_length=60)
    label = models.CharField("名称", max_length=200)
    params = models.JSONField("参数", default=dict)
    every_seconds = models.PositiveIntegerField("间隔秒数", null=True)
    daily_at = models.TimeField("每天", null=True)
    active = models.BooleanField("启用", default=True)
    next_run = models.DateTimeField("下次运行", null=True)
    last_run = models.DateTimeField("上次运行", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "定时"
        constraints = [models.UniqueConstraint(fields=["institution", "kind"], name="schedule_once")]

    def __str__(self) -> str:
        return self.label


class Heartbeat(models.Model):
    """When a process was last seen at work: `dispatcher`, or `worker:<queue>` through a small job on that queue."""

    name = models.CharField("名称", max_length=60, primary_key=True)
    seen_at = models.DateTimeField("最近一次")

    class Meta:
        verbose_name = verbose_name_plural = "心跳"

    def __str__(self) -> str:
        return self.name
