"""What the fund pays: every amount comes from the rows that were told and from the person's insurance (workflows 4)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from insurance.sandbox.desks import Case
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.standard import Row
from insurance.sandbox.terms import terms

FEN = Decimal("0.01")
ZERO = Decimal(0)
# share of the fund by insurance: outpatient, inpatient; and the deductible of an inpatient settlement
SHARES = {
    "310": (Decimal("0.80"), Decimal("0.88")),
    "390": (Decimal("0.60"), Decimal("0.72")),
    "510": (Decimal(1), Decimal(1)),
}
DEDUCTIBLES = {"310": Decimal(500), "390": Decimal(300)}
FUND_NAMES = {"310100": "城镇职工基本医疗保险统筹基金", "390100": "城乡居民基本医疗保险基金", "510100": "生育基金"}
SPLITS = ("fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")
NO_CEILING = "999999"
YEARLY_LIMIT = Decimal(300000)
# Amounts of a settlement that a cancellation repeats with the other sign.
SIGNED = (
    "medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "act_pay_dedc",
    "hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "hifdm_pay", "oth_pay",
    "fund_pay_sumamt", "psn_part_amt", "acct_pay", "psn_cash_pay", "hosp_part_amt", "acct_mulaid_pay",
)  # fmt: skip


def amount(value: Any, label: str = "金额") -> Decimal:
    """A number of a message as Decimal; empty is 0; raises Refusal."""
    try:
        return Decimal(str(value if value not in (None, "") else 0))
    except InvalidOperation:
        raise Refusal(f"{label}不是有效数字") from None


def fen(value: Decimal) -> Decimal:
    """Rounded half up to the fen."""
    return value.quantize(FEN, ROUND_HALF_UP)


def split(case: Case, row: Row) -> Row:
    """Divide a fee row: wholly own, above the ceiling, first own share, within the scope; raises Refusal."""
    cnt, pric = amount(row["cnt"], "数量"), amount(row["pric"], "单价")
    total = amount(row["det_item_fee_sumamt"], "明细项目费用总额")
    if abs(fen(cnt * pric) - total) > FEN:
        raise Refusal(f"费用明细[{row['feedetl_sn']}]的金额不等于数量乘单价")
    found = terms(case.platform.catalogues, str(row["med_list_codg"])) or {
        "chrgitm_lv": "03",
        "selfpay_prop": Decimal(1),
    }
    own = total if found["chrgitm_lv"] == "03" or str(row.get("hosp_appr_flag")) == "2" else ZERO
    ceiling = found.get("pric_uplmt_amt")
    over = ZERO if own or ceiling is None or pric <= ceiling else fen((pric - ceiling) * cnt)
    first = ZERO if own else fen((total - over) * found["selfpay_prop"])
    return {
        "det_item_fee_sumamt": str(total),
        "pric_uplmt_amt": NO_CEILING if ceiling is None else str(ceiling),
        "selfpay_prop": str(found["selfpay_prop"]),
        "fulamt_ownpay_amt": str(own),
        "overlmt_amt": str(over),
        "preselfpay_amt": str(first),
        "inscp_scp_amt": str(ZERO if own else total - over - first),
        "chrgitm_lv": found["chrgitm_lv"],
        "med_chrgitm_type": found.get("med_chrgitm_type", "14"),
        "lmt_used_flag": found.get("lmt_used_flag", "0"),
        "bas_medn_flag": "0",
        "hi_nego_drug_flag": "0",
        "chld_medc_flag": "0",
        "list_sp_item_flag": "0",
        "drt_reim_flag": "0",
    }


def balance(case: Case, person: Row, insurance: Row) -> Decimal:
    """What is left on the personal account: the opening balance less what live settlements took from it."""
    if insurance["insutype"] != "310":
        return ZERO
    taken = sum((amount(s["acct_pay"]) for s in case.books.rows("settlements", psn_no=person["psn_no"])), ZERO)
    return fen(amount(insurance["balc"]) - taken)


def reckon(case: Case, rows: list[Row], insurance: Row, left: Decimal, inpatient: bool, use_account: bool) -> Row:
    """The amounts of a settlement of these rows; text with two decimals."""
    total, own, over, first, scope = (
        sum((amount(row[name]) for row in rows), ZERO) for name in ("det_item_fee_sumamt", *SPLITS)
    )
    kind = str(insurance["insutype"])
    deductible = min(max(scope, ZERO), DEDUCTIBLES.get(kind, ZERO)) if inpatient else ZERO
    share = SHARES.get(kind, (ZERO, ZERO))[1 if inpatient else 0]
    fund = fen((scope - deductible) * share)
    part = total - fund
    account = min(max(left, ZERO), max(part, ZERO)) if use_account else ZERO
    found = dict.fromkeys(SIGNED, ZERO) | {
        "medfee_sumamt": total,
        "fulamt_ownpay_amt": own,
        "overlmt_selfpay": over,
        "preselfpay_amt": first,
        "inscp_scp_amt": scope,
        "act_pay_dedc": deductible,
        "hifp_pay": fund,
        "fund_pay_sumamt": fund,
        "psn_part_amt": part,
        "acct_pay": account,
        "psn_cash_pay": part - account,
        "balc": left - account,
    }
    return {name: f"{fen(value):.2f}" for name, value in found.items()} | {"pool_prop_selfpay": f"{share:.4f}"}


def fund_lines(insurance: str, sums: Row) -> list[Row]:
    """setldetail: the funds that paid."""
    fund = {"310": "310100", "390": "390100", "510": "510100"}.get(insurance, "999997")
    if amount(sums["fund_pay_sumamt"]) == 0:
        return []
    line = {"fund_pay_type": fund, "inscp_scp_amt": sums["inscp_scp_amt"], "fund_payamt": sums["fund_pay_sumamt"]}
    words = FUND_NAMES.get(fund, "其他基金")
    return [line | {"crt_payb_lmt_amt": f"{YEARLY_LIMIT:.2f}", "fund_pay_type_name": words, "setl_proc_info": None}]


def negative(sums: Row) -> Row:
    """The amounts with the other sign."""
    return {name: f"{-amount(sums[name]):.2f}" for name in SIGNED if sums.get(name) not in (None, "")}
