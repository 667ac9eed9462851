"""Mappings of hospital items to national codes: 3301 3302 3360, and the queries 1317 and 5163."""

from __future__ import annotations

from typing import Any

from insurance.sandbox.books import Books
from insurance.sandbox.standard import Row

BOOK = "mappings"


def key_of(row: Row) -> str:
    """The key of a relation: institution, item, kind, code and begin."""
    names = ("fixmedins_code", "fixmedins_hilist_id", "list_type", "med_list_codg", "begndate")
    return "|".join(str(row[name])[:30] for name in names)


def review(books: Books, keys: Any, chk_stas: str) -> int:
    """Write the bureau's verdict on these relations ("all" = every waiting one); returns how many."""
    count = 0
    for key, row in books.items(BOOK):
        if (keys == "all" and row["chk_stas"] == "0") or (keys != "all" and key in keys):
            books.put(BOOK, key, row | {"chk_stas": chk_stas})
            count += 1
    return count
