"""The envelope around every message: by hand from protocol 3 and 4, so that a wrong table cannot agree with itself."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from insurance.sandbox.clock import Clock, compact, moment
from insurance.sandbox.refusal import Refusal

# name, label, greatest length in characters (0 = none given), must be there
RULES = (
    ("infno", "交易编号", 5, True),
    ("msgid", "发送方报文ID", 30, True),
    ("mdtrtarea_admvs", "就医地医保区划", 6, True),
    ("insuplc_admdvs", "参保地医保区划", 6, False),
    ("recer_sys_code", "接收方系统代码", 10, True),
    ("dev_no", "设备编号", 100, False),
    ("dev_safe_info", "设备安全信息", 2000, False),
    ("cainfo", "数字签名信息", 1024, False),
    ("signtype", "签名类型", 10, False),
    ("infver", "接口版本号", 6, True),
    ("opter_type", "经办人类别", 3, True),
    ("opter", "经办人", 30, True),
    ("opter_name", "经办人姓名", 50, True),
    ("inf_time", "交易时间", 19, True),
    ("fixmedins_code", "定点医药机构编号", 12, True),
    ("fixmedins_name", "定点医药机构名称", 20, True),
    ("sign_no", "交易签到流水号", 30, False),
)
OPERATOR_KINDS = {"1", "2", "3"}
INPUT_CHARACTERS = 40000
# Transactions whose input carries a file's bytes or a report's; the limit of input does not hold for them.
LARGE_INPUT = {"9101", "4506", "7101"}


def read_envelope(body: bytes) -> dict[str, Any]:
    """Read the message; raises Refusal when it is not one JSON object in UTF-8."""
    try:
        found = json.loads(body)
    except (ValueError, UnicodeDecodeError):
        raise Refusal("报文不是有效的JSON") from None
    if not isinstance(found, dict):
        raise Refusal("报文不是JSON对象")
    return found


def check_envelope(envelope: dict[str, Any], infno: str, size: int, clock: Clock, skew: float) -> None:
    """Check the fields around the input; `size` is the body's in bytes; raises Refusal with the first thing wrong."""
    for name, label, length, required in RULES:
        _check_field(envelope.get(name), name, label, length, required)
    if envelope["infno"] != infno:
        raise Refusal(f"报文交易编号[{envelope['infno']}]与请求地址[{infno}]不一致")
    if envelope["opter_type"] not in OPERATOR_KINDS:
        raise Refusal(f"经办人类别[{envelope['opter_type']}]不在取值范围内")
    _check_time(envelope["inf_time"], clock, skew)
    _check_input(envelope, infno, size)


def _check_field(value: Any, name: str, label: str, length: int, required: bool) -> None:
    if value is None or value == "":
        if required:
            raise Refusal(f"报文头{label}[{name}]不能为空")
        return
    if not isinstance(value, str):
        raise Refusal(f"报文头{label}[{name}]应为字符串")
    if len(value) > length:
        raise Refusal(f"报文头{label}[{name}]长度超过{length}")


def _check_time(text: str, clock: Clock, skew: float) -> None:
    found = moment(text)
    if found is None or len(text) != 19:
        raise Refusal("报文头交易时间[inf_time]格式应为yyyy-MM-dd HH:mm:ss")
    if abs((clock.now() - found).total_seconds()) > skew:
        raise Refusal("报文头交易时间[inf_time]与平台时间相差过大")


def _check_input(envelope: dict[str, Any], infno: str, size: int) -> None:
    given = envelope.get("input")
    if not isinstance(given, dict):
        raise Refusal("报文交易输入[input]应为JSON对象")
    # A body of fewer bytes than the limit has fewer characters too, so that most messages are not written again.
    if size > INPUT_CHARACTERS and infno not in LARGE_INPUT:
        length = len(json.dumps(given, ensure_ascii=False, separators=(",", ":")))
        if length > INPUT_CHARACTERS:
            raise Refusal(f"报文交易输入[input]长度{length}超过{INPUT_CHARACTERS}")
    if not envelope.get("insuplc_admdvs") and _carries_person(given):
        raise Refusal("输入含人员编号时，报文头参保地医保区划[insuplc_admdvs]不能为空")


def _carries_person(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value.get("psn_no")) or any(_carries_person(part) for part in value.values())
    return isinstance(value, list) and any(_carries_person(part) for part in value)


def answer(
    clock: Clock, received: datetime, number: int, admdvs: str, output: Any = None, words: str | None = None
) -> dict[str, Any]:
    """The envelope of an answer: accepted when `words` is None, else refused with these words (protocol 4)."""
    now = clock.now()
    return {
        "infcode": 0 if words is None else -1,
        "inf_refmsgid": f"{admdvs}{now:%Y%m%d%H%M%S}{number % 10**10:010d}",
        "refmsg_time": compact(received),
        "respond_time": compact(now),
        "err_msg": "" if words is None else words[:200],
        "warn_msg": None,
        "cainfo": None,
        "signtype": None,
        "output": output if words is None else None,
    }
