"""Mappings with their time and their persons, values nobody has mapped, and what waits for them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.urls import reverse

from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet
from portal.privacy.masks import mask_name
from portal.values.choices import MappingState
from portal.values.registry import ValueSet, find_set

VALID = Func(F("begins"), F("until"), function="daterange")


class OfSet(models.Model):
    """A value of a set, as the hospital writes it. `key` is how spellings are compared (`keys.key_of`)."""

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    set_code = models.CharField("对照类别", max_length=40)
    source = models.CharField("院内值", max_length=200)
    key = models.CharField(max_length=200)
    source_label = models.CharField("院内名称", max_length=200, blank=True)

    class Meta:
        abstract = True

    @property
    def value_set(self) -> ValueSet | None:
        """The set, None when no installed room has it any more."""
        return find_set(self.set_code)

    @property
    def set_label(self) -> str:
        """The set's name."""
        return self.value_set.label if self.value_set else self.set_code

    @property
    def shown_label(self) -> str:
        """The source's label as a list shows it: names of persons are masked."""
        personal = self.value_set is not None and self.value_set.personal
        return mask_name(self.source_label) if personal else self.source_label


class ValueMapping(OfSet):
    """What a source value is called on the platform, from `begins` until the day before `until` (empty: open).

    draft → waiting → in_force → ended; a set without money goes from draft to in_force. The times of what is or was
    in force never overlap for one value, which the database guards.
    """

    target = models.CharField("平台值", max_length=100)
    target_label = models.CharField("平台名称", max_length=300, blank=True)
    begins = models.DateField("生效日期")
    until = models.DateField("失效日期", null=True, help_text="the first day on which it no longer counts")
    state = models.CharField("状态", max_length=10, choices=MappingState.choices, default=MappingState.DRAFT)
    note = models.CharField("说明", max_length=300, blank=True)
    words = models.CharField("退回原因", max_length=300, blank=True)
    owner = models.ForeignKey(Person, verbose_name="负责人", null=True, on_delete=models.PROTECT, related_name="+")
    proposed_by = models.ForeignKey(
        Person, verbose_name="提交人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        Person, verbose_name="审核人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField("审核时间", null=True)
    created_at = models.DateTimeField("建立时间", auto_now_add=True)

    objects: ClassVar[Any] = ScopedQuerySet["ValueMapping"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "值对照"
        indexes = [
            models.Index(fields=["institution", "set_code", "key"], name="mapping_by_value"),
            models.Index(fields=["institution", "state", "-id"], name="mapping_by_state"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("begins")), name="mapping_ends_after"),
            ExclusionConstraint(
                name="mapping_once_a_day",
                expressions=[
                    ("institution", RangeOperators.EQUAL),
                    ("set_code", RangeOperators.EQUAL),
                    ("key", RangeOperators.EQUAL),
                    (VALID, RangeOperators.OVERLAPS),
                ],
                condition=Q(state__in=[MappingState.IN_FORCE, MappingState.ENDED]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.set_label}：{self.source} → {self.target}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("values:mapping", args=[self.pk])

    @property
    def target_words(self) -> str:
        """Return code and label of the target."""
        return f"{self.target} {self.target_label}".strip()

    @property
    def last_day(self) -> date | None:
        """Return the last day on which it counts, None when it is open."""
        return self.until - timedelta(days=1) if self.until else None

    @property
    def state_more(self) -> str:
        """Return what the list says after the state: who proposed it, or why it came back."""
        if self.state == MappingState.WAITING and self.proposed_by:
            return f"{self.proposed_by} 提交"
        return f"退回：{self.words}" if self.state == MappingState.DRAFT and self.words else ""


class MissingValue(OfSet):
    """A source value that came and that nobody has mapped. `settled_at` is set when a mapping is put in force."""

    count = models.PositiveIntegerField("出现次数", default=0)
    first_seen = models.DateTimeField("首次出现", auto_now_add=True)
    last_seen = models.DateTimeField("最近出现")
    settled_at = models.DateTimeField("对上时间", null=True)

    objects: ClassVar[Any] = ScopedQuerySet["MissingValue"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "待对照的值"
        constraints = [models.UniqueConstraint(fields=["institution", "set_code", "key"], name="missing_value_once")]

    def __str__(self) -> str:
        return f"{self.set_label}：{self.source}"


class Waiting(models.Model):
    """One thing that waits for a value: `reference` is the waiter's own name for it. Released once."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    missing = models.ForeignKey(MissingValue, on_delete=models.CASCADE, related_name="waiting")
    waiter = models.CharField(max_length=40)
    reference = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)
    released_at = models.DateTimeField(null=True)
    words = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "等待对照的记录"
        constraints = [models.UniqueConstraint(fields=["missing", "waiter", "reference"], name="waiting_once")]
        indexes = [
            models.Index(fields=["waiter", "reference"], name="waiting_by_reference"),
            models.Index(fields=["institution", "missing"], name="waiting_open", condition=Q(released_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.waiter}:{self.reference}"
