"""What the insured area pays for a national code: 1316 → 1312 → 1318 → 1319, each link valid on the day.

A mapping is good when each link exists and is valid on the day (mapping.md); where one is missing, a sentence says
which. Nothing is asked of the platform here: these are the rows of the last merged loads.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from django.conf import settings
from django.db.models import Q, QuerySet

from insurance.catalogue.models import AreaItem, AreaRelation, AreaRow, Ceiling, OwnShare
from insurance.specification.books import open_book

# selfpay_prop_type: 10 目录先自付比例; others say something else than the first own share (20 is what is reimbursed).
FIRST_SHARE = "10"
ALL_SELF = "03"
R = TypeVar("R", bound=AreaRow)


@dataclass(frozen=True)
class Terms:
    """What the area pays for one code on one day.

    `ceiling` in yuan is that of the hospital's level, `ceiling_way` what happens above it (overlmt_dspo_way, "" when
    not told); `shares` own share paid first (0–1) by selfpay_prop_psn_type, `share_words` the same by word. Where
    `payable` is False `why_not` says why, in Chinese; where it is True it names what is not known, or is "". Of class
    丙 nothing is paid although the chain is whole: `payable` is False and the rest is there.
    """

    payable: bool = False
    hilist_code: str = ""
    hilist_name: str = ""
    chrgitm_lv: str = ""
    chrgitm_lv_word: str = ""
    ceiling: Decimal | None = None
    ceiling_way: str = ""
    shares: Mapping[str, Decimal] = field(default_factory=dict)
    share_words: Mapping[str, Decimal] = field(default_factory=dict)
    restricted: bool = False
    maternity: bool = False
    begndate: dt.date | None = None
    enddate: dt.date | None = None
    why_not: str = ""


def terms_of(list_type: str, code: str, day: dt.date, admdvs: str, price_level: str) -> Terms:
    """Return what area `admdvs` pays on `day` for one code; `price_level` is a code of hilist_lmtpric_type."""
    return terms_for(list_type, [code], day, admdvs, price_level)[code]


def terms_for(list_type: str, codes: Iterable[str], day: dt.date, admdvs: str, price_level: str) -> dict[str, Terms]:
    """Return the terms of many codes: code → Terms, each code there. Four queries, or six where links are missing.

    An empty `list_type` takes relations of any kind.
    """
    wanted = sorted(set(codes))
    relations = _relations(list_type, wanted, day, admdvs)
    lists = sorted({relation.hilist_code for relation in relations.values()})
    items = _newest(AreaItem.objects.filter(hilist_code__in=lists), day, admdvs)
    ceilings = _grouped(Ceiling.objects.filter(hilist_code__in=lists), day, admdvs)
    shares = _grouped(OwnShare.objects.filter(hilist_code__in=lists), day, admdvs)
    words = _Words()
    found: dict[str, Terms] = {}
    for code in wanted:
        relation = relations.get(code)
        item = items.get(relation.hilist_code) if relation else None
        if relation is None or item is None:
            continue
        prices, parts = ceilings.get(relation.hilist_code, []), shares.get(relation.hilist_code, [])
        found[code] = _terms(item, relation, prices, parts, price_level, words)
    return found | _missing(wanted, found, relations, list_type, day, admdvs)


def _on(rows: QuerySet[R], day: dt.date, admdvs: str) -> QuerySet[R]:
    """Narrow rows to those of the area that are valid on the day."""
    open_end = Q(enddate=None) | Q(enddate__gte=day)
    return rows.filter(Q(begndate=None) | Q(begndate__lte=day), open_end, insu_admdvs=admdvs, vali_flag="1")


def _order(row: AreaRow) -> tuple[dt.date, float]:
    """Of rows valid on the same day the one that began last holds; then the last changed."""
    return row.begndate or dt.date.min, row.updt_time.timestamp() if row.updt_time else 0.0


def _relations(list_type: str, codes: Sequence[str], day: dt.date, admdvs: str) -> dict[str, AreaRelation]:
    rows = AreaRelation.objects.filter(med_list_codg__in=codes)
    found: dict[str, AreaRelation] = {}
    for row in sorted(_on(_kind(rows, list_type), day, admdvs), key=_order):
        found[row.med_list_codg] = row
    return found


def _kind(rows: QuerySet[AreaRelation], list_type: str) -> QuerySet[AreaRelation]:
    return rows.filter(list_type__in=(list_type, "")) if list_type else rows


def _newest(rows: QuerySet[AreaItem], day: dt.date, admdvs: str) -> dict[str, AreaItem]:
    found = sorted(_on(rows, day, admdvs), key=_order)
    return {row.hilist_code: row for row in found}


def _grouped(rows: QuerySet[R], day: dt.date, admdvs: str) -> dict[str, list[R]]:
    found: dict[str, list[R]] = {}
    for row in sorted(_on(rows, day, admdvs), key=_order):
        found.setdefault(row.hilist_code, []).append(row)
    return found


class _Words:
    """Words of the dictionaries that terms name, each looked up once."""

    def __init__(self) -> None:
        self.book = open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR)
        self.levels = self.book.dictionary("chrgitm_lv")
        self.persons = self.book.dictionary("selfpay_prop_psn_type")
        self.prices = self.book.dictionary("hilist_lmtpric_type")


def _terms(
    item: AreaItem,
    relation: AreaRelation,
    ceilings: Sequence[Ceiling],
    shares: Sequence[OwnShare],
    price_level: str,
    words: _Words,
) -> Terms:
    ceiling, unclear = _ceiling(ceilings, price_level, words)
    first = {
        row.selfpay_prop_psn_type: row.selfpay_prop
        for row in shares
        if row.selfpay_prop is not None and row.selfpay_prop_type in (FIRST_SHARE, "")
    }
    all_self = item.chrgitm_lv == ALL_SELF
    return Terms(
        payable=not all_self,
        hilist_code=item.hilist_code,
        hilist_name=item.hilist_name,
        chrgitm_lv=item.chrgitm_lv,
        chrgitm_lv_word=words.levels.get(item.chrgitm_lv, item.chrgitm_lv),
        ceiling=ceiling.hilist_pric_uplmt_amt if ceiling else None,
        ceiling_way=ceiling.overlmt_dspo_way if ceiling else "",
        shares=first,
        share_words={words.persons.get(kind, kind): share for kind, share in first.items()},
        restricted=item.lmt_used_flag == "1",
        maternity=item.matn_used_flag == "1",
        begndate=max(filter(None, (item.begndate, relation.begndate)), default=None),
        enddate=min(filter(None, (item.enddate, relation.enddate)), default=None),
        why_not=f"医保目录中为{words.levels.get(ALL_SELF, '丙类')}，全额自费。" if all_self else unclear,
    )


def _ceiling(ceilings: Sequence[Ceiling], price_level: str, words: _Words) -> tuple[Ceiling | None, str]:
    """Return the ceiling of the hospital's level; a single one without a level holds for all. Else why there is none.

    `ceilings` are ascending by begin, so that the last of a level is the one in force.
    """
    by_level = {row.hilist_lmtpric_type: row for row in ceilings}
    found = by_level.get(price_level) or by_level.get("")
    if found is not None or not by_level:
        return found, ""
    told = "、".join(words.prices.get(level, level) for level in sorted(by_level))
    if not price_level:
        return None, f"有限价（{told}），但不知道本院级别，无法判断哪一档。请在机构信息中更新级别，或由信息科设置。"
    own = words.prices.get(price_level, price_level)
    return None, f"有限价（{told}），但没有本院级别（{own}）的一档。"


def _missing(
    wanted: Sequence[str],
    found: Mapping[str, Terms],
    relations: Mapping[str, AreaRelation],
    list_type: str,
    day: dt.date,
    admdvs: str,
) -> dict[str, Terms]:
    """Say for each code that the area does not pay which link is missing."""
    gone = [code for code in wanted if code not in found]
    if not gone:
        return {}
    unlinked = [code for code in gone if code not in relations]
    lists = [relations[code].hilist_code for code in gone if code in relations]
    links: dict[str, list[AreaRelation]] = {}
    for row in AreaRelation.objects.filter(med_list_codg__in=unlinked, insu_admdvs=admdvs):
        links.setdefault(row.med_list_codg, []).append(row)
    entries: dict[str, list[AreaItem]] = {}
    for entry in AreaItem.objects.filter(hilist_code__in=lists, insu_admdvs=admdvs):
        entries.setdefault(entry.hilist_code, []).append(entry)
    empty = not AreaRelation.objects.filter(insu_admdvs=admdvs).exists()
    result = {}
    for code in gone:
        if code in relations:
            hilist = relations[code].hilist_code
            said = _no_entry(hilist, entries.get(hilist, []), day, admdvs)
            result[code] = Terms(hilist_code=hilist, why_not=said)
        else:
            result[code] = Terms(why_not=_no_link(links.get(code, []), list_type, day, admdvs, empty))
    return result


def _no_link(rows: Sequence[AreaRelation], list_type: str, day: dt.date, admdvs: str, empty: bool) -> str:
    if empty:
        return f"还没有参保地 {admdvs} 的医疗目录与医保目录匹配（1316），请先更新目录。"
    fitting = [row for row in rows if not list_type or row.list_type in (list_type, "")]
    if rows and not fitting:
        kinds = "、".join(sorted({row.list_type for row in rows}))
        return f"参保地 {admdvs} 的匹配（1316）把此编码归在目录类别 {kinds}，不是 {list_type}，按自费处理。"
    if not fitting:
        return f"参保地 {admdvs} 的医保目录没有此编码（1316 无匹配），按自费处理。"
    return f"此编码与医保目录的匹配（1316）{_out_of_force(fitting, day)}，按自费处理。"


def _no_entry(hilist: str, rows: Sequence[AreaRow], day: dt.date, admdvs: str) -> str:
    if not rows:
        return f"医保目录编码 {hilist} 不在参保地 {admdvs} 的医保目录（1312）中，请更新 1312 或询问医保局。"
    return f"医保目录编码 {hilist}（1312）{_out_of_force(rows, day)}，按自费处理。"


def _out_of_force(rows: Sequence[AreaRow], day: dt.date) -> str:
    """Say why none of some rows is in force on the day, by the one that began last."""
    valid = [row for row in rows if row.vali_flag == "1"]
    if not valid:
        return "已停用"
    last = max(valid, key=_order)
    if last.begndate and last.begndate > day:
        return f"从 {last.begndate:%Y-%m-%d} 起才有效"
    return f"已于 {last.enddate:%Y-%m-%d} 失效" if last.enddate else "已停用"
