"""What the bureau's group asks for when something went wrong: one message in a few lines, without personal data."""

from __future__ import annotations

from django.utils import timezone

from insurance.exchange.masking import mask_text
from insurance.exchange.models import Call
from insurance.exchange.pages.calls import state_words
from insurance.specification.books import Book


def trouble_words(call: Call, book: Book) -> str:
    """Return the lines to copy: transaction, both message ids, times, and the platform's own words, masked."""
    name = book.index[call.infno].cells["name"] if call.infno in book.index else ""
    institution = call.institution
    said = mask_text(call.words or state_words(call))
    lines = [
        f"【医保接口报障】{institution.fixmedins_name}（{institution.fixmedins_code}）",
        f"交易：{call.infno} {name}（{call.connection.environment}环境，接口版本 {call.connection.infver}）",
        f"发送方报文ID msgid：{call.msgid}",
        f"接收方报文ID inf_refmsgid：{call.inf_refmsgid or '无（没有收到答复）'}",
        f"时间：{_times(call)}",
        f"结果：{call.get_state_display()}{_codes(call)}",
        f"平台返回：{said or '无'}",
    ]
    visit = "，".join(f"{label} {value}" for label, value in _visit(call) if value)
    return "\n".join([*lines, *([f"业务号：{visit}"] if visit else [])])


def _times(call: Call) -> str:
    parts = [("准备", call.prepared_at), ("发出", call.sent_at), ("答复", call.answered_at)]
    return "，".join(f"{label} {timezone.localtime(at):%Y-%m-%d %H:%M:%S}" for label, at in parts if at)


def _codes(call: Call) -> str:
    codes = [f"infcode {call.infcode}"] if call.infcode else []
    codes += [f"HTTP {call.http_status}"] if call.http_status else []
    return f"（{'，'.join(codes)}）" if codes else ""


def _visit(call: Call) -> list[tuple[str, str]]:
    return [("就诊ID", call.mdtrt_id), ("结算ID", call.setl_id)]
