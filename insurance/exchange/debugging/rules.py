"""Who may send what where: outside 沙箱 and 测试 only queries leave from here; the rest needs two persons."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from insurance.exchange.debugging.registry import RoomForm, form_of
from insurance.exchange.errors import PlatformError
from insurance.exchange.models import Connection
from insurance.specification.model import Transaction

DEBUG = "exchange.debug"
APPROVE = "exchange.approve"
FREE = frozenset({"沙箱", "测试"})
EFFECTS = {
    "query": "查询，不改变平台上的任何内容",
    "download": "下载，不改变平台上的任何内容",
    "submit": "写入：平台受理后立即生效",
    "revoke": "撤销：平台受理后原记录作废",
    "reversal": "冲正：平台会撤掉原来的那笔交易",
    "session": "签到签退：影响本操作员当天的签到",
    "file": "文件传输",
    "notification": "通知",
}


class NotFromHere(PlatformError):
    """This may not be sent from 接口调试 here; the words say why and what to do instead."""


@dataclass(frozen=True)
class Gate:
    """Whether a transaction may be sent at once, and if not why, and where it is done instead."""

    open: bool
    reason: str = ""
    form: RoomForm | None = None


def is_free(connection: Connection) -> bool:
    """Say whether anything may be tried here: the portal and the connection are both 沙箱 or 测试."""
    return settings.ENVIRONMENT in FREE and connection.environment in FREE


def gate_of(connection: Connection, transaction: Transaction) -> Gate:
    """Return whether `transaction` may be sent from here without a second person."""
    if transaction.direction == "inbound":
        return Gate(False, f"{transaction.name}（{transaction.infno}）由平台调用本院，不能由本院发送。")
    if is_free(connection) or transaction.effect == "query":
        return Gate(True)
    form = form_of(transaction.infno)
    where = f"请到「{form.label}」办理" if form else "请到对应的业务页面办理"
    kind = EFFECTS.get(transaction.effect, transaction.effect).split("：")[0].split("，")[0]
    reason = (
        f"{settings.ENVIRONMENT}环境中接口调试只发送查询，本交易是{kind}。"
        f"{where}；确需从这里发送的，须填写原因并由另一人审核。"
    )
    return Gate(False, reason, form)


def must_be_open(connection: Connection, transaction: Transaction) -> None:
    """Raise NotFromHere unless `transaction` may be sent from here without a second person."""
    gate = gate_of(connection, transaction)
    if not gate.open:
        raise NotFromHere(gate.reason)


AGAIN = "这条报文不属于任何记录，是从接口调试或命令行直接发送的：请在接口调试中「重复为新」，由另一人审核后发送"


def why_not_again(connection: Connection) -> str:
    """Return why a message without a record may not be queued again by one person alone here, "" when it may."""
    return "" if is_free(connection) else AGAIN


def must_be_free(connection: Connection) -> None:
    """Raise NotFromHere where a message without a record may not be queued again by one person alone."""
    if reason := why_not_again(connection):
        raise NotFromHere(reason)
