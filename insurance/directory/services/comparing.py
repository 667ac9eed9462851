"""Comparing with what the platform holds, and keeping the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from insurance.directory.choices import ComparisonKind, DepartmentState, Verdict
from insurance.directory.models import (
    DEPARTMENT_COLUMNS,
    ComparisonRow,
    Department,
    PlatformDepartment,
    Practitioner,
    StaffMember,
)
from insurance.directory.pairing import STAFF_COLUMNS, Pair, has_ended, pair_departments, pair_staff
from insurance.directory.pinyin import initials
from insurance.directory.values import digest_of
from portal.people.models import Institution

KEPT = ("code", "name", "pinyin", "verdict", "fields", "department", "platform", "staff", "practitioner", "digest")


@transaction.atomic
def refresh_departments(institution: Institution, codes: Iterable[str] | None = None) -> dict[str, int]:
    """Compare departments with the mirror and keep the result; return verdict → count. `codes`: only these.

    A code's periods are compared on their own, so a change of one department costs no look at the others.
    """
    only = {} if codes is None else {"hosp_dept_codg__in": set(codes)}
    ours = list(Department.objects.select_for_update().filter(institution=institution, **only).order_by("pk"))
    theirs = list(PlatformDepartment.objects.filter(institution=institution, **only).order_by("pk"))
    now = timezone.now()
    pairs = pair_departments(ours, theirs, now)
    _link(pairs, now)
    rows = [_department_row(institution.pk, pair, now) for pair in pairs if pair.verdict]
    kept = {} if codes is None else {"code__in": set(codes)}
    return _keep(ComparisonRow.objects.filter(institution=institution, kind=ComparisonKind.DEPARTMENT, **kept), rows)


def note_same(department: Department, platform: PlatformDepartment) -> None:
    """Note that a department and its mirror are equal now, without looking: the platform has just accepted ours."""
    now = timezone.now()
    state = DepartmentState.ENDED if has_ended(platform, now) else DepartmentState.IN_FORCE
    department.platform, department.state = platform, state
    Department.objects.filter(pk=department.pk).update(platform=platform, state=state, changed_at=now)
    _store([_department_row(department.institution_id, Pair(department, platform, Verdict.SAME), now)])


@transaction.atomic
def refresh_staff(institution: Institution) -> dict[str, int]:
    """Compare the hospital's own list with the licensed staff that 5102 answers; return verdict → count."""
    ours = list(StaffMember.objects.filter(institution=institution).order_by("pk"))
    theirs = list(Practitioner.objects.filter(institution=institution, left_at=None).order_by("pk"))
    now = timezone.now()
    rows = [_staff_row(institution.pk, pair, now) for pair in pair_staff(ours, theirs)] if ours else []
    return _keep(ComparisonRow.objects.filter(institution=institution, kind=ComparisonKind.STAFF), rows)


def _link(pairs: Iterable[Pair[Department, PlatformDepartment]], now: datetime) -> None:
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
    return DepartmentState.ENDED if has_ended(theirs, now) else DepartmentState.IN_FORCE


def _department_row(institution_id: int, pair: Pair[Department, PlatformDepartment], now: datetime) -> ComparisonRow:
    facts = pair.ours or pair.theirs
    assert facts is not None
    return ComparisonRow(
        institution_id=institution_id,
        kind=ComparisonKind.DEPARTMENT,
        key=f"{facts.hosp_dept_codg}|{facts.begntime.timestamp():.0f}",
        code=facts.hosp_dept_codg,
        name=facts.hosp_dept_name,
        pinyin=pair.ours.pinyin if pair.ours else initials(facts.hosp_dept_name),
        verdict=pair.verdict,
        fields=pair.fields,
        department=pair.ours,
        platform=pair.theirs,
        digest=digest_of(pair.ours, pair.theirs, columns=DEPARTMENT_COLUMNS),
        compared_at=now,
    )


def _staff_row(institution_id: int, pair: Pair[StaffMember, Practitioner], now: datetime) -> ComparisonRow:
    facts = pair.ours or pair.theirs
    assert facts is not None
    return ComparisonRow(
        institution_id=institution_id,
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
        compared_at=now,
    )


def _keep(before: QuerySet[ComparisonRow], rows: Sequence[ComparisonRow]) -> dict[str, int]:
    before.exclude(key__in=[row.key for row in rows]).delete()
    _store(rows)
    return dict(Counter(row.verdict for row in rows))


def _store(rows: Sequence[ComparisonRow]) -> None:
    ComparisonRow.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["institution", "kind", "key"],
        update_fields=[*KEPT, "compared_at"],
        batch_size=500,
    )
