"""5102 and 1201: what the bureau keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.sandbox.client import CHINA, CODE, Hospital
from tests.sandbox_fixture import RunningSandbox, running_sandbox

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def staff(hospital: Hospital, kind: str, **filters: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = hospital.call("5102", {"data": {"prac_psn_type": kind, **filters}})["feedetail"]
    return rows


def test_four_hundred_and_twenty_licensed_persons_by_kind(hospital: Hospital) -> None:
    found = {kind: staff(hospital, kind) for kind in "1234"}
    assert sum(len(rows) for rows in found.values()) == 420
    assert all(row["prac_psn_type"] == kind for kind, rows in found.items() for row in rows)
    assert len({row["prac_psn_code"] for rows in found.values() for row in rows}) == 420
    today = f"{datetime.now(CHINA):%Y-%m-%d}"
    ends = [row["endtime"] for rows in found.values() for row in rows if row["endtime"]]
    assert any(end < today for end in ends), "some left"
    assert any(end > today for end in ends), "some certificates end"
    assert staff(hospital, "9") == []


def test_document_numbers_cannot_be_real(hospital: Hospital) -> None:
    numbers = [row["certno"] for kind in "1234" for row in staff(hospital, kind)]
    assert len(set(numbers)) == 420
    for number in numbers:
        right = "10X98765432"[sum(int(c) * w for c, w in zip(number[:17], WEIGHTS, strict=True)) % 11]
        assert len(number) == 18
        assert number[6:9] == "190"
        assert number[17] != right


def test_filters(hospital: Hospital) -> None:
    first = staff(hospital, "1")[0]
    assert staff(hospital, "1", prac_psn_code=first["prac_psn_code"]) == [first]
    assert staff(hospital, "2", prac_psn_code=first["prac_psn_code"]) == []
    assert first in staff(hospital, "1", prac_psn_name=first["prac_psn_name"])
    assert staff(hospital, "1", certno=first["certno"], psn_cert_type="01") == [first]
    assert "prac_psn_type" in hospital.refused("5102", {"data": {"prac_psn_type": ""}})


def test_the_seed_decides(hospital: Hospital) -> None:
    with running_sandbox(seed=2) as other:
        assert staff(Hospital(other.url), "1") != staff(hospital, "1")
    with running_sandbox(seed=1) as same:
        assert staff(Hospital(same.url), "1") == staff(hospital, "1")


def test_the_bureau_registers_someone(hospital: Hospital, sandbox: RunningSandbox) -> None:
    row = staff(hospital, "3")[0] | {"prac_psn_code": "P441700999999", "prac_psn_name": "新药师"}
    sandbox.put("staff", row)
    assert [r["prac_psn_name"] for r in staff(hospital, "3", prac_psn_code="P441700999999")] == ["新药师"]


def test_institutions(hospital: Hospital) -> None:
    def ask(**row: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = hospital.call("1201", {"medinsinfo": {"fixmedins_type": "1", **row}})[
            "medinsinfo"
        ]
        return found

    assert [row["fixmedins_name"] for row in ask(fixmedins_code=CODE)] == ["阳江市妇幼保健院（演示）"]
    assert len(ask(fixmedins_name="阳春")) == 1
    assert ask(fixmedins_code="P44170200001") == []
    assert "至少" in hospital.refused("1201", {"medinsinfo": {"fixmedins_type": "1"}})
