"""Faults as commands: what shall go wrong, for which transaction, how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# What happens before anything is done, what happens instead of an answer, what changes the answer, and what holds
# for the whole platform until it is lifted.
WAITS = {"delay"}
STOPS = {
    "cut_before", "cut_after", "cut_midway", "http_401", "http_403", "http_404", "http_500", "http_502_html",
    "not_json", "empty",
}  # fmt: skip
ANSWERS = {
    "drip",
    "wrapper",
    "odd_spelling",
    "wrong_sums",
    "duplicate",
    "refuse",
    "stale_page",
    "repeat_page",
    "wrong_count",
}
FILES = {
    "bad_zip", "zip_bomb", "two_members", "path_member", "json_instead_of_zip", "expired_file", "empty_file", "gbk",
    "fewer_columns", "more_columns", "iso_dates", "bad_dates", "duplicate_rid", "lost_rows", "broken_row",
}  # fmt: skip
STANDING = {"closed", "clock"}
KINDS = WAITS | STOPS | ANSWERS | FILES | STANDING

# Whether the work is done although the client learns nothing of it, unless the fault says otherwise.
COMMITS = {"cut_after", "cut_midway", "not_json", "empty"}


class UnknownFault(ValueError):
    """The fault as given makes no sense; its words tell why."""


@dataclass
class Fault:
    """For `infno` ("*", or several with commas) spare the first `after` requests, then strike `times` (0 = always)."""

    fault: str
    infno: str = "*"
    times: int = 1
    after: int = 0
    number: int = 0
    hits: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def concerns(self, infno: str) -> bool:
        """Whether the transaction is meant and the fault is not used up."""
        meant = self.infno == "*" or infno in [part.strip() for part in self.infno.split(",")]
        return meant and (self.times <= 0 or self.hits < self.times)

    def commits(self) -> bool:
        """Whether the work is done before things go wrong."""
        return bool(self.options.get("commit", self.fault in COMMITS))

    def seconds(self, default: float) -> float:
        """How long, in seconds."""
        return float(self.options.get("seconds", default))

    def shown(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {
            "number": self.number,
            "infno": self.infno,
            "fault": self.fault,
            "times": self.times,
            "after": self.after,
            "hits": self.hits,
            **self.options,
        }


def read_fault(given: Mapping[str, Any]) -> Fault:
    """Make a fault of {infno, fault, times?, after?, …}; raises UnknownFault."""
    kind = given.get("fault")
    if kind not in KINDS:
        raise UnknownFault(f"没有这种故障：{kind}；可用：{'、'.join(sorted(KINDS))}")
    rest = {k: v for k, v in given.items() if k not in ("fault", "infno", "times", "after", "number", "hits")}
    try:
        return Fault(
            str(kind),
            str(given.get("infno") or "*"),
            int(given.get("times", 1)),
            int(given.get("after", 0)),
            options=rest,
        )
    except (TypeError, ValueError):
        raise UnknownFault("times 与 after 应为整数") from None


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self.all: list[Fault] = []
        self.last = 0

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force and number it."""
        self.last += 1
        fault.number = self.last
        self.all.append(fault)
        return fault

    def clear(self, number: int | None = None) -> list[Fault]:
        """Lift one fault or all; returns those lifted."""
        gone = [fault for fault in self.all if number in (None, fault.number)]
        self.all = [fault for fault in self.all if fault not in gone]
        return gone

    def take(self, infno: str) -> list[Fault]:
        """The faults that strike this request: every delay, and the first of the others; counts them."""
        struck: list[Fault] = []
        for fault in self.all:
            if fault.fault in STANDING or not fault.concerns(infno):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.fault in WAITS or not any(other.fault not in WAITS for other in struck):
                fault.hits += 1
                struck.append(fault)
        return struck

    def standing(self, kind: str) -> Fault | None:
        """The latest fault of a kind that holds until it is lifted."""
        return next((fault for fault in reversed(self.all) if fault.fault == kind), None)
