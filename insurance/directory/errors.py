"""What a service of this room refuses, in words for the person who asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from insurance.specification.checking import Problem


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one field of a record; `field` is '' when it concerns the whole record."""

    field: str
    label: str
    reason: str

    def __str__(self) -> str:
        return f"{self.label}：{self.reason}" if self.label else self.reason

    @classmethod
    def of(cls, problem: Problem) -> Fault:
        """Turn a finding of the specification into one of ours."""
        return cls(problem.field, problem.label, problem.reason)


class DirectoryError(Exception):
    """Base: the text is Chinese and says what happened and what to do."""


class Busy(DirectoryError):
    """The record is on its way to the platform and must not change under it."""


class Hindered(DirectoryError):
    """The act makes no sense in the record's present state."""


class Invalid(DirectoryError):
    """The record's values do not satisfy the rules; `faults` lists everything wrong at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("；".join(str(fault) for fault in faults))
        self.faults = list(faults)
