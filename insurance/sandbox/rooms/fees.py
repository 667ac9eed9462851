"""Fee rows of visits: 2204 2205, 2301 2302."""

from __future__ import annotations

from decimal import Decimal

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.money import amount, split
from insurance.sandbox.rooms.visits import visit_of
from insurance.sandbox.standard import Row, project

BOOK = "fees"
ALL = "0000"


def key_of(row: Row) -> str:
    """The key of a fee row: unique within its visit."""
    return f"{row['mdtrt_id']}|{row['feedetl_sn']}"


def unsettled(case: Case, mdtrt_id: str, batch: str = "") -> list[tuple[str, Row]]:
    """The rows of a visit (or of one batch of it) that no settlement holds yet."""
    found = case.books.items(BOOK, mdtrt_id=mdtrt_id)
    return [(k, r) for k, r in found if not r["setl_id"] and batch in ("", str(r.get("chrg_bchno") or ""))]


def take_rows(case: Case, visit: Row, rows: list[Row]) -> list[Row]:
    """Keep fee rows of a visit; returns each with its division; raises Refusal for the first wrong one."""
    names = case.standard.output_fields(case.infno, "result" if case.infno in ("2204", "2301") else "detlcutinfo")
    shown = []
    for row in rows:
        told = row | {"mdtrt_id": visit["mdtrt_id"], "psn_no": visit["psn_no"], "fixmedins_code": case.hospital}
        if case.books.get(BOOK, key_of(told)) is not None:
            raise Refusal(f"费用明细流水号[{row['feedetl_sn']}]重复")
        _check_refund(case, told)
        told |= split(case, told) | {"setl_id": "", "med_type": row.get("med_type") or visit.get("med_type")}
        told |= {"opter_id": case.envelope["opter"], "opter_name": case.envelope["opter_name"]}
        case.books.put(BOOK, key_of(told), told | {"opt_time": case.clock.text()})
        shown.append(project(told, names))
    return shown


def _check_refund(case: Case, row: Row) -> None:
    """A refund names the row that it takes back from, and not more than is left of it (workflows 1.3)."""
    first = str(row.get("init_feedetl_sn") or "")
    negative = amount(row["cnt"], "数量") < 0
    if not first and not negative:
        return
    if not first:
        raise Refusal(f"费用明细[{row['feedetl_sn']}]数量为负，须填写原费用流水号")
    origin = case.books.get(BOOK, f"{row['mdtrt_id']}|{first}")
    if origin is None:
        raise Refusal(f"原费用流水号[{first}]不存在")
    rows = case.books.rows(BOOK, mdtrt_id=row["mdtrt_id"])
    returned = sum((amount(r["cnt"]) for r in rows if str(r.get("init_feedetl_sn") or "") == first), Decimal(0))
    if amount(origin["cnt"]) + returned + amount(row["cnt"], "数量") < 0:
        raise Refusal(f"退费数量超过原费用[{first}]的剩余数量")


def _upload(case: Case, kind: str) -> Row:
    shown: list[Row] = []
    for row in case.node("feedetail"):
        visit = visit_of(case, row)
        if visit["kind"] != kind:
            raise Refusal("就诊类型与费用上传交易不符")
        shown += take_rows(case, visit, [row])
    return {"result": shown}


@handles("2204")
def outpatient_rows(case: Case) -> Row:
    """Outpatient rows: all of a call or none."""
    return _upload(case, "otp")


@handles("2301")
def inpatient_rows(case: Case) -> Row:
    """Inpatient rows: all of a call or none."""
    return _upload(case, "ipt")


@handles("2205")
def withdraw_batch(case: Case) -> None:
    """Take away a batch, or with 0000 every unsettled row of the visit; refuses what is settled."""
    row = case.row()
    visit, batch = visit_of(case, row), str(row["chrg_bchno"])
    rows = case.books.items(BOOK, mdtrt_id=visit["mdtrt_id"])
    meant = [(k, r) for k, r in rows if batch == ALL or str(r.get("chrg_bchno")) == batch]
    if batch != ALL and any(r["setl_id"] for _, r in meant):
        raise Refusal(f"收费批次[{batch}]已结算，请先撤销结算")
    _remove(case, [k for k, r in meant if not r["setl_id"]])


@handles("2302")
def withdraw_rows(case: Case) -> None:
    """Take away inpatient rows by number, or with 0000 every unsettled row of the stay."""
    for row in case.rows():
        visit, number = visit_of(case, row), str(row["feedetl_sn"])
        if number == ALL:
            _remove(case, [key for key, _ in unsettled(case, visit["mdtrt_id"])])
            continue
        known = case.books.get(BOOK, key_of(row))
        if known is not None and known["setl_id"]:
            raise Refusal(f"费用明细[{number}]已结算，请先撤销结算")
        _remove(case, [key_of(row)] if known is not None else [])


def _remove(case: Case, keys: list[str]) -> None:
    if not keys:
        raise Refusal("没有可撤销的费用明细")
    for key in keys:
        case.books.remove(BOOK, key)
