"""What is kept about logging in: second factors, used passwords, logins, keys of forms, half-filled forms."""

from __future__ import annotations

from django.db import models

from portal.privacy.fields import EncryptedTextField


class SecondFactor(models.Model):
    """A person's TOTP secret (base32, encrypted). Without `confirmed_at` the phone has not shown a code yet.

    `last_step` is the latest 30 s step whose code was taken: it and all before it are used up.
    """

    person = models.OneToOneField("people.Person", on_delete=models.CASCADE, related_name="factor")
    secret = EncryptedTextField("密钥")
    made_at = models.DateTimeField("生成时间", auto_now_add=True)
    confirmed_at = models.DateTimeField("启用时间", null=True)
    last_step = models.BigIntegerField("最近使用的时段", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "动态验证码"

    def __str__(self) -> str:
        return "已启用" if self.confirmed_at else "未启用"


class RecoveryCode(models.Model):
    """One of ten codes for the day the phone is lost; only its keyed digest is kept, and it counts once."""

    person = models.ForeignKey("people.Person", on_delete=models.CASCADE, related_name="recovery_codes")
    code_digest = models.CharField("摘要", max_length=64)
    used_at = models.DateTimeField("使用时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "恢复码"
        constraints = [models.UniqueConstraint(fields=["person", "code_digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return "已使用" if self.used_at else "未使用"


class UsedPassword(models.Model):
    """A hash that was somebody's password, so that the last ones are not taken again."""

    person = models.ForeignKey("people.Person", on_delete=models.CASCADE, related_name="used_passwords")
    password = models.CharField("密码散列", max_length=128)
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "用过的密码"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}"


class LoginSession(models.Model):
    """One login of one person in one browser, from the password to its end.

    `seen` is the last act of the person (not of a page that asks by itself), written at most once a minute.
    `factor_at` is when the second factor was given in it.
    """

    person = models.ForeignKey("people.Person", on_delete=models.CASCADE, related_name="logins")
    institution = models.ForeignKey("people.Institution", null=True, on_delete=models.SET_NULL, related_name="+")
    ip = models.GenericIPAddressField("来源地址", null=True)
    browser = models.CharField("浏览器", max_length=100, blank=True)
    started = models.DateTimeField("登录时间", auto_now_add=True)
    seen = models.DateTimeField("最近操作")
    factor_at = models.DateTimeField("验证码时间", null=True)
    locked_at = models.DateTimeField("锁定时间", null=True)
    ended = models.DateTimeField("结束时间", null=True)
    why = models.CharField("结束原因", max_length=100, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "登录会话"
        indexes = [
            models.Index(fields=["person", "-id"], name="login_by_person"),
            models.Index(fields=["seen"], name="login_open", condition=models.Q(ended=None)),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.started:%Y-%m-%d %H:%M}"


class FormKey(models.Model):
    """Whose forms carry the token made from which secret: a keyed digest of the secret of one login and institution."""

    key = models.CharField(max_length=64, unique=True)
    login = models.ForeignKey(LoginSession, on_delete=models.CASCADE, related_name="form_keys")
    institution = models.ForeignKey("people.Institution", null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = verbose_name_plural = "表单钥匙"

    def __str__(self) -> str:
        return str(self.login)


class Draft(models.Model):
    """A form not sent yet: `content` is JSON [[name, value], …], encrypted. Only its person gets it back."""

    person = models.ForeignKey("people.Person", on_delete=models.CASCADE, related_name="drafts")
    institution = models.ForeignKey("people.Institution", null=True, on_delete=models.CASCADE, related_name="+")
    path = models.CharField("页面", max_length=300)
    content = EncryptedTextField("内容")
    saved_at = models.DateTimeField("保存时间")

    class Meta:
        verbose_name = verbose_name_plural = "未提交的表单"
        constraints = [
            models.UniqueConstraint(fields=["person", "institution", "path"], name="draft_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.path
