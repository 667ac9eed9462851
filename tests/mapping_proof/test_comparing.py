"""How two sides differ, without a database."""

from __future__ import annotations

import datetime as dt
from itertools import count
from typing import Any

import pytest

from insurance.mapping.choices import DifferenceKind, Verdict
from insurance.mapping.models.relations import OPEN_END
from insurance.mapping.proof.comparing import Side, differences

TODAY = dt.date(2026, 6, 15)
_keys = count(1)


def side(code: str = "A", begin: str = "2026-01-01", end: str = "", item: str = "Y1", **more: Any) -> Side:
    until = dt.date.fromisoformat(end) if end else OPEN_END
    return Side(next(_keys), "101", item, code, dt.date.fromisoformat(begin), until, **more)


def kinds(ours: list[Side], theirs: list[Side], sees_unaudited: bool = True) -> list[str]:
    found = differences(ours, theirs, TODAY, sees_unaudited=sees_unaudited)
    assert len({one.key for one in found}) == len(found)
    return [one.kind.value for one in found]


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([side()], [side()], []),
        ([side()], [], ["missing"]),
        ([], [side()], ["extra"]),
        ([], [side(end="2026-06-14")], []),
        ([], [side(end="2026-06-15")], ["extra"]),
        ([side()], [side("B")], ["other_code"]),
        ([side()], [side(end="2026-12-31")], ["other_dates"]),
        ([side()], [side(begin="2026-02-01")], ["other_dates"]),
        ([side()], [side(end="2026-05-31")], ["expired"]),
        ([side()], [side(valid=False)], ["expired"]),
        ([side(end="2026-05-31")], [side()], ["other_dates"]),
        ([side(end="2026-05-31")], [], []),
        ([side(end="2026-05-31")], [side(valid=False)], []),
        ([side()], [side(begin="2025-01-01", end="2025-06-30")], ["missing"]),
        ([side(told=False)], [], []),
        ([side(told=False)], [side()], []),
        ([side(told=False)], [side("B")], ["extra"]),
        ([side(verdict=Verdict.FAILED)], [side(verdict=Verdict.FAILED)], []),
        ([side(verdict=Verdict.FAILED)], [], []),
        ([], [side(verdict=Verdict.RETURNED)], []),
        ([side("A", end="2026-05-31"), side("B", "2026-06-01")], [side("A", end="2026-05-31"), side("B", "2026-06-01")],
         []),
        ([side("A", end="2026-05-31"), side("B", "2026-06-01")], [side("A")], ["other_dates", "missing"]),
        ([side()], [side(item="Y2")], ["missing", "extra"]),
    ],
)  # fmt: skip
def test_each_kind(ours: list[Side], theirs: list[Side], expected: list[str]) -> None:
    assert kinds(ours, theirs) == expected


def test_what_waits_for_the_bureau_is_missing_only_where_the_waiting_can_be_seen() -> None:
    waiting = [side(verdict=Verdict.WAITING)]
    assert kinds(waiting, [], sees_unaudited=False) == []
    assert kinds(waiting, [], sees_unaudited=True) == ["missing"]


def test_the_same_difference_keeps_its_key_and_tells_when_it_changed() -> None:
    first = differences([side()], [side(end="2026-12-31")], TODAY, sees_unaudited=True)[0]
    second = differences([side()], [side(end="2026-11-30")], TODAY, sees_unaudited=True)[0]
    assert first.kind == DifferenceKind.OTHER_DATES
    assert first.key == second.key
    assert first.digest != second.digest
