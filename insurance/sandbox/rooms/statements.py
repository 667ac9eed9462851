"""Reconciliation: 3201 totals, 3202 lines, 3260–3262 out-of-area clearing (reconciliation)."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal, InvalidOperation
from typing import Any

from insurance.sandbox.clock import end_moment, moment
from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.files import content_of, keep_made
from insurance.sandbox.rooms.money import amount
from insurance.sandbox.standard import Row, project

UPLOADED = ("setl_id", "mdtrt_id", "psn_no", "medfee_sumamt", "fund_pay_sumamt", "acct_pay", "refd_setl_flag")
AMOUNTS = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")
LEVEL, PLATFORM_MORE, HOSPITAL_MORE, DIFFERENT = "0", "101", "102", "103"
WORDS = {LEVEL: "平", PLATFORM_MORE: "中心多", HOSPITAL_MORE: "医药机构多", DIFFERENT: "数据不一致"}
LARGEST_TEXT = 64 * 1024 * 1024
PAGE = 100


def _settlements(case: Case, given: Row) -> list[Row]:
    """The settlements of a group: agency, kind of clearing, insurance and time; without refunds unless asked for."""
    begin, end = moment(given["stmt_begndate"]), end_moment(given["stmt_enddate"])
    refunds = str(given.get("refd_setl_flag") or "0") == "1"
    found = []
    for row in case.books.rows("settlements"):
        at = moment(row["setl_time"])
        inside = begin is not None and end is not None and at is not None and begin <= at <= end
        same = all(
            str(given.get(name) or row[column]) == str(row[column])
            for name, column in (("setl_optins", "clr_optins"), ("clr_type", "clr_type"), ("insutype", "insutype"))
        )
        if inside and same and row["fixmedins_code"] == case.hospital and (refunds or row["refd_setl_flag"] == "0"):
            found.append(row)
    return found


def _sums(rows: list[Row]) -> dict[str, Decimal]:
    return {name: sum((amount(row[name]) for row in rows), Decimal(0)) for name in AMOUNTS}


@handles("3201")
def totals(case: Case) -> Row:
    """Compare the totals of one group."""
    given = case.row()
    rows = _settlements(case, given)
    sums = _sums(rows)
    wrong = [name for name in AMOUNTS if amount(given.get(name)) != sums[name]]
    count = int(amount(given["fixmedins_setl_cnt"], "结算笔数"))
    if count != len(rows):
        wrong.append("fixmedins_setl_cnt")
    told = {name: f"{value:.2f}" for name, value in sums.items()} | {"fixmedins_setl_cnt": str(len(rows))}
    words = "对账平" if not wrong else "；".join(f"{name}中心为{told[name]}" for name in wrong)
    answer = {"setl_optins": given["setl_optins"], "stmt_rslt": "1" if wrong else "0", "stmt_rslt_dscr": words[:200]}
    return {"stmtinfo": answer}


def _uploaded(content: bytes) -> list[Row]:
    """The lines of the hospital's file; raises Refusal."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (info,) = archive.infolist()
            if info.file_size > LARGEST_TEXT:
                raise Refusal("对账文件过大")
            text = archive.read(info).decode("utf-8")
    except (zipfile.BadZipFile, ValueError, UnicodeDecodeError):
        raise Refusal("对账文件不是只含一个UTF-8文本的ZIP") from None
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.rstrip("\r").split("\t")
        if len(cells) < len(UPLOADED):
            raise Refusal(f"对账文件第{number}行不足{len(UPLOADED)}列")
        rows.append(dict(zip(UPLOADED, (c if c != "null" else "" for c in cells), strict=False)))
    return rows


@handles("3202")
def lines(case: Case) -> Row:
    """Compare line by line; the result is a file."""
    given = case.row()
    told = _uploaded(content_of(case, str(given["file_qury_no"])))
    _check_sums(given, told)
    platform = {(row["setl_id"], row["mdtrt_id"]): row for row in _settlements(case, given)}
    result = [_compared(platform.pop((row["setl_id"], row["mdtrt_id"]), None), row) for row in told]
    result += [_compared(row, None) for row in platform.values()]
    text = "".join("\t".join(str(cell) if cell not in (None, "") else "null" for cell in row) + "\n" for row in result)
    filename = f"{case.clock.now():%Y%m%d%H%M%S}3202.txt.zip"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(filename.removesuffix(".zip"), text)
    return {"fileinfo": keep_made(case, filename, made.getvalue())}


