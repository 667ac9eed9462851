"""Lay the opening rows into empty books."""

from __future__ import annotations

from insurance.sandbox.books import Books
from insurance.sandbox.clock import Clock
from insurance.sandbox.options import Options
from insurance.sandbox.rooms.institutions import key_of as institution_key
from insurance.sandbox.rooms.staff import key_of as staff_key
from insurance.sandbox.seeds.persons import persons
from insurance.sandbox.seeds.staff import institutions, staff

# Persons are found by these credentials (1101): 01 token, 02 identity document, 03 card.
CREDENTIALS = (("01", "token"), ("02", "certno"), ("03", "card_no"))


def open_books(books: Books, options: Options, clock: Clock) -> None:
    """Fill the books once; in a state file that was filled before, only the calling institution must not be missing."""
    if books.db.execute("SELECT 1 FROM counter WHERE name='opened'").fetchone():
        _welcome(books, options)
        return
    today = clock.now().date()
    with books.transaction():
        books.number("opened")
        for row in institutions(options.institution_code, options.institution_name, options.admdvs):
            books.lay("institutions", institution_key(row), row)
        for row in staff(options.seed, options.institution_code, options.admdvs, today):
            books.lay("staff", staff_key(row), row)
        for row in persons(options.seed, options.persons, options.admdvs, today):
            books.lay("persons", row["psn_no"], row)
            for kind, name in CREDENTIALS:
                books.lay("credentials", f"{kind}|{row[name]}", {"psn_no": row["psn_no"]})


def _welcome(books: Books, options: Options) -> None:
    """Add the institution when the sandbox is started for another one than before."""
    for row in institutions(options.institution_code, options.institution_name, options.admdvs)[:1]:
        if books.get("institutions", institution_key(row)) is None:
            with books.transaction():
                books.lay("institutions", institution_key(row), row)
