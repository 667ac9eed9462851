"""Relations of hospital items to national codes, what ends them, what was suggested and said about them."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.urls import reverse

from insurance.mapping.choices import (
    STANDING,
    UNDECIDED,
    Certainty,
    EndingKind,
    EndingState,
    ListType,
    MappingState,
    Source,
    Verdict,
)
from insurance.mapping.models.items import HospitalItem
from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet

# Stands for an open end (mapping.md, Effective dates).
OPEN_END = dt.date(2099, 12, 31)


class Days(Func):
    """The days of a relation, both ends included."""

    function = "daterange"
    output_field: ClassVar[Any] = DateRangeField()


class Mapping(models.Model):
    """One relation: an item bears one national code from `begndate` to `enddate`, both included.

    History is never overwritten: another code is another row (`replaces`), the old one ends the day before. What the
    platform knows may lag behind: `told_at` says when it took the relation, `PlatformMapping` what it holds.
    `code_facts` are name, spec, maker … of the code as the person saw them, `reasons` why it was taken.
    """

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(HospitalItem, verbose_name="院内项目", on_delete=models.PROTECT, related_name="mappings")
    list_type = models.CharField("目录类别", max_length=3, choices=ListType.choices)
    med_list_codg = models.CharField("医疗目录编码")
    begndate = models.DateField("开始日期")
    enddate = models.DateField("结束日期", default=OPEN_END)
    state = models.CharField("状态", max_length=10, choices=MappingState.choices, default=MappingState.PROPOSED)
    source = models.CharField("来源", max_length=10, choices=Source.choices, default=Source.SEARCHED)
    score = models.DecimalField("相似度", max_digits=5, decimal_places=4, null=True, blank=True)
    certain = models.BooleanField("确定", default=False)
    reasons = models.JSONField("依据", default=list, blank=True)
    code_facts = models.JSONField("编码内容", default=dict, blank=True)
    memo = models.CharField("备注", max_length=500, blank=True)
    replaces = models.ForeignKey(
        "self", verbose_name="代替", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by"
    )
    switch = models.ForeignKey(
        "mapping.CodeSwitch", null=True, blank=True, on_delete=models.PROTECT, related_name="mappings"
    )
    proposed_by = models.ForeignKey(
        Person, verbose_name="对码人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    proposed_at = models.DateTimeField("对码时间", null=True)
    approved_by = models.ForeignKey(
        Person, verbose_name="审核人", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField("审核时间", null=True, blank=True)
    sampled = models.BooleanField("抽查过", default=False)
    words = models.CharField("退回原因", max_length=500, blank=True)
    told_at = models.DateTimeField("平台受理时间", null=True, blank=True)
    verdict = models.CharField("局方审核", max_length=10, choices=Verdict.choices, default=Verdict.NONE, blank=True)
    verdict_words = models.CharField("局方意见", max_length=500, blank=True)
    verdict_at = models.DateTimeField("局方审核时间", null=True, blank=True)
    ended_at = models.DateTimeField("终止时间", null=True, blank=True)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)
    changed_at = models.DateTimeField("修改时间", auto_now=True)
    # Not kept: what `delivery.checks` found of its code for this very reading of the row.
    code_fault: str | None = None

    objects: ClassVar[Any] = ScopedQuerySet["Mapping"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "目录对照"
        constraints = [
            ExclusionConstraint(
                name="mapping_periods_apart",
                expressions=[
                    ("item", RangeOperators.EQUAL),
                    (Days(F("begndate"), F("enddate"), Value("[]")), RangeOperators.OVERLAPS),
                ],
                condition=Q(state__in=[state.value for state in STANDING]),
            ),
            models.UniqueConstraint(
                fields=["item"],
                condition=Q(state__in=[state.value for state in UNDECIDED]),
                name="mapping_one_undecided",
            ),
            models.CheckConstraint(condition=Q(enddate__gte=F("begndate")), name="mapping_days_in_order"),
            models.CheckConstraint(
                condition=Q(approved_by=None) | Q(proposed_by=None) | ~Q(approved_by=F("proposed_by")),
                name="mapping_two_persons",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[state.value for state in STANDING])
                | Q(approved_by__isnull=False, proposed_by__isnull=False),
                name="mapping_stands_approved",
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "state", "id"], name="relation_by_state"),
            models.Index(fields=["institution", "med_list_codg"], name="relation_by_code"),
            models.Index(fields=["institution", "verdict", "id"], name="relation_by_verdict"),
        ]

    def __str__(self) -> str:
        return f"{self.item.fixmedins_hilist_id} → {self.med_list_codg}"

    def get_absolute_url(self) -> str:
        """Return the relation's own page."""
        return reverse("mapping:mapping", args=[self.pk])


