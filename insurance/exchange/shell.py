"""What the exchange gives to the shell: menu lines, the sandbox band and alarms."""

from __future__ import annotations

from django.urls import reverse

from insurance.exchange.pages.links import clock, light_connection, paused_since, stopped_words
from insurance.exchange.pages.worklists import contradicted, stuck_calls
from insurance.exchange.watching import register_watching
from portal.desk.registry import (
    Alarm,
    Banner,
    MenuEntry,
    Notice,
    add_alarm,
    add_banner,
    add_menu,
)
from portal.people.actor import Actor

VIEW = "exchange.view"


def contradiction_alarm(actor: Actor) -> Notice | None:
    """Say on the desk that a late answer says otherwise than was settled: something may stand twice, or not at all."""
    number = contradicted(actor.institution)
    if not number:
        return None
    words = f"有 {number} 条上传的迟到答复与此前认定不符，可能重复或缺少，请尽快在平台核对。"
    return Notice(words, "danger", f"{reverse('exchange:todo')}?tab=contradicted", "去核对" if actor.may(VIEW) else "")


def unapplied_alarm(actor: Actor) -> Notice | None:
    """Say on the desk that answers came which could not be written into the records."""
    number = stuck_calls(actor.institution).count()
    if not number:
        return None
    words = f"有 {number} 次交易的答复写入业务记录失败，系统会再试；多次失败请联系信息科。"
    return Notice(words, "warning", f"{reverse('exchange:calls')}?unapplied=1", "查看" if actor.may(VIEW) else "")


def sandbox_band(actor: Actor) -> Notice | None:
    """Say on every page that the platform spoken to is a sandbox; one query, and the shell keeps it for the request."""
    connection = light_connection(actor.institution)
    if connection is None or not connection.answers_as_sandbox:
        return None
    return Notice("当前连接的是沙箱平台，数据不会到达医保局", "info")


def stopped_alarm(actor: Actor) -> Notice | None:
    """Say on the desk that nothing is sent now: paused by whom and since when, or broken until when."""
    connection = light_connection(actor.institution)
    words = stopped_words(connection) if connection else ""
    if connection is None or not words:
        return None
    since = paused_since(connection) if connection.paused else None
    if since:
        words = f"{words}（{since[1]}，自 {clock(since[0])} 起）。排队的上传在等待，恢复后接着发"
    return Notice(f"{words}。", "danger", reverse("exchange:connection"), "查看平台连接" if actor.may(VIEW) else "")


def register_shell() -> None:
    """Hand menu, cards, work, charts, band and alarms over."""
    group = "交易"
    add_menu(MenuEntry("待处理", "exchange:todo", group, 5, VIEW, ("上传失败", "重传", "人工核实", "失败")))
    add_menu(MenuEntry("结果待查", "exchange:unknown", group, 8, VIEW, ("没有结果", "超时", "单边账")))
    add_menu(MenuEntry("上传记录", "exchange:submissions", group, 10, VIEW, ("待上传", "队列", "上传与结果待查")))
    add_menu(MenuEntry("交易记录", "exchange:calls", group, 20, VIEW, ("报文", "日志", "msgid")))
    add_menu(MenuEntry("平台连接", "exchange:connection", "系统", 20, VIEW, ("暂停上传", "签到", "密钥")))
    add_menu(
        MenuEntry("保存期限", "exchange:retention", "系统", 60, "system.view", ("归档", "清理", "保存多久", "报文"))
    )
    add_menu(MenuEntry("字典", "exchange:dictionaries", "系统", 65, "desk.view", ("1901", "代码表", "编码含义")))
    add_banner(Banner("exchange.sandbox", sandbox_band, order=10))
    add_alarm(Alarm("exchange.stopped", stopped_alarm, order=10))
    add_alarm(Alarm("exchange.contradicted", contradiction_alarm, order=12, action=VIEW))
    add_alarm(Alarm("exchange.unapplied", unapplied_alarm, order=14, action=VIEW))
    register_watching()
