"""Tables of this corner's lists."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone

from insurance.mapping.choices import (
    FindingKind,
    LineKind,
    LineState,
    ListType,
    NightState,
    SwitchRelation,
    SwitchState,
    WorkState,
)
from insurance.mapping.models import CodeSwitch, Finding, NightRun, SwitchLine
from insurance.mapping.switching.night import broken_step
from portal.lists.columns import (
    Act,
    ActionsColumn,
    CodeColumn,
    DateColumn,
    MoneyColumn,
    NumberColumn,
    SelectColumn,
    StateColumn,
    TextColumn,
    TimeColumn,
)
from portal.lists.tables import ListTable

NO_RIGHT = "您没有此操作的权限，请联系安全管理员授权"


class SummaryColumn(NumberColumn):
    """A number of a switch's summary; `path` leads to it (`situations.choice`)."""

    def __init__(self, path: str, *args: Any, money: bool = False, **kwargs: Any) -> None:
        self.path, self.money = path, money
        super().__init__(*args, accessor="summary", orderable=False, **kwargs)

    def words(self, value: Any, record: Any) -> str:
        """Return the number as it is shown."""
        found = self.plain(value, record)
        return f"{found:,.2f}" if self.money else f"{found:,}"

    def plain(self, value: Any, record: Any) -> Any:
        """Return the number itself, 0 for what was never worked out."""
        for step in self.path.split("."):
            value = (value or {}).get(step)
        return Decimal(str(value or 0)) if self.money else int(value or 0)


class QuantityColumn(NumberColumn):
    """An amount of stock without trailing zeros."""

    def words(self, value: Any, record: Any) -> str:
        """Return 1,200 or 0.5."""
        return f"{value.normalize():,f}" if isinstance(value, Decimal) else super().words(value, record)


def days_left(switch: CodeSwitch) -> str:
    """Return how far a switch's day is, in words."""
    if switch.state in (SwitchState.DONE, SwitchState.CANCELLED):
        return ""
    days = (switch.day - timezone.localdate()).days
    return f"还有 {days} 天" if days > 0 else "今天" if days == 0 else f"已过 {-days} 天"


class SwitchTable(ListTable):
    """目录切换."""

    name: TextColumn = TextColumn(verbose_name="切换名称", opens=False, width="w-l")
    day = DateColumn(verbose_name="切换日期")
    state = StateColumn(SwitchState, verbose_name="状态", extra=days_left)
    items = SummaryColumn("items", verbose_name="涉及项目")
    waiting = SummaryColumn("progress.waiting", verbose_name="待准备")
    choice = SummaryColumn("situations.choice", verbose_name="需人选择")
    proposed = SummaryColumn("progress.proposed", verbose_name="待审核")
    approved = SummaryColumn("progress.approved", verbose_name="待切换")
    done = SummaryColumn("progress.done", verbose_name="已切换")
    revenue = SummaryColumn("revenue", verbose_name="涉及收入", money=True)
    inpatients = SummaryColumn("inpatients", verbose_name="在院使用人数")
    made_by = TextColumn(verbose_name="建立人")
    made_at = TimeColumn(verbose_name="建立时间")

    hidden_at_first = ("made_by", "made_at")

    def render_name(self, value: Any, record: Any) -> Any:
        """Lead to the switch's own page, which is a list and does not fit into the drawer."""
        from django.utils.html import format_html

        return format_html('<a href="{}" title="{}">{}</a>', record.get_absolute_url(), value, value)

    def value_name(self, value: Any) -> str:
        """Return the name for a spreadsheet."""
        return str(value)


def line_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield what can be done with one relation's change."""
    why = "" if table.may("mapping.edit") else NO_RIGHT
    if record.kind == LineKind.CHOICE:
        reason = why or ("" if record.state in (LineState.WAITING, LineState.RETURNED) else "已经选择并提交")
        yield Act("选择", record.get_absolute_url(), drawer=True, reason=reason)
    else:
        reason = why or unready(record)
        yield Act("准备", reverse("mapping:switch_prepare", args=[record.switch_id]), batch=True, reason=reason)
    yield Act("查看", record.get_absolute_url(), drawer=True)


def unready(line: SwitchLine) -> str:
    """Return in short why a line cannot be prepared, "" when it can; rights are asked apart."""
    if line.state not in (LineState.WAITING, LineState.RETURNED):
        return f"已是「{line.get_state_display()}」"
    if line.hindrance:
        return line.hindrance
    return "局方对照表没有列出这个编码" if line.kind == LineKind.UNLISTED else ""


