"""The table of 平台核对."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from insurance.mapping.choices import DifferenceKind, ListType, WorkState
from insurance.mapping.proof.queries import code_words, name_of, period_words, settled_words
from portal.lists.columns import Act, ActionsColumn, CodeColumn, SelectColumn, StateColumn, TextColumn, TimeColumn
from portal.lists.tables import ListTable

NO_RIGHT = "您没有此操作的权限，请联系安全管理员授权"
ADOPT, SEND, IGNORE = "mapping:proof_adopt", "mapping:proof_send", "mapping:proof_ignore"


class SideColumn(TextColumn):
    """Code or period of one side of a difference."""

    def __init__(self, side: str, part: str, *args: Any, **kwargs: Any) -> None:
        self.side, self.part = side, part
        super().__init__(*args, accessor="pk", orderable=False, **kwargs)

    def words(self, value: Any, record: Any) -> str:
        """Return it in one line."""
        told = record.details.get(self.side)
        return code_words(told) if self.part == "code" else period_words(told)


class ItemNameColumn(TextColumn):
    """The item's name, ours or the platform's."""

    def words(self, value: Any, record: Any) -> str:
        """Return it."""
        return name_of(record)


def settle_reason(record: Any) -> str:
    """Return why a difference cannot be settled any more, "" when it can."""
    if record.state in (WorkState.OPEN, WorkState.IGNORED):
        return ""
    return f"{record.get_state_display()}，不用再处理"


def lacks_item(record: Any) -> str:
    """Return why a difference needs an item of ours first, "" when it has one."""
    return "" if record.item_id else "本院没有这个项目，请先在「院内收费项目」新建"


def difference_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield the three ways to settle a difference."""
    may, done = table.may("mapping.decide"), settle_reason(record)
    for label, name, reason in (
        ("以平台为准", ADOPT, done or lacks_item(record)),
        ("以本院为准", SEND, done or lacks_item(record)),
        ("不处理", IGNORE, done or ("已标为不处理" if record.state == WorkState.IGNORED else "")),
    ):
        yield Act(label, reverse(name), batch=True, reason=reason if may else NO_RIGHT)


class DifferenceTable(ListTable):
    """平台核对."""

    hidden_at_first = ("list_type",)

    chosen = SelectColumn()
    fixmedins_hilist_id = CodeColumn(verbose_name="院内编码", opens=True)
    name: TextColumn = ItemNameColumn(accessor="pk", verbose_name="院内名称", opens=True, orderable=False, width="w-m")
    list_type = StateColumn(ListType, verbose_name="目录类别")
    kind = StateColumn(DifferenceKind, verbose_name="差异")
    our_code = SideColumn("ours", "code", verbose_name="本院编码")
    their_code = SideColumn("theirs", "code", verbose_name="平台编码")
    our_days = SideColumn("ours", "days", verbose_name="本院有效期")
    their_days = SideColumn("theirs", "days", verbose_name="平台有效期")
    state = StateColumn(WorkState, verbose_name="处理", extra=settled_words)
    found_at = TimeColumn(verbose_name="发现时间")
    actions = ActionsColumn(difference_acts)

    def row_url(self, record: Any) -> str:
        """Return the page that lays both sides beside each other."""
        return reverse("mapping:difference", args=[record.pk])
