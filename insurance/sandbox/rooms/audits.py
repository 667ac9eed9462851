"""The audit of details, 3101 and 3102: one rule, applied to the orders that were told."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.standard import Row


@handles("3101", "3102")
def audit(case: Case) -> Row:
    """Find the same item ordered twice on one day of a visit."""
    given = case.row()
    found = [
        judged
        for patient in _list(given.get("patient_dtos"))
        for encounter in _list(patient.get("fsi_encounter_dtos"))
        for judged in _doubles(case, given, patient, encounter)
    ]
    return {"result": found}


def _list(value: Any) -> list[Row]:
    return [value] if isinstance(value, dict) else list(value or [])


def _doubles(case: Case, given: Row, patient: Row, encounter: Row) -> list[Row]:
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for order in _list(encounter.get("fsi_order_dtos")):
        groups[str(order["hilist_code"]), str(order["drord_begn_date"])[:10]].append(order)
    return [_judged(case, given, patient, encounter, orders) for orders in groups.values() if len(orders) > 1]


def _judged(case: Case, given: Row, patient: Row, encounter: Row, orders: list[Row]) -> Row:
    first = orders[0]
    number = f"J{case.books.number('audit'):012d}"
    case.books.put("audits", number, {"mdtrt_id": encounter["mdtrt_id"], "rx_ids": [o["rx_id"] for o in orders]})
    about = {"patn_id": patient["patn_id"], "mdtrt_id": encounter["mdtrt_id"]}
    return {
        "jr_id": number,
        "rule_id": "R001",
        "rule_name": "同日重复开具",
        "vola_cont": f"{first.get('hilist_name') or first['hilist_code']}同日开具{len(orders)}次",
        **about,
        "vola_amt": first.get("sumamt"),
        "vola_amt_stas": "1",
        "sev_deg": "1",
        "vola_evid": "同一项目同一日期出现多条医嘱",
        "vola_bhvr_type": "1",
        "task_id": given.get("task_id"),
        "judge_result_detail_dtos": [
            {
                **about,
                "jrd_id": f"{number}-{n}",
                "rx_id": order["rx_id"],
                "vola_item_type": "1",
                "vola_amt": order.get("sumamt"),
            }
            for n, order in enumerate(orders, 1)
        ],
    }
