"""What the insurance pays of an item: made from its number, the same for 1312 1316 1318 1319 and for settlements."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from insurance.sandbox.shelf import Shelf

Row = dict[str, Any]
CHARGE_KINDS = {"1301": "09", "1302": "10", "1303": "09", "1304": "11", "1305": "05", "1306": "08"}
PAYABLE = tuple(CHARGE_KINDS)


def terms(shelf: Shelf, codg: str) -> Row | None:
    """Level, own share and ceiling of an item, or None when the insurance does not pay for it."""
    found = shelf.kind_of(codg)
    return None if found is None else terms_of(*found)


def terms_of(infno: str, index: int) -> Row | None:
    """As `terms`, by catalogue and number: one item in twenty is not payable."""
    if index % 20 == 7:
        return None
    level = "01" if index % 3 == 0 else "03" if index % 17 == 5 else "02"
    share = {"01": "0", "02": "0.1", "03": "1"}[level]
    ceiling = Decimal(20 + index * 7 % 480) if infno in ("1301", "1305") and index % 4 == 0 else None
    return {
        "chrgitm_lv": level,
        "selfpay_prop": Decimal(share),
        "pric_uplmt_amt": ceiling,
        "med_chrgitm_type": CHARGE_KINDS[infno],
        "lmt_used_flag": "1" if index % 23 == 0 else "0",
        "matn_used_flag": "1" if index % 6 == 0 else "0",
    }
