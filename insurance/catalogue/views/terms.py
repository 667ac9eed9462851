"""医保目录与限价: what the insured area lists (1312), its ceilings (1318) and first own shares (1319)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from insurance.catalogue.filters import TermFilter
from insurance.catalogue.models import AreaItem, AreaRelation, Ceiling, Item, OwnShare
from insurance.catalogue.overview import areas_kept
from insurance.catalogue.paying import prices_of, shares_of, word
from insurance.catalogue.tables import TermTable
from insurance.catalogue.terms import FIRST_SHARE
from insurance.exchange.pages.links import link_in
from portal.lists.parts import Empty, Link, Tab
from portal.lists.views import ListPage
from portal.people.guard import ActorRequest, needs

VIEW, EXPORT = "catalogue.view", "catalogue.export"
MOST_LINKED = 50


def valid_on(day: dt.date) -> Q:
    """Return the condition of a row of an area that holds on a day."""
    begun = Q(begndate=None) | Q(begndate__lte=day)
    return Q(vali_flag="1") & begun & (Q(enddate=None) | Q(enddate__gte=day))


class TermList(ListPage):
    """Every entry of the area's list."""

    action = VIEW
    title = "医保目录与限价"
    purpose = "参保地的医保目录（1312），连同限价（1318）和先自付比例（1319）；不在其中的编码不支付。"
    table_class = TermTable
    filter_class = TermFilter
    tabs = (
        Tab("all", "全部"),
        Tab("a", "甲类", Q(chrgitm_lv="01")),
        Tab("b", "乙类", Q(chrgitm_lv="02")),
        Tab("c", "丙类", Q(chrgitm_lv="03")),
        Tab("limited", "限制使用", Q(lmt_used_flag="1")),
    )
    tools = (Link("更新记录", "catalogue:loads"),)
    empty = Empty("还没有下载过参保地的医保目录（1312）。", Link("去更新目录", "catalogue:loads", VIEW))
    order = ("insu_admdvs", "hilist_code")
    export_action = EXPORT

    def rows(self) -> QuerySet[Any]:
        """Return the entries of the areas that are kept."""
        return AreaItem.objects.filter(insu_admdvs__in=areas_kept(self.request.actor.institution)).defer("raw")

    def decorate(self, records: list[Any]) -> None:
        """Join ceilings and own shares that hold today, and the words of codes: two queries for all rows."""
        today = timezone.localdate()
        codes = [row.hilist_code for row in records]
        ceilings = _by_code(Ceiling.objects.filter(valid_on(today), hilist_code__in=codes).defer("raw"))
        shares = _by_code(
            OwnShare.objects.filter(
                valid_on(today), hilist_code__in=codes, selfpay_prop_type__in=(FIRST_SHARE, "")
            ).defer("raw")
        )
        for row in records:
            key = (row.insu_admdvs, row.hilist_code)
            row.level = word("chrgitm_lv", row.chrgitm_lv)
            row.kind = word("list_type", row.list_type)
            row.fee = word("med_chrgitm_type", row.med_chrgitm_type)
            prices = prices_of(ceilings.get(key, []), today)
            row.ceilings = "，".join(f"{price.level} {price.words}" for price in prices)
            row.shares = "，".join(f"{share.person} {share.words}" for share in shares_of(shares.get(key, []), today))
            row.marks = "、".join(_marks(row))


def _by_code(rows: QuerySet[Any]) -> dict[tuple[str, str], list[Any]]:
    found: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        found.setdefault((row.insu_admdvs, row.hilist_code), []).append(row)
    return found


def _marks(row: AreaItem) -> list[str]:
    limited = ["限制使用"] if row.lmt_used_flag == "1" else []
    return limited + (["生育可用"] if row.matn_used_flag == "1" else [])


@require_GET
@needs(VIEW)
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One entry of the area's list with its ceilings, own shares and the national codes tied to it. Unknown → 404."""
    entry = get_object_or_404(AreaItem, pk=pk)
    today = timezone.localdate()
    same = {"hilist_code": entry.hilist_code, "insu_admdvs": entry.insu_admdvs}
    links = list(AreaRelation.objects.filter(**same).order_by("med_list_codg", "-begndate")[: MOST_LINKED + 1])
    items = {
        item.code: item
        for item in Item.objects.filter(code__in=[link.med_list_codg for link in links], current=True).defer("cells")
    }
    context = {
        "entry": entry,
        "level": word("chrgitm_lv", entry.chrgitm_lv),
        "marks": _marks(entry),
        "valid": AreaItem.objects.filter(valid_on(today), pk=entry.pk).exists(),
        "prices": prices_of(Ceiling.objects.filter(**same), today),
        "shares": shares_of(OwnShare.objects.filter(**same), today),
        "links": [(link, items.get(link.med_list_codg)) for link in links[:MOST_LINKED]],
        "more_links": len(links) > MOST_LINKED,
        "fields": _fields(request, entry),
    }
    return render(request, "catalogue/term.html", context)


def _fields(request: ActorRequest, entry: AreaItem) -> list[tuple[str, str, str]]:
    """Return name, label and value of everything that came with the row."""
    _, book = link_in(request)
    labels: dict[str, str] = {}
    for node in book.transaction("1312").output.children.values():
        labels |= {name: field.label for name, field in node.fields.items()}
    return [(name, labels.get(name, name), str(value)) for name, value in entry.raw.items() if value not in (None, "")]
