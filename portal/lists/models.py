"""What must happen once however often a button is pressed, and how a person likes a list."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from portal.lists.choices import Density, Scope
from portal.people.models import Institution, Person
from portal.people.roles import ROLES
from portal.privacy.fields import EncryptedTextField


def new_key() -> str:
    """Return a key that nobody guesses."""
    return secrets.token_urlsafe(24)


class Intent(models.Model):
    """One shown confirmation: used at most once, and remembering what came of it.

    `payload` is what the panel promised (ids' digest, count), so that something else is never carried out.
    """

    key = models.CharField(max_length=40, unique=True, default=new_key)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=100)
    payload = models.JSONField(default=dict)
    made_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)
    message = models.CharField(max_length=500, blank=True)
    level = models.CharField(max_length=10, default="success")
    url = models.CharField(max_length=2000, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "待确认操作"
        indexes = [models.Index(fields=["person", "made_at"], name="intent_by_person")]

    def __str__(self) -> str:
        return self.purpose


class Layout(models.Model):
    """How rows are laid out: which columns in which order, how many a page, how dense. 0 and "" leave it to the page.

    `columns` names the table's columns in order, a hidden one with a minus before it; what it does not name stays
    where the table has it. `page` is the list page's dotted path.
    """

    page = models.CharField("页面", max_length=150)
    columns = models.JSONField("列", default=list)
    size = models.PositiveSmallIntegerField("每页", default=0)
    density = models.CharField("密度", max_length=6, blank=True, choices=Density.choices)

    class Meta:
        abstract = True


class ListLook(Layout):
    """How one person left one list."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = verbose_name_plural = "列表外观"
        constraints = [models.UniqueConstraint(fields=["person", "page"], name="list_look_once")]

    def __str__(self) -> str:
        return self.page


class SavedView(Layout):
    """A query with tab, sorting and layout under a name: of one person, or of everybody with a role in an institution.

    The query may name a patient, so it is encrypted.
    """

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(Person, verbose_name="建立人", on_delete=models.CASCADE, related_name="+")
    name = models.CharField("名称", max_length=30)
    scope = models.CharField("谁可用", max_length=4, choices=Scope.choices, default=Scope.MINE)
    role = models.CharField("角色", max_length=30, blank=True)
    query = EncryptedTextField("查询条件", blank=True)
    default = models.BooleanField("默认", default=False)
    made_at = models.DateTimeField("建立时间", auto_now_add=True)
    changed_at = models.DateTimeField("修改时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "视图"
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "page", "owner", "name"], condition=Q(scope="mine"), name="saved_view_mine_once"
            ),
            models.UniqueConstraint(
                fields=["institution", "page", "role", "name"], condition=Q(scope="role"), name="saved_view_role_once"
            ),
            models.UniqueConstraint(
                fields=["institution", "page", "owner"],
                condition=Q(scope="mine", default=True),
                name="saved_view_mine_default_once",
            ),
            models.UniqueConstraint(
                fields=["institution", "page", "role"],
                condition=Q(scope="role", default=True),
                name="saved_view_role_default_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def holder(self) -> str:
        """Whose it is: 我的, or the role's word."""
        if self.scope != Scope.ROLE:
            return "我的"
        return ROLES[self.role].label if self.role in ROLES else self.role


class BatchWork(models.Model):
    """A confirmed batch that is too large for one request: which records, how far, and which were left out and why.

    `page` is the BatchPage's dotted path, `kwargs` those of its address, `keys` the records' keys in the order of
    work, `form` the confirmed form as sent. `position` says how many keys are behind it; it moves in the same
    transaction as the work itself, so that a piece is never done twice.
    """

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    page = models.CharField(max_length=150)
    kwargs = models.JSONField(default=dict)
    keys = models.JSONField(default=list)
    form = EncryptedTextField(blank=True)
    back = models.CharField(max_length=2000, blank=True)
    position = models.PositiveIntegerField(default=0)
    taken = models.PositiveIntegerField(default=0)
    left_out = models.JSONField(default=list)
    made_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = verbose_name_plural = "批量处理"

    def __str__(self) -> str:
        return f"{self.page} × {len(self.keys)}"
