"""The hospital's side of everything said to the platform (design 3)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from insurance.exchange.choices import (
    OPEN_STATES,
    CallState,
    DeliveryClass,
    Environment,
    SignIn,
    SubmissionState,
)
from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet
from portal.privacy.fields import EncryptedTextField

# Calls whose answer came and could not be written into the records yet.
STUCK = Q(applied_at=None, state__in=["accepted", "refused"], apply_attempts__gt=0)

# What a person must see to; every arm is one that the lists ask by, so that one partial index serves them all.
TO_DO = (
    Q(state="refused", superseded=False)
    | Q(state="unknown", needs_person=True)
    | Q(state="queued", ready=False)
    | Q(contradicted=True)
)

# How recovery and a person's word begin what they write when the platform has nothing.
ABSENT_WORDS = "已核实：平台无"


class Connection(models.Model):
    """How one institution reaches the platform. The first one is made from the environment (design 9)."""

    institution = models.OneToOneField(
        Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="connection"
    )
    environment = models.CharField("环境", max_length=10, choices=Environment.choices)
    base_url = models.CharField("平台地址", max_length=300)
    overrides = models.JSONField("个别交易的地址", default=dict, blank=True)
    account = models.CharField("应用账户编码", max_length=100)
    secret = EncryptedTextField("应用密钥")
    resolve = models.CharField("地址绑定", max_length=100, blank=True)
    proxy = models.CharField("代理", max_length=300, blank=True)
    edition = models.CharField("规范版本", max_length=50, default="base")
    infver = models.CharField("接口版本号", max_length=6)
    recer_sys_code = models.CharField("接收方系统代码", max_length=10)
    opter = models.CharField("无人值守经办人编号", max_length=30)
    opter_name = models.CharField("无人值守经办人姓名", max_length=50)
    mac = models.CharField("MAC 地址", max_length=20, blank=True)
    ip = models.CharField("IP 地址", max_length=45, blank=True)
    sign_in = models.CharField("签到", max_length=10, choices=SignIn.choices, default=SignIn.REQUIRED)
    file_bytes = models.CharField("9101 字节写法", max_length=10, default="signed")
    catalogue_code = models.CharField("目录下载 9102 机构编号", max_length=30, default="plc")
    answers_as_sandbox = models.BooleanField("对方是沙箱", default=False)
    paused = models.BooleanField("暂停上传", default=False)
    paused_reason = models.CharField("暂停原因", max_length=200, blank=True)
    follows_environment = models.BooleanField("随环境设置", default=False)
    failures = models.PositiveIntegerField("连续失败", default=0)
    broken_until = models.DateTimeField("熔断至", null=True, blank=True)
    broken_words = models.CharField("熔断原因", max_length=300, blank=True)
    shut_out = models.PositiveIntegerField("连续被网关拒绝", default=0)
    shut_out_infnos = models.JSONField("被网关拒绝的交易", default=list, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "平台连接"

    def __str__(self) -> str:
        return f"{self.institution}（{self.environment}）"


class Session(models.Model):
    """The sign-in (9001) of one operator on one day; its sign_no goes into the envelope."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="sessions")
    opter = models.CharField("经办人", max_length=30)
    day = models.DateField("日期")
    sign_no = models.CharField("签到编号", max_length=30)
    ended_at = models.DateTimeField("签退时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "签到"
        constraints = [models.UniqueConstraint(fields=["connection", "opter", "day"], name="session_once")]

    def __str__(self) -> str:
        return f"{self.opter} {self.day}"


class Submission(models.Model):
    """One intention to tell the platform something about one record."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="submissions")
    purpose = models.CharField("用途", max_length=60)
    subject_type = models.CharField("对象类型", max_length=60)
    subject_id = models.CharField("对象编号", max_length=64)
    label = models.CharField("对象", max_length=200, blank=True)
    thread = models.CharField("次序", max_length=120)
    position = models.BigIntegerField("位置", default=0)
    delivery = models.CharField("队列", max_length=12, choices=DeliveryClass.choices, default=DeliveryClass.INTERACTIVE)
    priority = models.PositiveSmallIntegerField("优先", default=30)
    digest = models.CharField("内容摘要", max_length=64)
    payload = EncryptedTextField("报文内容", blank=True)
    insuplc_admdvs = models.CharField("参保地医保区划", max_length=6, blank=True)
    opter = models.CharField("经办人", max_length=30, blank=True)
    opter_name = models.CharField("经办人姓名", max_length=50, blank=True)
    requested_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField("状态", max_length=10, choices=SubmissionState.choices, default=SubmissionState.QUEUED)
    ready = models.BooleanField("轮到", default=True)
    alone = models.BooleanField("单独发送", default=False)
    not_before = models.DateTimeField("不早于", null=True, blank=True)
    attempts = models.PositiveIntegerField("未发出次数", default=0)
    looks = models.PositiveIntegerField("查证次数", default=0)
    step = models.PositiveSmallIntegerField("查证步骤", default=0)
    words = models.CharField("平台返回", max_length=1000, blank=True)
    settled = models.CharField("核实结果", max_length=300, blank=True)
    whole = models.BooleanField("整批被拒", default=False)
    needs_person = models.BooleanField("待人工", default=False)
    last_call = models.ForeignKey("Call", null=True, on_delete=models.PROTECT, related_name="+")
    refmsgid = models.CharField("接收方报文ID", max_length=60, blank=True)
    superseded = models.BooleanField("已由后来的代替", default=False)
    contradicted = models.BooleanField("迟到的答复不符", default=False)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)
    state_at = models.DateTimeField("状态时间", auto_now_add=True)

    objects: ClassVar[Any] = ScopedQuerySet["Submission"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "上传"
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "purpose"],
                condition=Q(state__in=[state.value for state in OPEN_STATES]),
                name="submission_open_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["connection", "delivery", "priority", "position"],
                name="submission_due",
                condition=Q(state="queued", ready=True),
            ),
            models.Index(
                fields=["connection", "state", "not_before"],
                name="submission_unsettled",
                condition=Q(state__in=["unknown", "sending"]),
            ),
            models.Index(fields=["connection", "thread", "position"], name="submission_thread"),
            models.Index(fields=["subject_type", "subject_id", "-id"], name="submission_subject"),
            models.Index(fields=["institution", "state", "-id"], name="submission_state"),
            models.Index(fields=["institution", "-id"], name="submission_to_do", condition=TO_DO),
            models.Index(fields=["institution", "purpose", "-id"], name="submission_purpose"),
            models.Index(fields=["institution", "created_at", "-id"], name="submission_time"),
            models.Index(fields=["refmsgid"], name="submission_refmsgid", condition=~Q(refmsgid="")),
        ]

    def __str__(self) -> str:
        return self.label or self.purpose

    @cached_property
    def subject(self) -> Any:
        """The record that is spoken of, or None; delivery fetches those of a whole wave at once."""
        if "." not in self.subject_type:
            return None
        return apps.get_model(self.subject_type)._default_manager.filter(pk=self.subject_id).first()

    @property
    def settled_words(self) -> str:
        """How an unknown outcome was settled; beside 上传成功 never that the platform has nothing."""
        absent = self.settled.startswith(ABSENT_WORDS) and self.state == SubmissionState.ACCEPTED
        return "先前一次没有送达（已核实：平台无），重新上传后成功" if absent else self.settled


class Call(models.Model):
    """One message, outbound: the mutable head. Its bodies and events are append-only."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="calls")
    infno = models.CharField("交易编号", max_length=5)
    purpose = models.CharField("用途", max_length=60, blank=True)
    effect = models.CharField("作用", max_length=12)
    state = models.CharField("状态", max_length=12, choices=CallState.choices, default=CallState.PREPARED)
    msgid = models.CharField("发送方报文ID", max_length=30, unique=True)
    inf_refmsgid = models.CharField("接收方报文ID", max_length=60, blank=True)
    opter = models.CharField("经办人", max_length=30)
    opter_name = models.CharField("经办人姓名", max_length=50)
    insuplc_admdvs = models.CharField("参保地", max_length=6, blank=True)
    psn_no = models.CharField("人员编号", max_length=30, blank=True)
    mdtrt_id = models.CharField("就诊ID", max_length=30, blank=True)
    setl_id = models.CharField("结算ID", max_length=30, blank=True)
    digest = models.CharField("内容摘要", max_length=64)
    row_count = models.PositiveIntegerField("行数", default=0)
    infcode = models.CharField("交易状态码", max_length=20, blank=True)
    words = models.CharField("平台返回", max_length=1000, blank=True)
    http_status = models.PositiveSmallIntegerField("HTTP 状态", null=True)
    requested_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField("发起", max_length=50, blank=True)
    prepared_at = models.DateTimeField("准备", auto_now_add=True)
    sent_at = models.DateTimeField("发出", null=True)
    answered_at = models.DateTimeField("答复", null=True)
    applied_at = models.DateTimeField("入账", null=True)
    lease_until = models.DateTimeField("租约至", null=True)
    apply_attempts = models.PositiveSmallIntegerField("入账次数", default=0)
    apply_not_before = models.DateTimeField("入账不早于", null=True)
    apply_error = models.CharField("入账错误", max_length=500, blank=True)

    objects: ClassVar[Any] = ScopedQuerySet["Call"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "交易记录"
        indexes = [
            models.Index(fields=["institution", "-id"], name="call_by_institution"),
            models.Index(fields=["institution", "infno", "-id"], name="call_by_infno"),
            models.Index(fields=["institution", "state", "-id"], name="call_by_state"),
            models.Index(fields=["institution", "prepared_at", "-id"], name="call_by_time"),
            models.Index(fields=["institution", "opter", "-id"], name="call_by_opter"),
            models.Index(fields=["institution", "actor_name", "-id"], name="call_by_actor"),
            models.Index(fields=["institution", "psn_no", "-id"], name="call_of_person", condition=~Q(psn_no="")),
            models.Index(fields=["institution", "mdtrt_id", "-id"], name="call_of_visit", condition=~Q(mdtrt_id="")),
            models.Index(fields=["institution", "setl_id", "-id"], name="call_of_settlement", condition=~Q(setl_id="")),
            models.Index(
                fields=["institution", "inf_refmsgid", "-id"], name="call_of_refmsgid", condition=~Q(inf_refmsgid="")
            ),
            models.Index(
                fields=["institution", "infno", "state", "-id"],
                name="call_troubled",
                condition=Q(state__in=["refused", "unknown", "undelivered"]),
            ),
            models.Index(
                fields=["state", "lease_until"], name="call_leased", condition=Q(state__in=["prepared", "sent"])
            ),
            models.Index(
                fields=["apply_not_before"],
                name="call_unapplied",
                condition=Q(applied_at=None, state__in=["accepted", "refused"]),
            ),
            models.Index(fields=["connection", "digest"], name="call_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.infno} {self.msgid}"


class CallRow(models.Model):
    """One submission in one call, and what became of it there."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="rows")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="rows")
    place = models.PositiveIntegerField("行号", default=0)
    accepted = models.BooleanField(null=True)
    words = models.CharField(max_length=1000, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "交易明细"
        constraints = [models.UniqueConstraint(fields=["call", "submission"], name="callrow_once")]

    def __str__(self) -> str:
        return f"{self.call_id}/{self.place}"


class CallEvent(models.Model):
    """One step of a call, append-only: a trigger refuses changes."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=20)
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "交易事件"

    def __str__(self) -> str:
        return self.kind


class DataKey(models.Model):
    """The key that a month's bodies are encrypted with, itself encrypted by FIELD_KEYS; rotation rewraps only this."""

    month = models.DateField(unique=True)
    wrapped = models.BinaryField()

    class Meta:
        verbose_name = verbose_name_plural = "月度密钥"

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class CallBody(models.Model):
    """The bytes of a request or an answer, encrypted by the month's key; append-only."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="bodies")
    part = models.CharField(max_length=10)
    month = models.DateField()
    at = models.DateTimeField(auto_now_add=True)
    sealed = models.BinaryField()
    digest = models.CharField(max_length=64)
    size = models.PositiveIntegerField()

    class Meta:
        verbose_name = verbose_name_plural = "报文"

    def __str__(self) -> str:
        return f"{self.call_id} {self.part}"


class Drain(models.Model):
    """The lease of the one process that delivers for a connection and class; `fence` grows with each holder."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="drains")
    delivery = models.CharField(max_length=12, choices=DeliveryClass.choices)
    holder = models.CharField(max_length=100, blank=True)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = verbose_name_plural = "投递"
        constraints = [models.UniqueConstraint(fields=["connection", "delivery"], name="drain_once")]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.delivery}"


# Kept beside, for the length of this file; Django finds a room's models here.
from insurance.exchange.debugging.models import DebugDraft, DebugSend  # noqa: E402
from insurance.exchange.keeping import CallDay, PruneOrder, PruneRun, RetentionRule  # noqa: E402

__all__ = [
    "ABSENT_WORDS", "TO_DO", "Call", "CallBody", "CallDay", "CallEvent", "CallRow", "Connection", "DataKey",
    "DebugDraft", "DebugSend", "Drain", "PruneOrder", "PruneRun", "RetentionRule", "Session", "Submission",
]  # fmt: skip
