"""Every transaction that a hospital may call has a desk that answers; nothing breaks it, whatever it is told."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.client import CODE, Hospital
from tests.sandbox_fixture import RunningSandbox

# The tables as plain text, to know what there is; the specification's own code is not used.
TABLES = Path(__file__).resolve().parents[2] / "insurance" / "specification" / "data"
VALUES = {
    "date": "2025-06-01",
    "datetime": "2025-06-01 08:00:00",
    "number": "1",
    "binary": [80, 75, 3, 4],
    "json": "{}",
}


def table(path: str) -> list[dict[str, str]]:
    with (TABLES / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


OUTBOUND = [row["infno"] for row in table("index.csv") if row["direction"] == "outbound"]


def message(infno: str, every: bool, person: str) -> dict[str, Any]:
    """Fill the required fields (or every field) by type, nested nodes in their place."""
    found: dict[str, Any] = {}
    for row in table(f"fields/{infno}.csv"):
        if row["direction"] != "input" or not (every or row["required"] == "Y"):
            continue
        place = found
        for part in [] if row["node"] == "." else row["node"].split("."):
            child = place.setdefault(part, {})
            place = child[0] if isinstance(child, list) else child
        if row["rows"] == "many":
            found = listed(found, row["node"].split("."))
            place = inner(found, row["node"].split("."))
        place[row["field"]] = value(row, person)
    return found


def listed(found: dict[str, Any], path: list[str]) -> dict[str, Any]:
    place = inner(found, path[:-1])
    if isinstance(place[path[-1]], dict):
        place[path[-1]] = [place[path[-1]]]
    return found


def inner(found: Any, path: list[str]) -> Any:
    for part in path:
        found = found[part]
        found = found[0] if isinstance(found, list) else found
    return found


def value(row: dict[str, str], person: str) -> Any:
    fixed = {"psn_no": person, "psnNo": person, "fixmedins_code": CODE, "page_size": "10", "page_num": "1"}
    if row["field"] in fixed:
        return fixed[row["field"]]
    return VALUES.get(row["type"], "1")


@pytest.fixture(scope="module")
def caller(running: RunningSandbox) -> Hospital:
    running.reset()
    return Hospital(running.url)


@pytest.mark.parametrize("every", [False, True], ids=["required", "every field"])
@pytest.mark.parametrize("infno", OUTBOUND)
def test_a_filled_message_is_answered(caller: Hospital, infno: str, every: bool) -> None:
    told = message(infno, every, "44170000000000000001")
    for _ in range(2):
        reply = caller.post(infno, told)
        assert reply.status_code == 200, reply.text
        if reply.content.startswith(b"PK"):
            continue
        found = reply.json()
        assert found["infcode"] in (0, -1)
        assert found["infcode"] == 0 or found["err_msg"]
        assert "规范中没有" not in found["err_msg"], "the message was made wrongly"


ODD: list[Any] = [
    {},
    {"data": None},
    {"data": []},
    {"data": {}},
    {"data": [None]},
    {"data": "x"},
    {"data": [[1]]},
    {"": 1},
]


@pytest.mark.parametrize("infno", OUTBOUND)
def test_odd_messages_break_nothing(caller: Hospital, infno: str) -> None:
    for told in ODD:
        reply = caller.post(infno, told)
        assert reply.status_code == 200, (told, reply.text)
        assert reply.json()["infcode"] in (0, -1)