def _check_sums(given: Row, told: list[Row]) -> None:
    try:
        total = sum((Decimal(row["medfee_sumamt"] or 0) for row in told), Decimal(0))
    except InvalidOperation:
        raise Refusal("对账文件的金额不是有效数字") from None
    if total != amount(given["medfee_sumamt"]) or len(told) != int(amount(given["fixmedins_setl_cnt"], "结算笔数")):
        raise Refusal("对账文件的笔数或金额合计与入参不符")


def _compared(platform: Row | None, told: Row | None) -> tuple[Any, ...]:
    """One line of the result file, in the order of files/3202-result."""
    row = platform or told or {}
    if platform is None:
        verdict = HOSPITAL_MORE
    elif told is None:
        verdict = PLATFORM_MORE
    else:
        same = all(amount(platform[name]) == amount(told[name]) for name in AMOUNTS)
        verdict = LEVEL if same else DIFFERENT
    sums = [row.get(name) for name in AMOUNTS]
    head = (row.get("psn_no"), row.get("mdtrt_id"), row.get("setl_id"), (platform or {}).get("msgid"))
    return (*head, verdict, row.get("refd_setl_flag"), WORDS[verdict], *sums)


def _away(case: Case, given: Row) -> list[Row]:
    """Settlements of persons insured elsewhere, of a month."""
    month = f"{given['trt_year']}-{int(amount(given['trt_month'])):02d}"
    return [
        row
        for row in case.books.rows("settlements")
        if row["fixmedins_code"] == case.hospital
        and row["insuplc_admdvs"] != case.options.admdvs
        and row["refd_setl_flag"] == "0"
        and row["setl_time"].startswith(month)
    ]


@handles("3260")
def away_lines(case: Case) -> Row:
    """Out-of-area settlements of a month, a hundred from startrow on."""
    given = case.row()
    start = max(1, int(amount(given.get("startrow") or 1)))
    names = case.standard.output_fields("3260", "data")
    shown = []
    for number, row in enumerate(_away(case, given), 1):
        more = {
            "seqno": number,
            "mdtrtarea": case.options.admdvs,
            "medins_no": case.hospital,
            "fulamt_advpay_flag": "0",
        }
        more |= {"mdtrt_setl_time": row["setl_time"], "setl_sn": row["setl_id"]}
        shown.append(project(row, names, **more, optins_pay_sumamt=row["fund_pay_sumamt"]))
    return {"data": shown[start - 1 : start - 1 + PAGE]}


@handles("3261")
def confirm_away(case: Case) -> None:
    """Confirm a month's lines once; each must be one of ours."""
    given = next(iter(case.node("data")), {})
    detail = case.node("detail")
    known = {row["setl_id"]: row for row in _away(case, given)}
    key = f"{case.hospital}|{given['trt_year']}|{given['trt_month']}"
    if case.books.get("confirmations", key) is not None:
        raise Refusal("该月异地清分已确认")
    if int(amount(given.get("totalrow"))) != len(detail):
        raise Refusal("总行数与明细行数不符")
    for row in detail:
        other = known.get(str(row["setl_sn"]))
        if other is None or amount(other["medfee_sumamt"]) != amount(row["medfee_sumamt"]):
            raise Refusal(f"结算流水号[{row['setl_sn']}]不存在或总费用不符")
    case.books.put("confirmations", key, {**given, "msgid": case.msgid, "detail": detail})


@handles("3262")
def withdraw_confirmation(case: Case) -> None:
    """Withdraw a month's confirmation by its message."""
    given = case.row()
    key = f"{case.hospital}|{given['trt_year']}|{given['trt_month']}"
    known = case.books.get("confirmations", key)
    if known is None or known["msgid"] != str(given["otransid"]):
        raise Refusal("未找到该月的异地清分确认，或原交易流水号不符")
    case.books.remove("confirmations", key)
