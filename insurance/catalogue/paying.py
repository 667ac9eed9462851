"""What the insured areas pay for one code, link by link, and the class of the rows of a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from insurance.catalogue.kinds import kind_of
from insurance.catalogue.models import AreaRelation, AreaRow, Ceiling, Item, OwnShare
from insurance.catalogue.terms import FIRST_SHARE, Terms, terms_for, terms_of
from insurance.specification.books import open_book
from insurance.specification.errors import SpecificationError
from portal.people.models import Institution


@dataclass(frozen=True)
class Price:
    """One ceiling of 1318: for which level, yuan, what happens above it, from when until when."""

    level: str
    amount: Decimal | None
    way: str
    begndate: dt.date | None
    enddate: dt.date | None
    now: bool

    @property
    def words(self) -> str:
        """The amount with at least two digits behind the point."""
        return yuan(self.amount)


@dataclass(frozen=True)
class Share:
    """One first own share of 1319: for whom, which kind of share, 0–1."""

    person: str
    kind: str
    share: Decimal | None
    first: bool
    begndate: dt.date | None
    enddate: dt.date | None
    now: bool

    @property
    def words(self) -> str:
        """The share in percent."""
        return percent(self.share)


@dataclass(frozen=True)
class Area:
    """What one insured area says of a code."""

    admdvs: str
    own: bool
    terms: Terms
    prices: Sequence[Price]
    shares: Sequence[Share]


def areas_of(item: Item, institution: Institution, day: dt.date) -> list[Area]:
    """Return what each insured area that knows a code pays for it, the institution's own area first and always."""
    known = AreaRelation.objects.filter(med_list_codg=item.code).values_list("insu_admdvs", flat=True)
    own = institution.admdvs
    return [_area(item, admdvs, admdvs == own, day) for admdvs in [own, *sorted(set(known) - {own})]]


def list_type_of(item: Item) -> str:
    """Return the kind of hospital items (目录类别) whose codes a row is among, "" when it is for several or none."""
    try:
        types = kind_of(item.infno).list_types
    except LookupError:
        return ""
    return types[0] if len(types) == 1 else ""


def _area(item: Item, admdvs: str, own: bool, day: dt.date) -> Area:
    terms = terms_of(list_type_of(item), item.code, day, admdvs, "")
    hilist = terms.hilist_code
    ceilings = Ceiling.objects.filter(hilist_code=hilist, insu_admdvs=admdvs) if hilist else Ceiling.objects.none()
    shares = OwnShare.objects.filter(hilist_code=hilist, insu_admdvs=admdvs) if hilist else OwnShare.objects.none()
    return Area(admdvs, own, terms, prices_of(ceilings, day), shares_of(shares, day))


def prices_of(rows: Iterable[Ceiling], day: dt.date) -> list[Price]:
    """Return ceilings by word, those of the day first, then by level."""
    found = [
        Price(
            word("hilist_lmtpric_type", row.hilist_lmtpric_type) or "不分级别",
            row.hilist_pric_uplmt_amt,
            word("overlmt_dspo_way", row.overlmt_dspo_way),
            row.begndate,
            row.enddate,
            _now(row, day),
        )
        for row in sorted(rows, key=lambda row: (row.hilist_lmtpric_type, row.begndate or dt.date.min))
    ]
    return sorted(found, key=lambda price: not price.now)


def shares_of(rows: Iterable[OwnShare], day: dt.date) -> list[Share]:
    """Return shares by word, those of the day first, then by kind of person."""
    found = [
        Share(
            word("selfpay_prop_psn_type", row.selfpay_prop_psn_type) or "不分人员",
            word("selfpay_prop_type", row.selfpay_prop_type),
            row.selfpay_prop,
            row.selfpay_prop_type in (FIRST_SHARE, ""),
            row.begndate,
            row.enddate,
            _now(row, day),
        )
        for row in sorted(rows, key=lambda row: (row.selfpay_prop_psn_type, row.begndate or dt.date.min))
    ]
    return sorted(found, key=lambda share: not share.now)


def word(dictionary: str, code: str) -> str:
    """Return the word of a code, the code itself where the dictionary does not have it."""
    if not code:
        return ""
    try:
        known = open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR).dictionary(dictionary)
    except SpecificationError:
        return code
    return known.get(code, code)


def _now(row: AreaRow, day: dt.date) -> bool:
    begun = row.begndate is None or row.begndate <= day
    return row.vali_flag == "1" and begun and (row.enddate is None or row.enddate >= day)


def attach_levels(institution: Institution, records: Iterable[Item], day: dt.date) -> None:
    """Put on each row of a list what the institution's own area pays: the class by its word, or 自费."""
    records = list(records)
    for infno in {item.infno for item in records}:
        rows = [item for item in records if item.infno == infno]
        if not kind_of(infno).list_types:
            continue
        list_type = list_type_of(rows[0])
        terms = terms_for(list_type, [item.code for item in rows], day, institution.admdvs, "")
        for item in rows:
            item.level = terms[item.code].chrgitm_lv_word or "—"  # type: ignore[attr-defined]


def yuan(amount: Decimal | None) -> str:
    """Return 1,234.50, with up to four digits where there are so many; 未定价 for None."""
    if amount is None:
        return "未定价"
    short = f"{amount:,.2f}"
    return short if amount == amount.quantize(Decimal("0.01")) else f"{amount:,.4f}".rstrip("0")


def percent(share: Decimal | None) -> str:
    """Return 10% for 0.1, 12.5% for 0.125; 未注明 for None."""
    return "未注明" if share is None else f"{(share * 100).normalize():f}%"
