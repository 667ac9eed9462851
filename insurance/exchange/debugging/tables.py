"""Tables of 接口调试's lists."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from insurance.exchange.debugging.choices import SendState
from portal.lists.columns import CodeColumn, StateColumn, TextColumn, TimeColumn
from portal.lists.tables import ListTable


class SendTable(ListTable):
    """What the person sent by hand, newest first."""

    created_at = TimeColumn(verbose_name="时间", opens=True, order_by=("id",))
    infno = CodeColumn(verbose_name="交易", orderable=False)
    title = TextColumn(verbose_name="交易名称", orderable=False)
    label = TextColumn(verbose_name="草稿名称", orderable=False, width="w-m")
    state = StateColumn(SendState, verbose_name="状态", extra="words", attrs={"td": {"class": "cell-state state-wide"}})
    person = TextColumn(verbose_name="发送人", accessor="person__name", orderable=False, width="w-s")

    def row_url(self, record: Any) -> str:
        """Return the send's own page."""
        return reverse("exchange:debug_send", args=[record.pk])
