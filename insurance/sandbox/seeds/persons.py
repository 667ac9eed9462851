"""Insured persons, invented: mothers and children first, as the demo hospital sees them."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from insurance.sandbox.seeds.names import document, name

Row = dict[str, Any]
AREAS = ("440100", "440600", "440900", "441200", "450100")
EMPLOYERS = ("阳江示例五金厂", "阳江示例渔业公司", "江城区示例小学", "阳东示例刀剪厂", "阳春示例农场")


def persons(seed: int, count: int, admdvs: str, today: date) -> list[Row]:
    """Each with baseinfo, insuinfo, idetinfo and the three credentials."""
    random = Random(f"persons-{seed}")
    return [_person(random, index, admdvs, today) for index in range(count)]


def _person(random: Random, index: int, admdvs: str, today: date) -> Row:
    child = random.random() < 0.4
    born = today - timedelta(days=random.randint(1, 5100) if child else random.randint(6800, 24000))
    female = random.random() < (0.5 if child else 0.85)
    area = random.choice(AREAS) if random.random() < 0.03 else admdvs
    certno = document(index, admdvs)
    return {
        "psn_no": f"44170000{index + 1:012d}",
        "psn_cert_type": "01",
        "certno": certno,
        "psn_name": name(random, female),
        "gend": "2" if female else "1",
        "naty": "01",
        "brdy": born.isoformat(),
        "card_no": f"SB{index + 1:07d}",
        "card_sn": f"{index + 1:032d}",
        "token": f"EC{index + 1:012d}SANDBOX",
        "insuinfo": _insurances(random, born, area, today),
        "idetinfo": _identities(random, today),
        "chronic": [],
    }


def _insurances(random: Random, born: date, area: str, today: date) -> list[Row]:
    child = (today - born).days < 18 * 365
    employed = not child and random.random() < 0.55
    balance = round(random.uniform(0, 6000), 2) if employed else 0.0
    since = max(born, today - timedelta(days=random.randint(100, 5000))).isoformat()
    kinds = [("310", "11"), ("510", "11")] if employed else [("390", "14" if child else "15")]
    stopped = random.random() < 0.02
    return [
        {
            "balc": f"{balance:.2f}" if insurance == "310" else "0.00",
            "insutype": insurance,
            "psn_type": kind,
            "psn_insu_stas": "2" if stopped else "1",
            "psn_insu_date": since,
            "paus_insu_date": (today - timedelta(days=30)).isoformat() if stopped else None,
            "cvlserv_flag": "0",
            "insuplc_admdvs": area,
            "emp_name": random.choice(EMPLOYERS) if employed else None,
        }
        for insurance, kind in kinds
    ]


def _identities(random: Random, today: date) -> list[Row]:
    if random.random() > 0.04:
        return []
    begun = (today - timedelta(days=400)).isoformat()
    return [
        {"psn_idet_type": "31", "psn_type_lv": None, "memo": None, "begntime": f"{begun} 00:00:00", "endtime": None}
    ]
