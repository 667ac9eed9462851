"""What is kept of the demo hospital: that it was made, by which task it was filled, and when that was done."""

from __future__ import annotations

from django.db import models

from portal.people.models import Institution
from portal.tasks.models import Task


class DemoHospital(models.Model):
    """The guard of the demo: one row in a database, made together with the logins while the database was empty.

    `task` is the fill that `demo --start` began, the only one it ever begins; `filled_at` is set when it was done,
    `mapped_at` when the second task, which follows it, had filled catalogues, items and mappings.
    """

    institution = models.OneToOneField(
        Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="demo_hospital"
    )
    task = models.ForeignKey(Task, verbose_name="任务", null=True, on_delete=models.SET_NULL, related_name="+")
    only = models.BooleanField("只有一个", default=True, unique=True, editable=False)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)
    started_at = models.DateTimeField("开始填充时间", null=True)
    filled_at = models.DateTimeField("填充完成时间", null=True)
    mapped_at = models.DateTimeField("目录对照填充完成时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "演示医院"
        constraints = [models.CheckConstraint(condition=models.Q(only=True), name="demo_hospital_only_one")]

    def __str__(self) -> str:
        return f"{self.institution}（演示）"
