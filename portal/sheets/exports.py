"""Files that go out in the background: who asked for what, and where the sealed file lies."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.urls import reverse
from django.utils import timezone

from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet
from portal.privacy.fields import EncryptedTextField
from portal.tasks.models import Task


class SheetExport(models.Model):
    """One list asked for as a file that is too large to be answered at once.

    `page` is the list's dotted path, `query` and `place` its address (encrypted: a query may hold a name). The file
    lies sealed under `stored_as` until `drops_at`, then `dropped_at` is set and only this line stays.
    """

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(Person, verbose_name="导出人", on_delete=models.PROTECT, related_name="+")
    task = models.ForeignKey(Task, verbose_name="任务", null=True, on_delete=models.SET_NULL, related_name="+")
    page = models.CharField("列表", max_length=200)
    query = EncryptedTextField("查询条件", blank=True, default="")
    place = models.JSONField("地址参数", default=dict)
    fingerprint = models.CharField("摘要", max_length=64)
    title = models.CharField("内容", max_length=100)
    words = EncryptedTextField("条件", blank=True, default="")
    form = models.CharField("格式", max_length=5, default="xlsx")
    clear = models.BooleanField("明文", default=False)
    expected = models.PositiveIntegerField("预计行数", default=0)
    rows = models.PositiveIntegerField("行数", null=True)
    size = models.PositiveBigIntegerField("字节数", default=0)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    stored_as = models.CharField("存放名", max_length=80, blank=True)
    downloads = models.PositiveIntegerField("下载次数", default=0)
    created_at = models.DateTimeField("导出时间", auto_now_add=True)
    ready_at = models.DateTimeField("完成时间", null=True)
    drops_at = models.DateTimeField("保留至", null=True)
    dropped_at = models.DateTimeField("清理时间", null=True)

    objects: ClassVar[Any] = ScopedQuerySet["SheetExport"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "导出记录"
        indexes = [
            models.Index(fields=["requested_by", "institution", "-id"], name="export_by_person"),
            models.Index(fields=["drops_at"], name="export_to_drop", condition=models.Q(dropped_at=None)),
        ]

    def __str__(self) -> str:
        return f"导出{self.title}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("sheets:export", args=[self.pk])

    @property
    def ready(self) -> bool:
        """Say whether there is a file to download."""
        return bool(self.stored_as) and self.dropped_at is None

    @property
    def file_name(self) -> str:
        """Return the name under which the file is downloaded."""
        return f"{self.title}_{timezone.localtime(self.created_at):%Y%m%d}_{self.pk}.{self.form}"

    @property
    def word(self) -> str:
        """Return where it stands, in one word."""
        if self.dropped_at is not None:
            return "已清理"
        if self.ready:
            return "可下载"
        return "未完成" if self.task is None or self.task.ended else "生成中"
