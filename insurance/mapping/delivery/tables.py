"""The table of 对照上传."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from insurance.exchange.choices import OPEN_STATES, SubmissionState
from insurance.mapping.choices import ListType, Verdict
from insurance.mapping.delivery.queries import delivery_words, verdict_words
from portal.lists.columns import (
    Act,
    ActionsColumn,
    CodeColumn,
    DateColumn,
    SelectColumn,
    StateColumn,
    TextColumn,
    TimeColumn,
)
from portal.lists.tables import ListTable

NO_RIGHT = "您没有此操作的权限，请联系安全管理员授权"


class AdviceColumn(TextColumn):
    """The next step, with a link to where it is taken."""

    def words(self, value: Any, record: Any) -> str:
        """Return cause and step."""
        return str(record.advice) if record.advice else ""

    def render(self, value: Any, record: Any, table: Any) -> SafeString:
        """Return the step and its link."""
        advice = record.advice
        if advice is None:
            return format_html("{}", "")
        text = format_html('<span title="{}">{}</span>', str(advice), str(advice))
        # The column cuts long text, so the link stands first.
        return format_html('<a href="{}">{}</a> · {}', advice.url, advice.link, text) if advice.url else text


def upload_reason(record: Any) -> str:
    """Return why a relation (or its open ending) cannot be sent now, "" when it can."""
    if record.delivery in OPEN_STATES:
        return "已在上传队列中" if record.delivery != SubmissionState.UNKNOWN else "结果待查，查清前不会重发"
    if record.ending is not None or record.state == "approved":
        return ""
    return "" if record.verdict in (Verdict.FAILED, Verdict.RETURNED) else "平台已受理，无需重新上传"


def recall_reason(record: Any) -> str:
    """Return why an upload cannot be taken back now, "" when it can."""
    if record.delivery in (SubmissionState.QUEUED, SubmissionState.REFUSED):
        return ""
    return "已发出，不能撤回" if record.delivery in OPEN_STATES else "没有等待上传或上传失败的，无可撤回"


def upload_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield 重新上传 and 撤回, disabled ones with their reason."""
    may = table.may("mapping.submit")
    for label, name, reason in (
        ("重新上传" if record.delivery else "上传", "mapping:deliveries_upload", upload_reason(record)),
        ("撤回", "mapping:deliveries_recall", recall_reason(record)),
    ):
        yield Act(label, reverse(name), batch=True, reason=reason if may else NO_RIGHT)


class DeliveryTable(ListTable):
    """对照上传; rows with `attach_delivery`."""

    hidden_at_first = ("list_type", "begndate", "enddate", "told_at")

    chosen = SelectColumn()
    code = CodeColumn(accessor="item__fixmedins_hilist_id", verbose_name="院内编码", opens=True)
    name: TextColumn = TextColumn(
        accessor="item__fixmedins_hilist_name", verbose_name="院内名称", opens=True, width="w-m"
    )
    list_type = StateColumn(ListType, verbose_name="目录类别")
    med_list_codg = CodeColumn(verbose_name="医疗目录编码")
    begndate = DateColumn(verbose_name="开始")
    enddate = DateColumn(verbose_name="结束")
    delivery = StateColumn(SubmissionState, verbose_name="上传", orderable=False, extra=delivery_words)
    verdict = StateColumn(Verdict, verbose_name="局方审核", extra=verdict_words)
    advice = AdviceColumn(accessor="pk", verbose_name="下一步", orderable=False, width="w-xl")
    told_at = TimeColumn(verbose_name="平台受理")
    actions = ActionsColumn(upload_acts)
