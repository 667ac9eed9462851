"""What 接口调试 gives to the shell: its menu line, and the kind of approval for the exception."""

from __future__ import annotations

from insurance.exchange.debugging.approval import register_approval
from insurance.exchange.debugging.rules import DEBUG
from portal.desk.registry import MenuEntry, add_menu


def register_debugging() -> None:
    """Hand menu line and kind of approval over."""
    words = ("联调", "测试报文", "发报文", "重发", "JSON", "入参", "出参")
    add_menu(MenuEntry("接口调试", "exchange:debug", "交易", 30, DEBUG, words))
    register_approval()
