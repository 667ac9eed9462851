"""Stock: 3501–3507 with their A forms, and virtual trace codes 3592B (inventory)."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.money import amount
from insurance.sandbox.standard import Row, project

BOOK = "stock"
# What 3507 deletes by inv_data_type, and which column counts.
KINDS = {"1": ("3501",), "2": ("3502",), "3": ("3503", "3504"), "4": ("3505", "3506")}
COUNTS = {"3503": "purc_retn_cnt", "3504": "purc_retn_cnt", "3505": "sel_retn_cnt", "3506": "sel_retn_cnt"}
# A return undoes only what was told before.
ORIGINS = {"3504": ("3503", "采购"), "3506": ("3505", "销售")}


def _rows(case: Case, infnos: tuple[str, ...], batch: object) -> list[tuple[str, Row]]:
    found: list[tuple[str, Row]] = []
    for infno in infnos:
        found += case.books.items(BOOK, prefix=f"{case.hospital}|{infno}|{batch}|")
    return found


def _total(case: Case, infno: str, batch: object) -> Decimal:
    return sum((amount(row[COUNTS[infno]], "数量") for _, row in _rows(case, (infno,), batch)), Decimal(0))


def _take(case: Case, infno: str, row: Row) -> str:
    """Keep one row; returns its number; raises Refusal."""
    batch = row["fixmedins_bchno"]
    if infno in ORIGINS:
        origin, word = ORIGINS[infno]
        left = _total(case, origin, batch) - _total(case, infno, batch)
        if amount(row[COUNTS[infno]], "数量") > left:
            raise Refusal(f"批次[{batch}]未找到可退的{word}记录，或退货数量超过剩余数量{left.normalize():f}")
    # A stock-taking of the same day replaces the one before; the others add up.
    number = str(row["invdate"]) if infno == "3501" else f"{case.books.number('stock'):012d}"
    told = {**row, "infno": infno, "fixmedins_code": case.hospital, "number": number}
    case.books.put(BOOK, f"{case.hospital}|{infno}|{batch}|{number}", told)
    return number


def _delete(case: Case, row: Row) -> None:
    kind, batch = str(row["inv_data_type"]), row["fixmedins_bchno"]
    if kind not in KINDS:
        raise Refusal(f"进销存数据类型[{kind}]不在取值范围内")
    found = _rows(case, KINDS[kind], batch)
    if not found:
        raise Refusal(f"批次[{batch}]没有该类型的进销存数据，不能删除")
    for key, _ in found:
        case.books.remove(BOOK, key)


@handles("3501", "3502", "3503", "3504", "3505", "3506")
def take(case: Case) -> None:
    """Take one row."""
    _take(case, case.infno, case.row())


@handles("3507")
def delete(case: Case) -> None:
    """Delete everything of one kind of a batch."""
    _delete(case, case.row())


@handles("3501A", "3502A", "3503A", "3504A", "3505A", "3506A", "3507A")
def batch(case: Case) -> Row | None:
    """Many rows, each answered by itself (retRslt 1 or 0) although the message is accepted."""
    shown = []
    for row in case.rows():
        try:
            number = "" if case.infno == "3507A" else _take(case, case.infno[:4], row)
            if case.infno == "3507A":
                _delete(case, row)
            shown.append({**row, "retRslt": "1", "msgRslt": "成功", "medins_prod_sel_no": number})
        except Refusal as no:
            shown.append({**row, "retRslt": "0", "msgRslt": no.words})
    nodes = case.standard.book.transactions[case.infno].output.children
    if not nodes:
        return None
    node = next(iter(nodes))
    names = case.standard.output_fields(case.infno, node)
    return {node: [project(row, names) for row in shown]}


@handles("3592B")
def virtual_code(case: Case) -> Row:
    """A trace code for goods that bear none: the same item and batch give the same code."""
    row = case.row()
    words = f"{case.hospital}|{row.get('fixmedins_hilist_id')}|{row.get('fixmedins_bchno')}"
    code = "9" + str(int(hashlib.sha256(words.encode()).hexdigest(), 16))[:19]
    case.books.put("trace_codes", words, {**row, "drug_trac_codg": code})
    return {"result": project(row, case.standard.output_fields("3592B", "result"), drug_trac_codg=code)}
