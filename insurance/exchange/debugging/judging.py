"""The check of a message, each problem at the input that it concerns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from insurance.exchange.debugging import files
from insurance.exchange.debugging.state import completed
from insurance.exchange.models import Connection
from insurance.exchange.outgoing import problems_of
from insurance.specification.books import Book
from insurance.specification.checking import Problem
from insurance.specification.model import ROOT, Node, Transaction

ENVELOPE = "insuplc_admdvs"


@dataclass(frozen=True)
class Finding:
    """One problem and its place in the form: `payinfo.0.fund_pay_type`, a row, a node; "" is the message itself."""

    place: str
    problem: Problem

    @property
    def error(self) -> bool:
        """Whether it must be mended before sending."""
        return self.problem.level == "error"

    @property
    def words(self) -> str:
        """What is wrong, with node, row and field."""
        return str(self.problem)


def judge(
    connection: Connection,
    book: Book,
    transaction: Transaction,
    message: Any,
    insuplc_admdvs: str = "",
    kept: Mapping[str, files.KeptFile] | None = None,
) -> list[Finding]:
    """Return every problem of a message in the order of the table; its files are looked at as they would travel."""
    root = transaction.input
    whole = completed(root, message) if isinstance(message, dict) and not root.many else message
    try:
        ready = files.filled(root, whole, kept or {})
    except files.FileMissing as missing:
        return [Finding(missing.place, Problem("error", ROOT, None, "", "", str(missing)))]
    found = problems_of(connection, book, transaction, ready, insuplc_admdvs)
    return [Finding(place_of(root, problem), problem) for problem in found] + list(_loose_json(root, message, ""))


def _loose_json(node: Node, value: Any, place: str) -> Iterator[Finding]:
    """Yield a warning where a field of JSON bears mere text: it would travel as text, which is seldom meant."""
    if isinstance(value, list):
        for number, row in enumerate(value):
            yield from _loose_json(node, row, f"{place}.{number}")
        return
    for name, item in value.items() if isinstance(value, Mapping) else ():
        where = f"{place}.{name}" if place else str(name)
        rule = node.fields.get(name)
        if rule is not None and rule.type == "json" and isinstance(item, str) and item:
            reason = '不是 JSON，将按文本发送；应为数组或对象时请写成 ["…"] 或 {…}'
            yield Finding(where, Problem("warning", node.path, None, rule.name, rule.label, reason))
        elif name in node.children:
            yield from _loose_json(node.children[name], item, where)


def place_of(root: Node, problem: Problem) -> str:
    """Return where in the form a problem stands; rows of problems count from 1, those of the form from 0."""
    if problem.node == ROOT:
        return problem.field if problem.field in (*root.fields, ENVELOPE) else ""
    rows = iter([] if problem.row is None else [problem.row - 1, *(inner - 1 for inner in problem.inner)])
    parts = list(_parts(root, problem.node, rows))
    node = root.find(problem.node)
    return ".".join([*parts, problem.field] if problem.field in node.fields else parts)


def _parts(root: Node, path: str, rows: Iterator[int]) -> Iterator[str]:
    node = root
    for name in path.split("."):
        node = node.children[name]
        yield name
        if node.many and (row := next(rows, None)) is not None:
            yield str(row)


def errors(findings: Sequence[Finding]) -> list[Finding]:
    """Return what must be mended before sending."""
    return [finding for finding in findings if finding.error]


def warnings(findings: Sequence[Finding]) -> list[Finding]:
    """Return what may be sent but should be looked at."""
    return [finding for finding in findings if not finding.error]
