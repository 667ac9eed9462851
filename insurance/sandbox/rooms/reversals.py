"""Reversal 2601: put back what stood before one lost message, from its journal."""

from __future__ import annotations

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal

REVERSIBLE = ("2102", "2103", "2207", "2208", "2304", "2305", "2401")


@handles("2601")
def reverse(case: Case) -> None:
    """Reverse a message of this institution; asked again for one that is reversed already, agree and do nothing."""
    row = case.row()
    omsgid, oinfno = str(row["omsgid"]), str(row["oinfno"])
    if oinfno not in REVERSIBLE:
        raise Refusal(f"交易[{oinfno}]不支持冲正")
    found = case.platform.ledger.message(omsgid)
    changes = found["changes"] if found else []
    if found is None or found["infno"] != oinfno or found["fixmedins_code"] != case.hospital or not changes:
        raise Refusal(f"未找到可冲正的原交易[{omsgid}]")
    if found["reversed"]:
        return
    _check_person(case, changes, row["psn_no"])
    if case.platform.ledger.touched_later(found["seq"], changes):
        raise Refusal("原交易之后已有后续业务，不能冲正")
    case.books.restore(changes)
    case.platform.ledger.mark_reversed(omsgid)


def _check_person(case: Case, changes: list[tuple[str, str, object]], psn_no: object) -> None:
    touched = [case.books.get(book, key) or before for book, key, before in changes]
    if not any(isinstance(row, dict) and row.get("psn_no") == psn_no for row in touched):
        raise Refusal("人员编号与原交易不符")
