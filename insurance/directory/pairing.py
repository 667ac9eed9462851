"""Which record of ours belongs to which of the platform's, and what the pair says. Pure: no database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from django.db import models

from insurance.directory.choices import DepartmentState, Verdict
from insurance.directory.models import DEPARTMENT_COLUMNS, Department, PlatformDepartment, Practitioner, StaffMember
from insurance.directory.values import differences

# What the hospital's own list knows of a licensed person.
STAFF_COLUMNS = (
    "prac_psn_code",
    "prac_psn_name",
    "prac_psn_type",
    "psn_cert_type",
    "certno",
    "prac_psn_cert",
    "prac_cert_no",
    "endtime",
)

LIVING = (DepartmentState.DRAFT, DepartmentState.IN_FORCE)

Ours = TypeVar("Ours", bound=models.Model)
Theirs = TypeVar("Theirs", bound=models.Model)


@dataclass(frozen=True)
class Pair(Generic[Ours, Theirs]):
    """One of ours and one of theirs, either may be missing; `verdict` '' means that there is nothing to show."""

    ours: Ours | None
    theirs: Theirs | None
    verdict: str
    fields: list[str] = field(default_factory=list)


def pair_departments(
    ours: Sequence[Department], theirs: Sequence[PlatformDepartment], now: datetime
) -> list[Pair[Department, PlatformDepartment]]:
    """Pair by code and begntime; what is left over by code alone where that leaves no choice.

    The second look finds departments whose begntime the two sides know differently: they come out as 不同. What we have
    withdrawn and the platform shows as ended is settled: neither held nor worth showing.
    """
    matched, rest, others = _match(ours, theirs, lambda department: (department.hosp_dept_codg, department.begntime))
    living = [department for department in rest if department.state in LIVING]
    by_code, _, others = _match(living, others, lambda department: department.hosp_dept_codg, only=True)
    taken = {department.pk for department, _ in by_code}
    pairs = [_department_pair(mine, its, now) for mine, its in (*matched, *by_code)]
    pairs += [_department_pair(department, None, now) for department in rest if department.pk not in taken]
    return pairs + [Pair(None, its, Verdict.THEIRS) for its in others]


def _department_pair(
    ours: Department, theirs: PlatformDepartment | None, now: datetime
) -> Pair[Department, PlatformDepartment]:
    if theirs is None:
        gone = ours.state in (DepartmentState.ENDED, DepartmentState.WITHDRAWN)
        return Pair(ours, None, "" if gone else Verdict.OURS)
    if ours.state == DepartmentState.WITHDRAWN:
        return Pair(ours, None, "") if has_ended(theirs, now) else Pair(ours, theirs, Verdict.THEIRS)
    fields = differences(ours, theirs, DEPARTMENT_COLUMNS)
    return Pair(ours, theirs, Verdict.DIFFERENT if fields else Verdict.SAME, fields)


def has_ended(department: PlatformDepartment, now: datetime) -> bool:
    """Say whether the platform shows a department as ended; a withdrawn one may stay in 5101 as such."""
    return department.endtime is not None and department.endtime <= now


def pair_staff(ours: Sequence[StaffMember], theirs: Sequence[Practitioner]) -> list[Pair[StaffMember, Practitioner]]:
    """Pair by national code, then by document number within a kind."""
    matched, rest, others = _match(ours, theirs, lambda person: (person.prac_psn_type, person.prac_psn_code), skip=1)
    more, rest, others = _match(rest, others, lambda person: (person.prac_psn_type, person.certno_digest), skip=1)
    pairs = [_staff_pair(mine, its) for mine, its in (*matched, *more)]
    pairs += [Pair(mine, None, Verdict.OURS) for mine in rest]
    return pairs + [Pair(None, its, Verdict.THEIRS) for its in others]


def _staff_pair(ours: StaffMember, theirs: Practitioner) -> Pair[StaffMember, Practitioner]:
    # A cell that the hospital's list leaves empty says nothing, so it contradicts nothing.
    known = [column for column in STAFF_COLUMNS if getattr(ours, column)]
    fields = differences(ours, theirs, known)
    return Pair(ours, theirs, Verdict.DIFFERENT if fields else Verdict.SAME, fields)


def _match(
    ours: Iterable[Ours],
    theirs: Iterable[Theirs],
    key: Callable[..., Hashable],
    *,
    only: bool = False,
    skip: int | None = None,
) -> tuple[list[tuple[Ours, Theirs]], list[Ours], list[Theirs]]:
    """Match two lists by `key`: (pairs, ours left, theirs left).

    `only`: match a key that stands once on each side, leave the rest. `skip`: the place in the key that must not be ''.
    """
    mine, its = _grouped(ours, key), _grouped(theirs, key)
    pairs: list[tuple[Ours, Theirs]] = []
    for value in mine.keys() & its.keys():
        if skip is not None and isinstance(value, tuple) and not value[skip]:
            continue
        if only and (len(mine[value]) > 1 or len(its[value]) > 1):
            continue
        pairs.append((mine[value].pop(0), its[value].pop(0)))
    left_mine = [record for group in mine.values() for record in group]
    left_its = [record for group in its.values() for record in group]
    return pairs, left_mine, left_its


Record = TypeVar("Record", bound=models.Model)


def _grouped(records: Iterable[Record], key: Callable[..., Hashable]) -> dict[Hashable, list[Record]]:
    groups: dict[Hashable, list[Record]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return groups
