"""What the insurance pays of an item: made from its number, the same for 1312 1316 1318 1319 and for settlements."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from insurance.sandbox.seeds.catalogue import Catalogue
from insurance.sandbox.shelf import Shelf

Row = dict[str, Any]
CHARGE_KINDS = {"1301": "09", "1302": "10", "1303": "09", "1304": "11", "1305": "05", "1306": "08"}
PAYABLE = tuple(CHARGE_KINDS)


CEILINGS = ("1301", "1305")
SHARES = {"01": "0", "02": "0.1", "03": "1"}
NEXT_CLASS = {"01": "02", "02": "03", "03": "01"}
CUT = Decimal("0.9")


def terms(shelf: Shelf, codg: str) -> Row | None:
    """Level, own share and ceiling of an item, or None when the insurance does not pay for it."""
    found = shelf.kind_of(codg)
    return None if found is None else terms_of(shelf.catalogue(found[0]), found[1])


def is_payable(catalogue: Catalogue, index: int) -> bool:
    """Whether the area pays for an item: one in twenty it does not, and a successor is as what it succeeds."""
    return catalogue.origin(index) % 20 != 7


def has_ceiling(catalogue: Catalogue, index: int) -> bool:
    """Whether an item has a ceiling."""
    return catalogue.infno in CEILINGS and catalogue.origin(index) % 4 == 0


def level_of(catalogue: Catalogue, index: int) -> str:
    """The class of an item (chrgitm_lv); each edition that classes it anew moves it on by one."""
    root = catalogue.origin(index)
    level = "01" if root % 3 == 0 else "03" if root % 17 == 5 else "02"
    for edition in catalogue.paid_changes(index):
        level = NEXT_CLASS[level] if index in edition.classed else level
    return level


def terms_of(catalogue: Catalogue, index: int) -> Row | None:
    """As `terms`, by catalogue and number."""
    if not is_payable(catalogue, index):
        return None
    level, root, infno = level_of(catalogue, index), catalogue.origin(index), catalogue.infno
    ceiling = None
    if has_ceiling(catalogue, index):
        times = sum(index in edition.priced for edition in catalogue.paid_changes(index))
        ceiling = (Decimal(20 + root * 7 % 480) * CUT**times).quantize(Decimal("0.01"))
    return {
        "chrgitm_lv": level,
        "selfpay_prop": Decimal(SHARES[level]),
        "pric_uplmt_amt": ceiling,
        "med_chrgitm_type": CHARGE_KINDS[infno],
        "lmt_used_flag": "1" if root % 23 == 0 else "0",
        "matn_used_flag": "1" if root % 6 == 0 else "0",
    }
