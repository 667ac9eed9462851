"""Comparing with what the platform holds, and keeping the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from insurance.directory.choices import ComparisonKind, DepartmentState
from insurance.directory.models import (
    DEPARTMENT_COLUMNS,
    ComparisonRow,
    Department,
    PlatformDepartment,
    Practitioner,
    StaffMember,
)
from insurance.directory.pairing import STAFF_COLUMNS, Pair, pair_departments, pair_staff
from insurance.directory.pinyin import initials
from insurance.directory.values import digest_of
from portal.people.models import Institution

KEPT = ("code", "name", "pinyin", "verdict", "fields", "department", "platform", "staff", "practitioner", "digest")


@transaction.atomic
def refresh_departments(institution: Institution) -> dict[str, int]:
    """Compare all departments of an institution with the mirror and keep the result; return verdict → count.

    Some hundred rows at most, so every change of either side ends with it.
    """
    ours = list(Department.objects.select_for_update().filter(institution=institution).order_by("pk"))
    theirs = list(PlatformDepartment.objects.filter(institution=institution).order_by("pk"))
    pairs = pair_departments(ours, theirs)
    _link(pairs)
    rows = [_department_row(institution, pair) for pair in pairs if pair.verdict]
    return _keep(institution, ComparisonKind.DEPARTMENT, rows)


@transaction.atomic
def refresh_staff(institution: Institution) -> dict[str, int]:
    """Compare the hospital's own list with the licensed staff that 5102 answers; return verdict → count."""
    ours = list(StaffMember.objects.filter(institution=institution).order_by("pk"))
    theirs = list(Practitioner.objects.filter(institution=institution, left_at=None).order_by("pk"))
    rows = [_staff_row(institution, pair) for pair in pair_staff(ours, theirs)] if ours else []
    return _keep(institution, ComparisonKind.STAFF, rows)


def _link(pairs: Iterable[Pair[Department, PlatformDepartment]]) -> None:
    now = timezone.now()
    changed = []
    for pair in pairs:
        if pair.ours is None:
            continue
        state, platform_id = _state(pair.ours, pair.theirs, now), pair.theirs.pk if pair.theirs else None
        if (pair.ours.platform_id, pair.ours.state) != (platform_id, state):
            pair.ours.platform_id, pair.ours.state = platform_id, state
            changed.append(pair.ours)
    # A link may move from one row to another and is unique, so all are let go before any is set.
    Department.objects.filter(pk__in=[ours.pk for ours in changed]).update(platform=None)
    Department.objects.bulk_update(changed, ["platform", "state"])


def _state(ours: Department, theirs: PlatformDepartment | None, now: datetime) -> str:
    """Return the state that follows: what the platform holds is no draft; an end counts once the platform has it."""
    if theirs is None or ours.state == DepartmentState.WITHDRAWN:
        return ours.state
    return DepartmentState.ENDED if theirs.endtime and theirs.endtime <= now else DepartmentState.IN_FORCE


def _department_row(institution: Institution, pair: Pair[Department, PlatformDepartment]) -> ComparisonRow:
    facts = pair.ours or pair.theirs
    assert facts is not None
    return ComparisonRow(
        institution=institution,
        kind=ComparisonKind.DEPARTMENT,
        key=f"{facts.hosp_dept_codg}|{facts.begntime.timestamp():.0f}",
        code=facts.hosp_dept_codg,
        name=facts.hosp_dept_name,
        pinyin=initials(facts.hosp_dept_name),
        verdict=pair.verdict,
        fields=pair.fields,
        department=pair.ours,
        platform=pair.theirs,
        digest=digest_of(pair.ours, pair.theirs, columns=DEPARTMENT_COLUMNS),
        compared_at=timezone.now(),
    )


def _staff_row(institution: Institution, pair: Pair[StaffMember, Practitioner]) -> ComparisonRow:
    facts = pair.ours or pair.theirs
    assert facts is not None
    return ComparisonRow(
        institution=institution,
        kind=ComparisonKind.STAFF,
        key=f"ours:{pair.ours.staff_no}" if pair.ours else f"theirs:{facts.prac_psn_type}:{facts.pk}",
        code=facts.prac_psn_code,
        name=facts.prac_psn_name,
        pinyin=facts.pinyin,
        verdict=pair.verdict,
        fields=pair.fields,
        staff=pair.ours,
        practitioner=pair.theirs,
        digest=digest_of(pair.ours, pair.theirs, columns=STAFF_COLUMNS),
        compared_at=timezone.now(),
    )


def _keep(institution: Institution, kind: str, rows: Sequence[ComparisonRow]) -> dict[str, int]:
    kept = ComparisonRow.objects.filter(institution=institution, kind=kind)
    kept.exclude(key__in=[row.key for row in rows]).delete()
    ComparisonRow.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["institution", "kind", "key"],
        update_fields=[*KEPT, "compared_at"],
        batch_size=500,
    )
    return dict(Counter(row.verdict for row in rows))
