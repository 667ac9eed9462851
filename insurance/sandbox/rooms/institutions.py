"""Institutions: 1201. Seeded; more can be put in by the control API."""

from __future__ import annotations

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.standard import Row, project

BOOK = "institutions"


def key_of(row: Row) -> str:
    """The key of an institution."""
    return str(row["fixmedins_code"])


def check_institution(case: Case) -> None:
    """Raise Refusal unless the caller is an institution of the platform."""
    known = case.books.get(BOOK, case.hospital)
    if known is None or known.get("closed"):
        raise Refusal(f"定点医药机构编号[{case.hospital}]不存在或未开通")


@handles("1201")
def ask(case: Case) -> Row:
    """By code, or by a part of the name, always of the kind asked for."""
    row = case.row()
    code, name = str(row.get("fixmedins_code") or ""), str(row.get("fixmedins_name") or "")
    if not code and not name:
        raise Refusal("定点医药机构名称与编号至少填写一项")
    found = [
        other
        for other in case.books.rows(BOOK)
        if other["fixmedins_type"] == str(row["fixmedins_type"])
        and code in ("", other["fixmedins_code"])
        and name in other["fixmedins_name"]
    ]
    names = case.standard.output_fields("1201")
    return {"medinsinfo": [project(other, names) for other in found]}
