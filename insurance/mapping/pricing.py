"""Which ceilings (1318) are this hospital's: they differ by level of hospital."""

from __future__ import annotations

from django.conf import settings

from insurance.directory.models import InstitutionInfo
from insurance.specification.books import open_book
from portal.people.models import Institution

# The first two characters of a hospital's level (dictionary hosp_lv) say which ceiling it has; without a level the
# lowest one holds (一级及以下).
LEVELS = ("三级", "二级", "一级")


def price_level(institution: Institution) -> str:
    """Return the code of hilist_lmtpric_type that fits the institution.

    Setting HOSPITAL_PRICE_LEVEL wins; else it follows from hosp_lv as the platform told it (1201); else "".
    """
    if settings.HOSPITAL_PRICE_LEVEL:
        return str(settings.HOSPITAL_PRICE_LEVEL)
    told = InstitutionInfo.objects.filter(institution=institution).values_list("hosp_lv", flat=True).first()
    if not told:
        return ""
    book = open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR)
    label = book.dictionary("hosp_lv").get(told, "")
    level = label[:2] if label[:2] in LEVELS else LEVELS[-1]
    ceilings = book.dictionary("hilist_lmtpric_type")
    return next((code for code, words in ceilings.items() if words.startswith(level)), "")