class LineTable(ListTable):
    """One switch's relations."""

    chosen = SelectColumn()
    item_code = CodeColumn(verbose_name="院内编码", accessor="item__fixmedins_hilist_id", opens=True)
    item_name = TextColumn(verbose_name="院内项目", accessor="item__fixmedins_hilist_name", opens=True, width="w-m")
    old_code = CodeColumn(verbose_name="旧编码", accessor="mapping__med_list_codg")
    new_code = CodeColumn(verbose_name="新编码")
    kind = StateColumn(LineKind, verbose_name="情形", extra=lambda line: line.hindrance)
    state = StateColumn(LineState, verbose_name="进度", extra=lambda line: progress_words(line))
    warnings = TextColumn(verbose_name="提醒", orderable=False, width="w-m")
    revenue = MoneyColumn(verbose_name="收入", accessor="item__revenue")
    over = MoneyColumn(verbose_name="超限价")
    inpatients = NumberColumn(verbose_name="在院", accessor="item__inpatients")
    relation = StateColumn(SwitchRelation, verbose_name="对应关系")
    list_type = StateColumn(ListType, verbose_name="目录类别", accessor="item__list_type")
    new_name = TextColumn(verbose_name="新名称", width="w-m")
    stock = QuantityColumn(verbose_name="库存", accessor="item__stock")
    actions = ActionsColumn(line_acts)

    hidden_at_first = ("relation", "list_type", "new_name", "stock")

    def render_warnings(self, value: Any) -> Any:
        """Show the sentences in one line."""
        from django.utils.html import format_html

        words = "；".join(value)
        return format_html('<span class="is-wrong" title="{}">{}</span>', words, words) if words else ""

    def value_warnings(self, value: Any) -> str:
        """Return the sentences for a spreadsheet."""
        return "；".join(value)


def progress_words(line: SwitchLine) -> str:
    """Return why a change came back."""
    if line.state != LineState.RETURNED:
        return ""
    return line.proposal.words if line.proposal else line.ending.words if line.ending else ""


class RowTable(ListTable):
    """The bureau's table itself."""

    old_code = CodeColumn(verbose_name="旧编码")
    old_name = TextColumn(verbose_name="旧名称", width="w-m")
    new_code = CodeColumn(verbose_name="新编码")
    new_name = TextColumn(verbose_name="新名称", width="w-m")
    relation = StateColumn(SwitchRelation, verbose_name="对应关系（按全表计算）")
    stated = TextColumn(verbose_name="局方所列关系")
    list_type = StateColumn(ListType, verbose_name="目录类别")
    memo = TextColumn(verbose_name="备注", width="w-m")


def finding_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield the next steps of a finding."""
    yield Act("处理", record.get_absolute_url(), drawer=True)
    done = "" if record.state == WorkState.OPEN else f"已是「{record.get_state_display()}」"
    reason = done if table.may("mapping.decide") else NO_RIGHT
    yield Act("不处理", reverse("mapping:finding_ignore"), batch=True, reason=reason)


class FindingTable(ListTable):
    """目录变更影响."""

    chosen = SelectColumn()
    item_code = CodeColumn(verbose_name="院内编码", accessor="mapping__item__fixmedins_hilist_id", opens=True)
    item_name = TextColumn(
        verbose_name="院内项目", accessor="mapping__item__fixmedins_hilist_name", opens=True, width="w-m"
    )
    med_list_codg = CodeColumn(verbose_name="医保编码", accessor="mapping__med_list_codg")
    kind = StateColumn(FindingKind, verbose_name="影响")
    details = TextColumn(verbose_name="内容", orderable=False, width="w-l")
    due = DateColumn(verbose_name="期限")
    revenue = MoneyColumn(verbose_name="收入", accessor="mapping__item__revenue")
    stock = QuantityColumn(verbose_name="库存", accessor="mapping__item__stock")
    inpatients = NumberColumn(verbose_name="在院", accessor="mapping__item__inpatients")
    state = StateColumn(WorkState, verbose_name="处理", extra=lambda one: one.reason)
    found_at = TimeColumn(verbose_name="发现时间")
    list_type = StateColumn(ListType, verbose_name="目录类别", accessor="mapping__list_type")
    settled_by = TextColumn(verbose_name="处理人")
    actions = ActionsColumn(finding_acts)

    hidden_at_first = ("list_type", "settled_by", "found_at")

    def render_details(self, value: Any) -> Any:
        """Show the sentence."""
        from django.utils.html import format_html

        words = value.get("text", "")
        return format_html('<span title="{}">{}</span>', words, words)

    def value_details(self, value: Any) -> str:
        """Return the sentence for a spreadsheet."""
        return str(value.get("text", ""))

    def row_url(self, record: Finding) -> str:
        """Return the finding's page."""
        return record.get_absolute_url()


def night_words(night: NightRun) -> str:
    """Return at which step a night hangs."""
    found = broken_step(night)
    return "" if found is None else f"第 {found[0]} 步「{found[1]['label']}」{found[1]['words']}"


class NightTable(ListTable):
    """夜间更新."""

    day = DateColumn(verbose_name="日期", opens=True)
    state = StateColumn(NightState, verbose_name="结果")
    steps = TextColumn(verbose_name="停在", orderable=False, width="w-xl")
    attempts = NumberColumn(verbose_name="次数")
    started_at = TimeColumn(verbose_name="开始")
    ended_at = TimeColumn(verbose_name="结束")
    retry_at = TimeColumn(verbose_name="自动再试")

    def render_steps(self, record: NightRun) -> str:
        """Show at which step it hangs."""
        return night_words(record)

    def value_steps(self, record: NightRun) -> str:
        """Return the same for a spreadsheet."""
        return night_words(record)
