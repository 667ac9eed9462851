"""Tables of 待审核 and 已对照."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from insurance.exchange.choices import SubmissionState
from insurance.mapping.choices import EndingKind, ListType, MappingState, Source, Verdict
from insurance.mapping.delivery.queries import delivery_words
from insurance.mapping.delivery.tables import AdviceColumn, upload_reason
from insurance.mapping.review.acts import ACTS, NO_RIGHT
from insurance.mapping.review.showing import AGREES, marks_of, until
from portal.lists.columns import (
    Act,
    ActionsColumn,
    CodeColumn,
    DateColumn,
    MoneyColumn,
    SelectColumn,
    StateColumn,
    TextColumn,
    TimeColumn,
)
from portal.lists.tables import ListTable


class EndColumn(DateColumn):
    """The last day; 长期 for the far date."""

    def words(self, value: Any, record: Any) -> str:
        """Return 长期 or the day."""
        return until(value)


class CodeNameColumn(TextColumn):
    """The code's name as it was seen when it was taken."""

    def words(self, value: Any, record: Any) -> str:
        """Return the name."""
        mapping = getattr(record, "mapping", record)
        return str(mapping.code_facts.get("name", ""))


SIGN = '<span class="mark mark-{}" title="本院 {}，编码 {}，{}"><span class="mark-sign">{}</span>{}</span>'
SAME = '<span class="mark mark-agrees" title="{}"><span class="mark-sign">✓</span>{} 项相符</span>'


class MarksColumn(TextColumn):
    """What differs or cannot be told between item and code; agreeing fields are only counted."""

    def words(self, value: Any, record: Any) -> str:
        """Return the fields in one line."""
        marks = marks_of(record.reasons)
        rest = [one for one in marks if one.how != AGREES]
        told = [f"{one.sign}{one.what}：本院 {one.ours or '空'}，编码 {one.theirs or '空'}" for one in rest]
        same = [f"✓{len(marks) - len(rest)} 项相符"] if len(marks) > len(rest) else []
        return "；".join([*told, *same]) or "没有依据"

    def render(self, value: Any, record: Any, table: Any) -> SafeString:
        """Return the fields with their signs."""
        marks = marks_of(record.reasons)
        same = [one.what for one in marks if one.how == AGREES]
        rest = [one for one in marks if one.how != AGREES]
        told = [
            format_html(SIGN, one.how, one.ours or "（未填）", one.theirs or "（未填）", one.word, one.sign, one.what)
            for one in rest
        ]
        told += [format_html(SAME, "、".join(same), len(same))] if same else []
        return format_html_join(" ", "{}", ((one,) for one in told)) if told else mark_safe("没有依据")


def sure_words(record: Any) -> str:
    """Return how sure the proposal was and where it came from."""
    score = f"，{record.score * 100:.0f} %" if record.score is not None else ""
    return f"{'确定' if record.certain else '非确定'}（{Source(record.source).label}{score}）"


class SureColumn(TextColumn):
    """Whether the suggestion was certain, and where it came from."""

    def words(self, value: Any, record: Any) -> str:
        """Return 确定（系统推荐，98 %）."""
        return sure_words(record)


class WhatColumn(TextColumn):
    """A new relation, or which one it replaces."""

    def words(self, value: Any, record: Any) -> str:
        """Return 新对照 or the code that is replaced."""
        return f"更换 {record.replaces.med_list_codg}" if record.replaces_id else "新对照"


def approval_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield 通过 and 退回; of one's own disabled, with the reason."""
    for label, name in (("通过", "mapping:approvals_approve"), ("退回", "mapping:approvals_return")):
        yield Act(label, reverse(name), batch=True, reason=record.barred)


class ApprovalTable(ListTable):
    """待审核."""

    chosen = SelectColumn()
    code = CodeColumn(accessor="item__fixmedins_hilist_id", verbose_name="院内编码", opens=True)
    name: TextColumn = TextColumn(
        accessor="item__fixmedins_hilist_name", verbose_name="院内名称", opens=True, width="w-m"
    )
    spec = TextColumn(accessor="item__spec", verbose_name="规格", width="w-s")
    maker = TextColumn(accessor="item__prodentp_name", verbose_name="生产企业", width="w-s")
    revenue = MoneyColumn(accessor="item__revenue", verbose_name="收入")
    med_list_codg = CodeColumn(verbose_name="医疗目录编码")
    code_name = CodeNameColumn(accessor="pk", verbose_name="编码名称", orderable=False, width="w-m")
    marks = MarksColumn(accessor="pk", verbose_name="异同", orderable=False, width="w-l")
    sure = SureColumn(accessor="certain", verbose_name="把握")
    what = WhatColumn(accessor="pk", verbose_name="类型", orderable=False)
    list_type = StateColumn(ListType, verbose_name="目录类别")
    begndate = DateColumn(verbose_name="开始")
    enddate = EndColumn(verbose_name="结束")
    memo = TextColumn(verbose_name="备注", width="w-s")
    proposed_by = TextColumn(verbose_name="对码人")
    proposed_at = TimeColumn(verbose_name="对码时间")
    actions = ActionsColumn(approval_acts)
    hidden_at_first = ("spec", "maker", "list_type", "begndate", "enddate", "memo")


