"""The table of the hospital's items."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.urls import reverse

from insurance.mapping.choices import Certainty, MappingState
from insurance.mapping.items.acts import ACTS, refusal_of
from insurance.mapping.items.facts import label_of
from insurance.mapping.models import HospitalItem, Mapping
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
)
from portal.lists.states import States
from portal.lists.tables import ListTable


class ItemState(States):
    """Where an item stands with its code."""

    UNMAPPED = "unmapped", "yellow", "未对照"
    RETURNED = "returned", "red", "已退回"
    WAITING = "waiting", "yellow", "待审核"
    COMING = "coming", "azure", "待生效"
    MAPPED = "mapped", "green", "已对照"
    NO_CODE = "no_code", "secondary", "不需对照"
    STOPPED = "stopped", "dark", "已停用"


def state_of(item: Any) -> ItemState:
    """Return where a row of `with_relations` stands; a relation counts before a proposal that is to replace it."""
    if not item.in_use:
        return ItemState.STOPPED
    if item.no_code:
        return ItemState.NO_CODE
    if item.undecided == MappingState.RETURNED:
        return ItemState.RETURNED
    if item.undecided == MappingState.PROPOSED:
        return ItemState.WAITING
    return ItemState.MAPPED if item.relation else ItemState.UNMAPPED


def state_words(item: Any) -> str:
    """Return what stands after the state: what changed since, from when, why no code."""
    if item.changed:
        return f"对照后变更：{'、'.join(label_of(name) for name in item.changed)}"
    if not item.in_use:
        return f"{item.enddate} 止"
    if item.no_code:
        return str(item.no_code_reason)
    if item.undecided == MappingState.PROPOSED and item.relation:
        return "改对待审核"
    return f"{item.enddate} 停用" if item.enddate else ""


def code_name(relation: Mapping | None) -> str:
    """Return the name of the code as the person saw it when tying it."""
    return str(relation.code_facts.get("name", "")) if relation is not None else ""


class PriceColumn(NumberColumn):
    """A unit price: as many digits as it has, two at least."""

    kind = "money"

    def words(self, value: Any, record: Any) -> str:
        """Return 12.50 or 0.1234."""
        if not isinstance(value, Decimal):
            return str(value)
        places = max(2, -int(value.normalize().as_tuple().exponent))
        return f"{value:,.{places}f}"


class RelationCodeColumn(CodeColumn):
    """The national code in force."""

    def words(self, value: Any, record: Any) -> str:
        """Return the code."""
        return str(record.code.med_list_codg) if record.code else ""


class RelationNameColumn(TextColumn):
    """The name of the national code in force."""

    def words(self, value: Any, record: Any) -> str:
        """Return the name as it was when the relation was made."""
        return code_name(record.code)


class BestColumn(TextColumn):
    """What is suggested for an item that has no code."""

    def words(self, value: Any, record: Any) -> str:
        """Return how sure the best candidate is, with its code."""
        best = record.best
        if best is None or record.relation or not best.candidates:
            return ""
        return f"{Certainty(best.certainty).label} {best.candidates[0].get('code', '')}"


class ItemStateColumn(StateColumn):
    """The state, made of several columns."""

    def __init__(self) -> None:
        super().__init__(ItemState, verbose_name="状态", accessor="stand", orderable=False, extra=state_words)


class ListTypeColumn(TextColumn):
    """目录类别 by its word; files get code and word."""

    def words(self, value: Any, record: Any) -> str:
        """Return 西药中成药."""
        return str(record.get_list_type_display())


def item_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield what can be done with an item, disabled ones with their reason."""
    yield Act("对码", review_url(record), reason=_no_review(record))
    for act in ACTS:
        if not act.fits(record):
            continue
        url = reverse(act.url_name) if act.batch else reverse(act.url_name, args=[record.pk])
        yield Act(act.label, url, batch=act.batch, drawer=not act.batch, reason=refusal_of(table.actor, act, record))


def review_url(item: Any) -> str:
    """Return the review queue at this item."""
    return f"{reverse('mapping:review')}?item={item.pk}"


def _no_review(record: Any) -> str:
    if record.no_code:
        return "已标为不需对照"
    return "" if record.in_use else "已停用"


class ItemTable(ListTable):
    """院内收费项目; rows of `with_relations` with what `attach` adds."""

    chosen = SelectColumn()
    fixmedins_hilist_id = CodeColumn(verbose_name="编码", opens=True)
    fixmedins_hilist_name = TextColumn(verbose_name="名称", opens=True, width="w-l")
    spec = TextColumn(verbose_name="规格", width="w-s")
    dosform = TextColumn(verbose_name="剂型", width="w-s")
    pacspec = TextColumn(verbose_name="包装规格", width="w-s")
    prodentp_name = TextColumn(verbose_name="生产企业", width="w-s")
    aprvno = CodeColumn(verbose_name="批准文号")
    prcunt = TextColumn(verbose_name="计价单位")
    pric = PriceColumn(verbose_name="单价")
    revenue = MoneyColumn(verbose_name="收入")
    med_list_codg = RelationCodeColumn(verbose_name="医疗目录编码", accessor="pk", orderable=False)
    code_name = RelationNameColumn(verbose_name="目录名称", accessor="pk", orderable=False, width="w-s")
    stand = ItemStateColumn()
    list_type = ListTypeColumn(verbose_name="目录类别")
    best = BestColumn(verbose_name="推荐", accessor="pk", orderable=False, width="w-m")
    stock = NumberColumn(verbose_name="库存")
    inpatients = NumberColumn(verbose_name="在院使用人数")
    usage_as_of = DateColumn(verbose_name="用量截止")
    begndate = DateColumn(verbose_name="启用日期")
    enddate = DateColumn(verbose_name="停用日期")
    actions = ActionsColumn(item_acts)

    hidden_at_first = (
        "dosform", "pacspec", "prcunt", "list_type", "best", "stock", "inpatients", "usage_as_of", "begndate",
        "enddate",
    )  # fmt: skip

    class Meta(ListTable.Meta):
        model = HospitalItem
        fields = ()
