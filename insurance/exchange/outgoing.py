"""What is wrong with a message and how it travels, without a line to the platform: the web process has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from insurance.exchange import ledger
from insurance.exchange.envelope import encode
from insurance.exchange.files import encode_bytes
from insurance.exchange.models import Connection
from insurance.specification.books import Book
from insurance.specification.checking import Problem, check
from insurance.specification.model import Transaction
from insurance.specification.writing import write


def problems_of(
    connection: Connection, book: Book, transaction: Transaction, message: Mapping[str, Any], insuplc_admdvs: str
) -> list[Problem]:
    """Return everything wrong with a message, the envelope's own rules included (insuplc_admdvs, length of input).

    The length is that of what would travel, so it is judged only when nothing else is wrong; files are exempt.
    """
    if transaction.direction == "inbound":
        reason = f"{transaction.infno} {transaction.name}由平台调用本院，不能由本院发送"
        return [Problem("error", ".", None, "infno", "交易编号", reason)]
    found = check(transaction, message, book)
    head = book.envelope.input.fields["insuplc_admdvs"]
    if len(insuplc_admdvs) > (head.max_length or 0):
        reason = f"长 {len(insuplc_admdvs)} 个字符，最多 {head.max_length} 个"
        found.append(Problem("error", ".", None, head.name, head.label, reason))
    if not insuplc_admdvs and transaction.infno != "1101" and ledger.identifiers(message, ("psn_no",)):
        reason = "报文含人员编号，必须填写（取 1101 返回值）"
        found.append(Problem("error", ".", None, head.name, head.label, reason))
    if transaction.effect != "file" and not any(problem.level == "error" for problem in found):
        found += _too_long(connection, book, transaction, message)
    return found


def _too_long(
    connection: Connection, book: Book, transaction: Transaction, message: Mapping[str, Any]
) -> list[Problem]:
    rule = book.envelope.input.fields["input"]
    length = len(encode(written_for(connection, transaction, message)).decode())
    if rule.max_length is None or length <= rule.max_length:
        return []
    reason = f"长 {length} 个字符，最多 {rule.max_length} 个，请分几次发送"
    return [Problem("error", ".", None, rule.name, rule.label, reason)]


def written_for(connection: Connection, transaction: Transaction, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message as it travels; the bytes of 9101 in the form this platform wants."""
    ready: dict[str, Any] = write(transaction, message)
    if transaction.infno == "9101":
        node = ready.get("fsUploadIn", {})
        if isinstance(node.get("in"), bytes):
            node["in"] = encode_bytes(node["in"], connection.file_bytes)
    return ready
