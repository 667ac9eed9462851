"""Drafts of messages, and what was sent from them. Whatever may hold a patient's data rests encrypted."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from insurance.exchange.debugging.choices import SendState
from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet
from portal.privacy.fields import EncryptedTextField
from portal.tasks.models import Task


class DebugDraft(models.Model):
    """A message being written: `content` is JSON, {"form": state} or {"json": text}; `files` those of `files.py`.

    `role` shares it with everybody of a role in the institution, `template` offers it whenever its transaction is
    begun anew. `version` counts its saves, so that two windows do not overwrite each other; `key` is given by the
    page, so that a doubled first save makes one draft.
    """

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, verbose_name="起草人", on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=40, unique=True)
    infno = models.CharField("交易编号", max_length=5)
    name = models.CharField("名称", max_length=60, blank=True)
    role = models.CharField("共享给", max_length=40, blank=True)
    template = models.BooleanField("模板", default=False)
    content = EncryptedTextField("内容")
    files = EncryptedTextField("文件", blank=True)
    insuplc_admdvs = models.CharField("参保地医保区划", max_length=6, blank=True)
    version = models.PositiveIntegerField("版本", default=1)
    source_id = models.BigIntegerField("来自交易", null=True)
    created_at = models.DateTimeField("起草时间", auto_now_add=True)
    updated_at = models.DateTimeField("保存时间", auto_now=True)

    objects: ClassVar[Any] = ScopedQuerySet["DebugDraft"].as_manager()

    class Meta:
        app_label = "exchange"
        verbose_name = verbose_name_plural = "接口调试草稿"
        indexes = [
            models.Index(fields=["institution", "person", "-updated_at"], name="debugdraft_mine"),
            models.Index(fields=["institution", "role", "-updated_at"], name="debugdraft_shared"),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.infno} 未命名草稿"


class DebugSend(models.Model):
    """One message that a person sent, or asked to send: what it says, and what carries it.

    A write goes as a submission, anything that only asks as a `task`; `call_id` is the message in the ledger. The
    ledger lets go of what is old, so its rows are named by number and may be gone.
    """

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, verbose_name="发送人", on_delete=models.PROTECT, related_name="+")
    draft = models.ForeignKey(DebugDraft, null=True, on_delete=models.SET_NULL, related_name="sends")
    infno = models.CharField("交易编号", max_length=5)
    effect = models.CharField("作用", max_length=12)
    label = models.CharField("名称", max_length=200, blank=True)
    message = EncryptedTextField("报文")
    digest = models.CharField("内容摘要", max_length=64)
    insuplc_admdvs = models.CharField("参保地医保区划", max_length=6, blank=True)
    state = models.CharField("状态", max_length=12, choices=SendState.choices, default=SendState.WAITING)
    words = models.CharField("说明", max_length=1000, blank=True)
    reason = models.CharField("原因", max_length=500, blank=True)
    submission_id = models.BigIntegerField("上传", null=True)
    task = models.ForeignKey(Task, null=True, on_delete=models.SET_NULL, related_name="+")
    call_id = models.BigIntegerField("交易", null=True)
    approval_id = models.BigIntegerField("审核编号", null=True)
    file = models.CharField("下载的文件", max_length=40, blank=True)
    created_at = models.DateTimeField("发送时间", auto_now_add=True)
    ended_at = models.DateTimeField("结束时间", null=True)

    objects: ClassVar[Any] = ScopedQuerySet["DebugSend"].as_manager()

    class Meta:
        app_label = "exchange"
        verbose_name = verbose_name_plural = "接口调试发送"
        indexes = [
            models.Index(fields=["institution", "person", "-id"], name="debugsend_mine"),
            models.Index(fields=["institution", "infno", "digest", "-id"], name="debugsend_same"),
        ]

    def __str__(self) -> str:
        return f"{self.infno} {self.label}".strip()