class Ending(models.Model):
    """The wish to end a relation on `enddate` (3360) or to remove it altogether (3302); two persons, then delivery.

    Replacing a relation makes one by itself (`made_for`), approved with the new relation.
    """

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    mapping = models.ForeignKey(Mapping, verbose_name="目录对照", on_delete=models.PROTECT, related_name="endings")
    kind = models.CharField("方式", max_length=10, choices=EndingKind.choices)
    enddate = models.DateField("结束日期", null=True, blank=True)
    enddate_before = models.DateField("原结束日期", null=True, blank=True)
    reason = models.CharField("原因", max_length=300, blank=True)
    made_for = models.ForeignKey(Mapping, null=True, blank=True, on_delete=models.PROTECT, related_name="endings_made")
    # The platform does not hold the relation (以平台为准), so approval alone ends it and nothing is sent.
    quiet = models.BooleanField("不告知平台", default=False)
    state = models.CharField("状态", max_length=10, choices=EndingState.choices, default=EndingState.PROPOSED)
    proposed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField("提出时间", auto_now_add=True)
    approved_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField("审核时间", null=True, blank=True)
    words = models.CharField("退回原因", max_length=500, blank=True)

    objects: ClassVar[Any] = ScopedQuerySet["Ending"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "对照终止"
        constraints = [
            models.UniqueConstraint(
                fields=["mapping"], condition=Q(state__in=["proposed", "returned", "approved"]), name="ending_one_open"
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | Q(proposed_by=None) | ~Q(approved_by=F("proposed_by")),
                name="ending_two_persons",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "done"]) | Q(approved_by__isnull=False), name="ending_approved"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.mapping}"


class Comment(models.Model):
    """What a person said about an item's relation; comments are added, never changed."""

    item = models.ForeignKey(HospitalItem, on_delete=models.CASCADE, related_name="comments")
    mapping = models.ForeignKey(Mapping, null=True, blank=True, on_delete=models.SET_NULL, related_name="comments")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    text = models.CharField("内容", max_length=500)
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "备注"
        ordering: ClassVar[list[str]] = ["at"]

    def __str__(self) -> str:
        return f"{self.item} {self.at:%Y-%m-%d %H:%M}"


class Suggestion(models.Model):
    """What was suggested for one item, as of one catalogue version; made anew when either changes.

    `candidates`: best first, each {"code", "score" (0–1), "reasons": [{"what", "ours", "theirs", "agrees"}]}.
    `deciding`: what would tell several fitting codes apart (生产企业, 包装, 批准文号 …).
    """

    item = models.OneToOneField(HospitalItem, on_delete=models.CASCADE, related_name="suggestion")
    certainty = models.CharField("把握", max_length=10, choices=Certainty.choices, default=Certainty.NONE)
    score = models.DecimalField("相似度", max_digits=5, decimal_places=4, null=True)
    candidates = models.JSONField("推荐", default=list)
    deciding = models.JSONField("还需分辨", default=list)
    item_digest = models.CharField(max_length=64)
    catalogue_ver = models.CharField("目录版本", max_length=40, blank=True)
    made_at = models.DateTimeField("生成时间", auto_now=True)
    skipped_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    skipped_at = models.DateTimeField("搁置时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "推荐"
        indexes = [models.Index(fields=["certainty", "id"], name="suggestion_by_certainty")]

    def __str__(self) -> str:
        return f"{self.item}（{self.get_certainty_display()}）"
