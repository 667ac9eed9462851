"""Tables and query forms of this room."""

from __future__ import annotations

from typing import Any

from portal.approvals.choices import ApprovalState
from portal.approvals.models import Approval
from portal.approvals.registry import kind_of, kinds
from portal.lists.columns import Act, ActionsColumn, ChoiceColumn, NumberColumn, StateColumn, TextColumn, TimeColumn
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter
from portal.lists.tables import ListTable


def word_of_kind(code: str) -> str:
    """Return a kind's word; one that this version no longer has shows its code."""
    try:
        return kind_of(code).label
    except LookupError:
        return code


class KindColumn(ChoiceColumn):
    """The word of a kind."""

    def words(self, value: Any, record: Any) -> str:
        """Return it."""
        return word_of_kind(str(value))


def acts_of_approval(approval: Any, table: Any) -> list[Act]:
    """Return what a row offers: to decide it, or to look at it."""
    return [Act("审核" if approval.for_me else "查看", approval.get_absolute_url(), drawer=True)]


class ApprovalTable(ListTable):
    """What was proposed."""

    label = TextColumn(verbose_name="内容", opens=True, width="w-l")
    kind = KindColumn(verbose_name="种类")
    state = StateColumn(ApprovalState, verbose_name="状态", extra="state_more")
    reason = TextColumn(verbose_name="申请原因", width="w-m", orderable=False)
    proposed_as = TextColumn(verbose_name="提出人")
    proposed_at = TimeColumn(verbose_name="提出时间", order_by=("id",))
    expires_at = TimeColumn(verbose_name="有效至")
    act = ActionsColumn(acts_of_approval)


class ApprovalFilter(ListFilter):
    """By words, kind, person, state and day."""

    words: Any = SearchFilter(fields=["label", "reason"], label="内容、原因")
    kind: Any = ChoiceFilter(label="种类", choices=lambda: [(kind.code, kind.label) for kind in kinds()])
    proposed_as: Any = SearchFilter(fields=["proposed_as", "decided_as"], label="提出人、审核人")
    state: Any = ChoiceFilter(label="状态", states=ApprovalState)
    proposed_at: Any = DayRangeFilter(label="提出日期", times=True)

    class Meta:
        """What it filters."""

        model = Approval
        fields: list[str] = []


class GrantTable(ListTable):
    """Leave to see many records in clear."""

    purpose = ChoiceColumn(verbose_name="用途")
    scope_words = TextColumn(verbose_name="列表", accessor="scope_words", opens=True, orderable=False, width="w-m")
    person = TextColumn(verbose_name="使用人", order_by=("person__name",))
    granted_by = TextColumn(verbose_name="批准人", order_by=("granted_by__name",))
    reason = TextColumn(verbose_name="原因", width="w-m", orderable=False)
    made_at = TimeColumn(verbose_name="批准时间")
    until = TimeColumn(verbose_name="有效至")
    phase = TextColumn(verbose_name="状态", orderable=False)
    use_count = NumberColumn(verbose_name="已用（次）")
    row_count = NumberColumn(verbose_name="导出行数")
    act = ActionsColumn(lambda grant, table: [Act("查看", table.row_url(grant), drawer=True)])

    def row_url(self, record: Any) -> str:
        """Return the grant's page."""
        from django.urls import reverse

        return reverse("approvals:clearing_one", args=[record.pk])
