"""Licensed staff: 5102. The bureau keeps them; the hospital only asks."""

from __future__ import annotations

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.standard import Row, project

BOOK = "staff"
FILTERS = ("psn_cert_type", "certno", "prac_psn_name", "prac_psn_code")


def key_of(row: Row) -> str:
    """The key of a person's registration at an institution."""
    return f"{row['fixmedins_code']}|{row['prac_psn_type']}|{row['prac_psn_code']}|{row.get('begntime') or ''}"


@handles("5102")
def ask(case: Case) -> Row:
    """The staff of one kind, also those who left, narrowed by document, name or code."""
    given = case.row()
    wanted = {name: str(given[name]) for name in FILTERS if given.get(name)}
    prefix = f"{case.hospital}|{given['prac_psn_type']}|"
    names = case.standard.output_fields("5102")
    found = [
        project(row, names)
        for row in case.books.rows(BOOK, prefix=prefix)
        if all(str(row.get(name) or "") == value for name, value in wanted.items())
    ]
    return {"feedetail": found}