def ending_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield 通过 and 退回; of one's own disabled, with the reason, and 撤回 instead."""
    for label, name in (("通过", "mapping:endings_approve"), ("退回", "mapping:endings_return")):
        yield Act(label, reverse(name), batch=True, reason=record.barred)
    if record.mine:
        yield Act("撤回", reverse("mapping:endings_cancel"), batch=True)


class EndingTable(ListTable):
    """待审核 of endings."""

    chosen = SelectColumn()
    kind = StateColumn(EndingKind, verbose_name="方式")
    code = CodeColumn(accessor="mapping__item__fixmedins_hilist_id", verbose_name="院内编码", opens=True)
    name: TextColumn = TextColumn(
        accessor="mapping__item__fixmedins_hilist_name", verbose_name="院内名称", opens=True, width="w-m"
    )
    med_list_codg = CodeColumn(accessor="mapping__med_list_codg", verbose_name="医疗目录编码")
    code_name = CodeNameColumn(accessor="pk", verbose_name="编码名称", orderable=False, width="w-m")
    begndate = DateColumn(accessor="mapping__begndate", verbose_name="开始")
    enddate = EndColumn(verbose_name="最后有效日")
    reason = TextColumn(verbose_name="原因", width="w-l")
    proposed_by = TextColumn(verbose_name="提出人")
    proposed_at = TimeColumn(verbose_name="提出时间")
    actions = ActionsColumn(ending_acts)

    def row_url(self, record: Any) -> str:
        """Return the relation's page."""
        return str(record.mapping.get_absolute_url())


def relation_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield what can be done with a relation, disabled ones with their reason."""
    for act in ACTS:
        if not act.fits(record):
            continue
        reason = act.reason(record) if act.may(table, record) else NO_RIGHT
        url = f"{reverse('mapping:review')}?item={record.item_id}" if act.key == "change" else reverse(act.url_name)
        yield Act(act.label, url, batch=act.key != "change", reason=reason)
    if record.state in (MappingState.APPROVED, MappingState.IN_FORCE):
        reason = upload_reason(record) if table.may("mapping.submit") else NO_RIGHT
        yield Act("重新上传", reverse("mapping:mappings_upload"), batch=True, reason=reason)


class RelationTable(ListTable):
    """已对照; rows with `attach_delivery`."""

    chosen = SelectColumn()
    code = CodeColumn(accessor="item__fixmedins_hilist_id", verbose_name="院内编码", opens=True)
    name: TextColumn = TextColumn(
        accessor="item__fixmedins_hilist_name", verbose_name="院内名称", opens=True, width="w-m"
    )
    list_type = StateColumn(ListType, verbose_name="目录类别")
    med_list_codg = CodeColumn(verbose_name="医疗目录编码")
    code_name = CodeNameColumn(accessor="pk", verbose_name="编码名称", orderable=False, width="w-m")
    begndate = DateColumn(verbose_name="开始")
    enddate = EndColumn(verbose_name="结束")
    state = StateColumn(MappingState, verbose_name="状态", extra=lambda record: state_words(record))
    delivery = StateColumn(SubmissionState, verbose_name="上传", orderable=False, extra=delivery_words)
    verdict = StateColumn(Verdict, verbose_name="局方审核")
    advice = AdviceColumn(accessor="pk", verbose_name="下一步", orderable=False, width="w-m")
    proposed_by = TextColumn(verbose_name="对码人")
    approved_by = TextColumn(verbose_name="审核人")
    approved_at = TimeColumn(verbose_name="审核时间")
    actions = ActionsColumn(relation_acts)
    hidden_at_first = ("list_type", "approved_at", "advice", "proposed_by")


def state_words(record: Any) -> str:
    """Return what stands after a relation's state."""
    if getattr(record, "ending_waits", False):
        return "有终止或撤销待审核"
    return str(record.words) if record.state in (MappingState.RETURNED, MappingState.CANCELLED) else ""
