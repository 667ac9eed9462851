"""A transaction as text for a terminal, and as plain data for other programs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from insurance.specification.books import Book
from insurance.specification.model import Node, Step, Transaction

_HEAD = ("字段", "名称", "类型", "长度", "字典", "必填", "备注", "规则来源")


def index_rows(book: Book) -> list[dict[str, Any]]:
    """Return the index as JSON-ready rows: the columns of index.csv, and the purposes routed to each transaction."""
    purposes: dict[str, list[str]] = {}
    for route in book.routes.values():
        purposes.setdefault(route.infno, []).append(route.purpose)
    return [_index_row(transaction, purposes.get(infno, [])) for infno, transaction in book.transactions.items()]


def _index_row(transaction: Transaction, purposes: list[str]) -> dict[str, Any]:
    plain = ("infno", "tender", "chapter", "group", "name", "mode", "priority", "direction", "effect", "room")
    return {
        **{name: getattr(transaction, name) for name in plain},
        "undoes": list(transaction.undoes),
        "unknown_outcome": [step_text(step) for step in transaction.unknown_outcome],
        "purposes": purposes,
    }


def step_text(step: Step) -> str:
    """Return a step as the index writes it: `verify:5101`, `resend`."""
    return f"{step.kind}:{step.infno}" if step.infno else step.kind


def show(book: Book, transaction: Transaction) -> Iterator[str]:
    """Yield the lines of a transaction: head, routes, source, then each node with its fields."""
    yield f"{transaction.infno} {transaction.name}（{transaction.chapter} / {transaction.group}）  {book.label}"
    yield (
        f"招标编号 {transaction.tender or '无'}  归属 {transaction.room}  方式 {transaction.mode}  "
        f"优先级 {transaction.priority}  方向 {transaction.direction}  作用 {transaction.effect}"
    )
    if transaction.undoes:
        yield f"撤销 {'、'.join(transaction.undoes)}"
    yield f"结果不明时 {' → '.join(step_text(step) for step in transaction.unknown_outcome)}"
    for route in book.routes.values():
        if route.infno == transaction.infno:
            yield f"用途 {route.purpose}：{route.form}，节点 {route.node or '无'}，应答 {route.answers}"
    if source := book.sources.get(transaction.infno):
        yield f"来源 {source.confidence}：{source.sources}{'；' if source.note else ''}{source.note}"
    for title, root in (("输入", transaction.input), ("输出", transaction.output)):
        yield from _side(title, root)


def _side(title: str, root: Node) -> Iterator[str]:
    if root.empty:
        yield f"\n{title}：无"
    for node in root.walk():
        if node.fields:
            yield f"\n{title} {node.path}（{'多行' if node.many else '单行'}）"
            yield from columns(_HEAD, [_cells(node, name) for name in node.fields])


def _cells(node: Node, name: str) -> tuple[str, ...]:
    rule = node.fields[name]
    required = "是" if rule.required else ""
    return rule.name, rule.label, rule.type, rule.length, rule.code, required, rule.note, rule.origin


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines with aligned columns; a Chinese sign is two wide."""
    widths = [max(_width(row[at]) for row in (head, *rows)) for at in range(len(head))]
    for row in (head, *rows):
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        yield ("  " + "  ".join(cells)).rstrip()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
