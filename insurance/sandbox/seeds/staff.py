"""Institutions of the area and the licensed staff of the hospital."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from insurance.sandbox.seeds.names import document, name

Row = dict[str, Any]
# kind, how many of 420, word in the certificate's number
KINDS = (("1", 148, "D"), ("2", 206, "N"), ("3", 34, "P"), ("4", 32, "T"))
LEAVING = ("调离本院", "退休", "合同期满", "辞职")


def institutions(code: str, hospital: str, admdvs: str) -> list[Row]:
    """The calling hospital and some others around it; all but the first are invented."""
    others = [
        ("H44170200002", "阳江市江城区示例医院", "1", "5"),
        ("H44170200003", "阳江市示例中医院", "1", "2"),
        ("H44170400004", "阳东区示例妇幼保健院", "1", "6"),
        ("H44178100005", "阳春市示例人民医院", "1", "3"),
        ("H44172100006", "阳西县示例卫生院", "1", "9"),
        ("P44170200001", "阳江示例大药房江城店", "2", ""),
        ("P44170200002", "阳江示例大药房海滨店", "2", ""),
    ]
    rows = [(code, hospital, "1", "2"), *[other for other in others if other[0] != code]]
    return [
        {
            "fixmedins_code": number,
            "fixmedins_name": words,
            "uscc": f"12{admdvs}MB{index:07d}X",
            "fixmedins_type": kind,
            "hosp_lv": level or None,
            "exp_content": None,
        }
        for index, (number, words, kind, level) in enumerate(rows)
    ]


def staff(seed: int, code: str, admdvs: str, today: date) -> list[Row]:
    """420 licensed persons: some left, some certificates end within weeks, a few have no 医保医师 flag."""
    random = Random(f"staff-{seed}")
    kinds = [(kind, letter) for kind, count, letter in KINDS for _ in range(count)]
    return [_person(random, index, kind, letter, code, admdvs, today) for index, (kind, letter) in enumerate(kinds)]


def _person(random: Random, index: int, kind: str, letter: str, code: str, admdvs: str, today: date) -> Row:
    begun = today - timedelta(days=random.randint(200, 5000))
    end, reason = _end(random, begun, today)
    return {
        "fixmedins_code": code,
        "psn_cert_type": "01",
        "certno": document(500000 + index, admdvs),
        "prac_psn_no": f"{index + 1:05d}",
        "prac_psn_code": f"{letter}{admdvs}{index + 1:06d}",
        "prac_psn_name": name(random, female=random.random() < (0.95 if kind == "2" else 0.6)),
        "prac_psn_type": kind,
        "prac_psn_cert": f"Z{begun.year - 1}{admdvs}{index + 1:07d}",
        "prac_cert_no": f"{kind}{admdvs}{index + 1:08d}",
        "hi_dr_flag": "1" if kind == "1" and random.random() < 0.95 else "0",
        "begntime": f"{begun} 00:00:00",
        "endtime": f"{end} 00:00:00" if end else None,
        "chg_rea": reason,
    }


def _end(random: Random, begun: date, today: date) -> tuple[date | None, str | None]:
    chance = random.random()
    if chance < 0.05:
        left = today - timedelta(days=random.randint(1, min(600, (today - begun).days - 1)))
        return left, random.choice(LEAVING)
    if chance < 0.10:
        return today + timedelta(days=random.randint(3, 60)), None
    return (today + timedelta(days=random.randint(200, 1500)), None) if chance < 0.5 else (None, None)
