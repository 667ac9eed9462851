"""对照总览: how far each kind of items is mapped; each number is exactly the rows of the list that it leads to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Min
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from insurance.mapping.choices import FindingKind, ListType, MappingState, WorkState
from insurance.mapping.delivery.queries import (
    BAD,
    FOR_BUREAU,
    IDLE,
    QUEUED,
    REFUSED,
    UNKNOWN,
    relations_on_their_way,
)
from insurance.mapping.items.queries import with_relations
from insurance.mapping.models import Difference, Finding, HospitalItem, Mapping
from portal.people.models import Institution

ZERO = Decimal(0)


@dataclass(frozen=True)
class Column:
    """One column of the board: its word, the list behind it, and the query of that list besides the kind."""

    key: str
    label: str
    url_name: str
    query: tuple[tuple[str, str], ...] = ()
    colour: str = ""
    kind: str = "list_type"

    def url(self, list_type: str) -> str:
        """Return the list of one kind's rows ("" of all kinds)."""
        named = [*self.query, *([(self.kind, list_type)] if list_type else [])]
        try:
            return f"{reverse(self.url_name)}?{urlencode(named)}"
        except NoReverseMatch:
            return ""


COLUMNS = (
    Column("items", "项目", "mapping:items", (("tab", "all"),), kind="kind"),
    Column("mapped", "已对照", "mapping:items", (("tab", "mapped"),), "green", "kind"),
    Column("unmapped", "未对照", "mapping:items", (("tab", "unmapped"),), "yellow", "kind"),
    Column("approval", "待审核", "mapping:approvals", (), "yellow"),
    Column("idle", "未上传", "mapping:deliveries", (("tab", "idle"),), "yellow"),
    Column("queued", "待上传", "mapping:deliveries", (("tab", "queued"),), "azure"),
    Column("refused", "上传失败", "mapping:deliveries", (("tab", "refused"),), "red"),
    Column("unknown", "结果待查", "mapping:deliveries", (("tab", "unknown"),), "orange"),
    Column("bureau", "待局方", "mapping:deliveries", (("tab", "waiting"),), "yellow"),
    Column("failed", "局方不通过", "mapping:deliveries", (("tab", "failed"),), "red"),
    Column("broken", "编码失效", "mapping:findings", (("tab", FindingKind.BROKEN.value),), "red"),
    Column("different", "与平台不同", "mapping:proof", (("tab", "open"),), "orange"),
)


@dataclass(frozen=True)
class Cell:
    """One number with its list."""

    column: Column
    number: int
    url: str


@dataclass(frozen=True)
class BoardRow:
    """One kind, or all together (`list_type` ""). `days`: how long the oldest has waited for the bureau.

    `revenue` and `unmapped_revenue` in yuan, of items in use that need a code; `share` the latter's part in percent.
    """

    list_type: str
    label: str
    cells: Sequence[Cell]
    days: int | None
    revenue: Decimal
    unmapped_revenue: Decimal

    @property
    def share(self) -> Decimal | None:
        """Return the part of revenue that is not mapped, in percent with one decimal; None without revenue."""
        if not self.revenue:
            return None
        return (self.unmapped_revenue * 100 / self.revenue).quantize(Decimal("0.1"))

    def number(self, key: str) -> int:
        """Return one of its numbers."""
        return next(cell.number for cell in self.cells if cell.column.key == key)


def board_of(institution: Institution) -> list[BoardRow]:
    """Return a row for each kind that has items or relations, and one of all together; six queries."""
    counts: dict[str, dict[str, Any]] = {kind: {} for kind in ListType.values}
    for found in (_items(institution), _relations(institution), *_others(institution)):
        for row in found:
            if row["list_type"] in counts:
                counts[row["list_type"]].update(row)
    rows = [_row(kind, str(ListType(kind).label), values) for kind, values in counts.items() if _any(values)]
    return [*rows, _total(rows, counts.values())]


def board(institution: Institution) -> list[BoardRow]:
    """As `board_of`: the name under which other corners know it."""
    return board_of(institution)


def _any(values: dict[str, Any]) -> bool:
    return any(values.get(column.key) for column in COLUMNS)


def _items(institution: Institution) -> Iterable[dict[str, Any]]:
    """Count items by where they stand, as the tabs of 院内收费项目 do; in one pass, for the database would look up
    each item's relation once for every count.
    """
    items = with_relations(HospitalItem.objects.filter(institution=institution)).order_by()
    columns = ("list_type", "in_use", "no_code", "relation", "undecided", "revenue")
    found: dict[str, dict[str, Any]] = {}
    for kind, in_use, no_code, relation, undecided, revenue in items.values_list(*columns).iterator(chunk_size=5000):
        row = found.setdefault(
            kind, {"list_type": kind, "items": 0, "mapped": 0, "unmapped": 0, "revenue_sum": ZERO, "unmapped_sum": ZERO}
        )
        row["items"] += 1
        row["mapped"] += in_use and relation is not None
        if in_use and not no_code:
            row["revenue_sum"] += revenue
            row["unmapped_sum"] += revenue if relation is None else 0
            row["unmapped"] += relation is None and undecided != MappingState.PROPOSED
    return found.values()


def _relations(institution: Institution) -> Iterable[Any]:
    relations = relations_on_their_way(Mapping.objects.filter(institution=institution))
    return relations.values("list_type").order_by("list_type").annotate(
        idle=Count("pk", filter=IDLE),
        queued=Count("pk", filter=QUEUED),
        refused=Count("pk", filter=REFUSED),
        unknown=Count("pk", filter=UNKNOWN),
        bureau=Count("pk", filter=FOR_BUREAU),
        failed=Count("pk", filter=BAD),
        oldest=Min("told_at", filter=FOR_BUREAU),
    )  # fmt: skip


def _others(institution: Institution) -> Iterable[Iterable[Any]]:
    proposed = Mapping.objects.filter(institution=institution, state=MappingState.PROPOSED)
    yield proposed.values("list_type").order_by("list_type").annotate(approval=Count("pk"))
    broken = Finding.objects.filter(institution=institution, state=WorkState.OPEN, kind=FindingKind.BROKEN)
    for row in broken.values("mapping__list_type").order_by("mapping__list_type").annotate(broken=Count("pk")):
        yield [{"list_type": row["mapping__list_type"], "broken": row["broken"]}]
    differing = Difference.objects.filter(institution=institution, state=WorkState.OPEN)
    yield differing.values("list_type").order_by("list_type").annotate(different=Count("pk"))


def _row(kind: str, label: str, values: dict[str, Any]) -> BoardRow:
    cells = [Cell(column, values.get(column.key) or 0, column.url(kind)) for column in COLUMNS]
    return BoardRow(
        kind, label, cells, _days(values.get("oldest")), values.get("revenue_sum") or ZERO,
        values.get("unmapped_sum") or ZERO,
    )  # fmt: skip


def _total(rows: Sequence[BoardRow], counts: Iterable[dict[str, Any]]) -> BoardRow:
    cells = [Cell(column, sum(row.number(column.key) for row in rows), column.url("")) for column in COLUMNS]
    oldest = [values["oldest"] for values in counts if values.get("oldest")]
    return BoardRow(
        "", "合计", cells, _days(min(oldest, default=None)), sum((row.revenue for row in rows), ZERO),
        sum((row.unmapped_revenue for row in rows), ZERO),
    )  # fmt: skip


def _days(at: dt.datetime | None) -> int | None:
    return None if at is None else max(0, (timezone.localdate() - timezone.localtime(at).date()).days)
