"""A made-up message of any transaction: it passes the check, and nobody can take its persons for real ones."""

from __future__ import annotations

import csv
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils import timezone

from insurance.exchange.debugging.state import State
from insurance.exchange.masking import DATA, mask_of
from insurance.specification.books import Book
from insurance.specification.checking import needed_nodes
from insurance.specification.errors import SpecificationError
from insurance.specification.model import Field, Node, Transaction
from portal.people.models import Institution

# No document of these numbers can exist: region 000000, born in 1900; no telephone begins with 000.
PERSONAL = {
    "name": "演示某某",
    "document": "000000190001010000",
    "phone": "00000000000",
    "address": "演示地址",
    "day": "1900-01-01",
}
BYTES = "5ryU56S65paH5Lu2"  # 演示文件 as base64
NUMBERED = ("_no", "_id", "_codg", "_code", "_sn", "_cnter")


def example(book: Book, transaction: Transaction, institution: Institution) -> State:
    """Return a state with every required field of the message's nodes, one row in each that has many."""
    maker = _Maker(book, institution)
    root = transaction.input
    needed = needed_nodes(root)
    state: State = maker.row(root)
    for node in root.children.values():
        if node in needed or _asks_for_something(node):
            state[node.name] = maker.node(node)
    return {name: value for name, value in state.items() if value}


@lru_cache(maxsize=1)
def usual() -> dict[str, tuple[str, ...]]:
    """Return the codes a person would take first, dictionary → codes, the best first (data/usual.csv).

    Editions code the same thing differently (CHN, 156): the first one that the edition's dictionary has counts.
    """
    found: dict[str, tuple[str, ...]] = {}
    with open(DATA / "usual.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["dictionary"]] = (*found.get(row["dictionary"], ()), row["code"])
    return found


def _asks_for_something(node: Node) -> bool:
    return any(field.required for below in node.walk() for field in below.fields.values())


class _Maker:
    def __init__(self, book: Book, institution: Institution) -> None:
        self.book = book
        self.own = {
            "fixmedins_code": institution.fixmedins_code,
            "fixmedins_name": institution.fixmedins_name,
            "mdtrtarea_admvs": institution.admdvs,
        }

    def node(self, node: Node) -> Any:
        """Return one row of a node, as a list where it has many, with what is required below it."""
        row = self.row(node)
        for child in node.children.values():
            if _asks_for_something(child):
                row[child.name] = self.node(child)
        return [row] if node.many else row

    def row(self, node: Node) -> State:
        """Return texts for the required fields of a node."""
        return {name: self.text(field) for name, field in node.fields.items() if field.required}

    def text(self, field: Field) -> str:
        """Return a text that fits a field."""
        if field.type == "number":
            return _number(field)
        if field.type == "date":
            return PERSONAL["day"] if mask_of(field.name) == "day" else timezone.localdate().isoformat()
        if field.type == "datetime":
            return timezone.localtime().strftime("%Y-%m-%d %H:%M:%S")
        if field.type == "binary":
            return BYTES
        return '["11"]' if field.type == "json" else self._string(field)[: field.max_length]

    def _string(self, field: Field) -> str:
        codes = self._codes(field)
        if codes:
            return next((code for code in usual().get(str(field.code), ()) if code in codes), codes[0])
        if field.name in self.own:
            return self.own[field.name]
        mask = PERSONAL.get(mask_of(field.name))
        if mask:
            return mask
        return "DEMO0001" if field.name.endswith(NUMBERED) else "演示"

    def _codes(self, field: Field) -> list[str]:
        if not field.code:
            return []
        try:
            known = self.book.dictionary(field.code)
        except SpecificationError:
            return []
        return [code for code in known if field.max_length is None or len(code) <= field.max_length]


def _number(field: Field) -> str:
    digits, decimals = field.digits or (1, None)
    if digits - (decimals or 0) > 0:
        return "1"
    return f"{Decimal(1).scaleb(-(decimals or 0)):f}"
