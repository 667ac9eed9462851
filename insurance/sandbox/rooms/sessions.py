"""Sign-in and sign-out, 9001 and 9002 (protocol 6)."""

from __future__ import annotations

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.standard import Row

BOOK = "signins"


def _key(case: Case, opter: str) -> str:
    return f"{case.hospital}|{opter}|{case.clock.today()}"


def check_sign_no(case: Case) -> None:
    """Raise Refusal unless the message's sign_no is a live sign-in of this operator and day, as far as demanded."""
    given = str(case.envelope.get("sign_no") or "")
    if case.options.sign_in == "off" or case.infno == "9001" or (not given and case.options.sign_in == "given"):
        return
    if not given:
        raise Refusal("未签到，请先签到后再办理业务")
    live = case.books.get(BOOK, _key(case, str(case.envelope["opter"])))
    if live is None or live["sign_no"] != given or live["out_time"]:
        raise Refusal(f"签到流水号[{given}]无效或已失效，请重新签到")


@handles("9001")
def sign_in(case: Case) -> Row:
    """Open the operator's day; a second sign-in of the same day gives the same number."""
    row = case.row()
    key = _key(case, str(row["opter_no"]))
    live = case.books.get(BOOK, key)
    if live is None or live["out_time"]:
        serial = case.books.number("signin")
        live = {"sign_no": f"{case.clock.now():%Y%m%d}{serial:010d}", "sign_time": case.clock.text()}
    live |= {"opter_no": row["opter_no"], "mac": row["mac"], "ip": row["ip"], "out_time": ""}
    case.books.put(BOOK, key, live | {"fixmedins_code": case.hospital})
    return {"signinoutb": {"sign_time": live["sign_time"], "sign_no": live["sign_no"]}}


@handles("9002")
def sign_out(case: Case) -> Row:
    """Close it; only what was opened the same day and not closed yet."""
    row = case.row()
    key = _key(case, str(row["opter_no"]))
    live = case.books.get(BOOK, key)
    if live is None or live["sign_no"] != row["sign_no"]:
        raise Refusal(f"当天没有签到流水号[{row['sign_no']}]的签到记录，不能签退")
    if live["out_time"]:
        raise Refusal(f"签到流水号[{row['sign_no']}]已签退")
    case.books.put(BOOK, key, live | {"out_time": case.clock.text()})
    return {"signoutoutb": {"sign_time": case.clock.text()}}
