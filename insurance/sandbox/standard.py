"""The one place where the sandbox reads the specification's tables."""

from __future__ import annotations

from typing import Any

from insurance.sandbox.refusal import Refusal
from insurance.specification.books import open_book
from insurance.specification.checking import check

Row = dict[str, Any]


class Standard:
    """The transactions as the platform of this edition knows them."""

    def __init__(self, edition: str = "base", site_dir: str = "") -> None:
        self.book = open_book(edition, site_dir)

    def serves(self, infno: str) -> bool:
        """Whether hospitals may call this transaction here."""
        return infno in self.book.transactions and self.book.transactions[infno].direction == "outbound"

    def check(self, infno: str, message: Row) -> None:
        """Check the input; raises Refusal with the first problem and how many there are."""
        problems = [p for p in check(self.book.transactions[infno], message, self.book) if p.level == "error"]
        if problems:
            more = f"（共{len(problems)}处）" if len(problems) > 1 else ""
            raise Refusal(f"{problems[0]}{more}"[:200])

    def input_rows(self, infno: str, message: Row) -> dict[str, list[Row]]:
        """The rows under each node of the input, whatever the edition calls the node; fields beside nodes under "."."""
        nodes = {name: as_rows(message.get(name)) for name in self.book.transactions[infno].input.children}
        nodes["."] = [{k: v for k, v in message.items() if k not in nodes}]
        return nodes

    def only_rows(self, infno: str, message: Row) -> list[Row]:
        """The rows of a transaction whose input has one node, or of the first that has rows."""
        nodes = self.input_rows(infno, message)
        return next((rows for name, rows in nodes.items() if name != "." and rows), nodes["."])

    def only_row(self, infno: str, message: Row) -> Row:
        """The row of a transaction that carries one, {} when there is none."""
        return next(iter(self.only_rows(infno, message)), {})

    def output_fields(self, infno: str, node: str = "") -> list[str]:
        """The names of an output node's fields, or of the only node when none is named."""
        root = self.book.transactions[infno].output
        if not node and not root.children:
            return list(root.fields)
        return list(root.children[node or next(iter(root.children))].fields)

    def dictionary(self, code: str) -> dict[str, str]:
        """code → label of a dictionary."""
        return dict(self.book.dictionary(code))


def as_rows(value: Any) -> list[Row]:
    """The rows of a node, which may come as one object or as an array."""
    if isinstance(value, dict):
        return [value]
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def project(row: Row, names: list[str], **more: Any) -> Row:
    """The named fields of a row, null where it was told nothing."""
    return {name: more.get(name, row.get(name)) for name in names}
