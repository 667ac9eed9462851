"""What a code is and pays, as far as a relation depends on it, and which relations stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet

from insurance.catalogue import queries as catalogue
from insurance.catalogue.models import AreaRelation, Item
from insurance.catalogue.paying import yuan
from insurance.catalogue.queries import Terms
from insurance.mapping.choices import STANDING
from insurance.mapping.models import Mapping
from insurance.mapping.pricing import price_level
from portal.people.models import Institution

NAMED = {"name": "名称", "spec": "规格", "maker": "生产企业", "aprvno": "批准文号"}
CLASSED = {"chrgitm_lv": "收费项目等级", "restricted": "限制使用", "maternity": "生育使用"}
PRICED = {"ceiling": "限价"}
CHUNK = 1000


@dataclass(frozen=True)
class Known:
    """One code on one day: its row of the catalogue (None: unknown) and its terms (None: not asked or unknown)."""

    row: Item | None
    terms: Terms | None = None

    @property
    def listed(self) -> bool:
        """Say whether the area's list has it, in whatever class (1316 and 1312 lead to it)."""
        return self.terms is not None and bool(self.terms.chrgitm_lv)

    def facts(self) -> dict[str, str]:
        """Return what is compared from one version to the next, as text; what is not known is left out."""
        found = {name: str(getattr(self.row, name) or "") for name in NAMED} if self.row else {}
        if self.terms is not None and self.listed:
            found["chrgitm_lv"] = str(self.terms.chrgitm_lv_word or self.terms.chrgitm_lv)
            found["restricted"] = yes_no(self.terms.restricted)
            found["maternity"] = yes_no(self.terms.maternity)
            found["ceiling"] = money(self.terms.ceiling)
        return found


def yes_no(value: object) -> str:
    """Return a flag in words, "" where it is not known."""
    return "" if value is None or value == "" else "是" if value in (True, "1") else "否"


def money(value: Decimal | None) -> str:
    """Return an amount as it is shown, "" for none."""
    return "" if value is None else yuan(value)


def standing(institution: Institution, day: dt.date) -> QuerySet[Mapping]:
    """Return the relations that hold on `day` or after it, with their items; items no longer charged are left out."""
    charged = Q(item__enddate=None) | Q(item__enddate__gte=day)
    found: QuerySet[Mapping] = Mapping.objects.filter(
        charged, institution=institution, state__in=STANDING, enddate__gte=day
    )
    return found.select_related("item")


def known(institution: Institution, wanted: Iterable[tuple[str, str]], day: dt.date) -> dict[tuple[str, str], Known]:
    """Return what is known of each (list_type, code) on `day`: a few queries for each thousand codes of a type."""
    level, area = price_level(institution), institution.admdvs
    by_type: dict[str, set[str]] = {}
    for list_type, code in wanted:
        by_type.setdefault(list_type, set()).add(code)
    found: dict[tuple[str, str], Known] = {}
    for list_type, codes in by_type.items():
        every = sorted(codes)
        for start in range(0, len(every), CHUNK):
            part = every[start : start + CHUNK]
            rows = catalogue.code_rows(list_type, part)
            terms = catalogue.terms_for(list_type, part, day, area, level)
            found |= {(list_type, code): Known(rows.get(code), terms.get(code)) for code in part}
    return found


def has_catalogue(list_type: str) -> bool:
    """Say whether the catalogue of a kind was ever loaded; before that nothing can be said of its codes."""
    return bool(catalogue.catalogue_stamp(list_type))


def has_area(institution: Institution) -> bool:
    """Say whether it was ever loaded what the insured area pays for (1316)."""
    return AreaRelation.objects.filter(insu_admdvs=institution.admdvs).exists()


def grouped(numbers: Iterable[str]) -> str:
    """Return up to three names and how many there are."""
    every = list(numbers)
    more = f" 等 {len(every):,} 个" if len(every) > 3 else ""
    return "、".join(every[:3]) + more
