"""Taking in what the platform answers: 5101, 5102 and 1201."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from insurance.directory.choices import DepartmentState
from insurance.directory.models import (
    DEPARTMENT_COLUMNS,
    DEPARTMENT_KEY,
    PRACTITIONER_COLUMNS,
    Department,
    InstitutionInfo,
    PlatformDepartment,
    Practitioner,
)
from insurance.directory.queries import touched_since
from insurance.directory.services.comparing import note_same, refresh_departments, refresh_staff
from insurance.directory.values import as_text, department_values, facts_of, practitioner_values, same
from portal.audit.services import record
from portal.people.actor import Actor
from portal.privacy.keys import digest

INFO_COLUMNS = ("fixmedins_code", "fixmedins_name", "uscc", "fixmedins_type", "hosp_lv", "exp_content")


@transaction.atomic
def replace_mirror(actor: Actor, *, rows: Iterable[Mapping[str, Any]], asked_at: datetime) -> dict[str, int]:
    """Replace the mirror by the answer of 5101 asked at `asked_at`, compare, and return verdict → count.

    Departments whose upload was under way since are left as that upload left them: the answer may be older than it.
    """
    institution = actor.institution
    touched = touched_since(institution, asked_at)
    fresh = {(p.hosp_dept_codg, p.begntime): p for p in (_platform(institution, row, asked_at) for row in rows) if p}
    kept = {
        (platform.hosp_dept_codg, platform.begntime): platform
        for platform in PlatformDepartment.objects.select_for_update().filter(institution=institution)
    }
    gone = [platform.pk for key, platform in kept.items() if key not in fresh and key not in touched]
    PlatformDepartment.objects.filter(pk__in=gone).delete()
    for key, platform in fresh.items():
        if key not in touched:
            _store(platform, kept.get(key))
    counts = refresh_departments(institution)
    record(actor, "directory.compare", label="科室核对", answered=len(fresh), counts=counts)
    return counts


def _platform(institution: Any, row: Mapping[str, Any], at: datetime) -> PlatformDepartment | None:
    values = department_values(row)
    if not values.get("hosp_dept_codg") or not values.get("begntime"):
        return None
    return PlatformDepartment(institution=institution, fetched_at=at, source="5101", **values)


def _store(fresh: PlatformDepartment, kept: PlatformDepartment | None) -> None:
    if kept is not None:
        fresh.pk = kept.pk
    fresh.save()


def note_accepted(department: Department) -> PlatformDepartment:
    """Note that the platform now holds a department as we have it, and return the mirror's row.

    Runs once for each upload, inside the applying transaction: three statements and no reading.
    """
    platform = PlatformDepartment(
        institution_id=department.institution_id,
        fetched_at=timezone.now(),
        source="上传",
        dept_resper_tel_digest=department.dept_resper_tel_digest,
        **facts_of(department, DEPARTMENT_COLUMNS),
    )
    PlatformDepartment.objects.bulk_create(
        [platform],
        update_conflicts=True,
        unique_fields=["institution", *DEPARTMENT_KEY],
        update_fields=[
            *(column for column in DEPARTMENT_COLUMNS if column not in DEPARTMENT_KEY),
            "dept_resper_tel_digest",
            "extra",
            "fetched_at",
            "source",
        ],
    )
    note_same(department, platform)
    return platform


def note_withdrawn(department: Department) -> None:
    """Note that the platform holds a department no more; our record stays as 已撤销."""
    Department.objects.filter(pk=department.pk).update(
        platform=None, state=DepartmentState.WITHDRAWN, changed_at=timezone.now()
    )
    if department.platform_id is not None:
        PlatformDepartment.objects.filter(pk=department.platform_id).delete()
    refresh_departments(department.institution, [department.hosp_dept_codg])


@transaction.atomic
def replace_practitioners(
    actor: Actor, *, kind: str, rows: Iterable[Mapping[str, Any]], asked_at: datetime
) -> dict[str, int]:
    """Take in 5102's answer for one kind; who is no longer answered gets `left_at`. Return new, left, back, seen."""
    fresh = _by_key(kind, rows)
    known = {
        practitioner.key: practitioner
        for practitioner in Practitioner.objects.select_for_update().filter(
            institution=actor.institution, prac_psn_type=kind
        )
    }
    new = [_practitioner(actor, kind, key, values, asked_at) for key, values in fresh.items() if key not in known]
    seen = [known[key] for key in fresh if key in known]
    back = sum(1 for practitioner in seen if practitioner.left_at)
    for practitioner in seen:
        _renew(practitioner, fresh[practitioner.key], asked_at)
    Practitioner.objects.bulk_create(new, batch_size=500)
    Practitioner.objects.bulk_update(seen, RENEWED, batch_size=200)
    left = (
        Practitioner.objects.filter(institution=actor.institution, prac_psn_type=kind, left_at=None)
        .exclude(key__in=list(fresh))
        .update(left_at=asked_at)
    )
    return {"new": len(new), "left": left, "back": back, "seen": len(fresh)}


RENEWED = [*PRACTITIONER_COLUMNS, "certno_digest", "pinyin", "extra", "last_seen", "left_at"]


def _by_key(kind: str, rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return key → values; of several rows for one person the one that begins last."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        values = {**dict.fromkeys(PRACTITIONER_COLUMNS, ""), "begntime": None, "endtime": None}
        values |= practitioner_values(row) | {"prac_psn_type": kind}
        key = values["prac_psn_code"] or (f"cert:{digest(values['certno'])}" if values["certno"] else "")
        known = found.get(key)
        if key and (known is None or _begins(known) <= _begins(values)):
            found[key] = values
    return found


def _begins(values: Mapping[str, Any]) -> float:
    return values["begntime"].timestamp() if values["begntime"] else 0.0


def _practitioner(actor: Actor, kind: str, key: str, values: Mapping[str, Any], at: datetime) -> Practitioner:
    practitioner = Practitioner(institution=actor.institution, key=key, first_seen=at, last_seen=at, **values)
    practitioner.prepare()
    return practitioner


def _renew(practitioner: Practitioner, values: Mapping[str, Any], at: datetime) -> None:
    for column, value in values.items():
        setattr(practitioner, column, value)
    practitioner.last_seen, practitioner.left_at = at, None
    practitioner.prepare()


@transaction.atomic
def finish_practitioners(actor: Actor, *, counts: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Compare the hospital's own list after all kinds were taken in, and note the run in the audit."""
    verdicts = refresh_staff(actor.institution)
    record(actor, "directory.practitioners", label="医执人员更新", kinds={k: dict(v) for k, v in counts.items()})
    return verdicts


@transaction.atomic
def replace_institution_info(actor: Actor, *, rows: Sequence[Mapping[str, Any]]) -> InstitutionInfo | None:
    """Keep what 1201 says of this institution: the row with its code. None when the answer does not hold it."""
    code = actor.institution.fixmedins_code
    row = next((row for row in rows if as_text(row.get("fixmedins_code")) == code), None)
    if row is None:
        return None
    values: dict[str, Any] = {name: as_text(row.get(name)) for name in INFO_COLUMNS}
    extra = {name: as_text(value) for name, value in row.items() if name not in INFO_COLUMNS and as_text(value)}
    before = InstitutionInfo.objects.filter(institution=actor.institution).first()
    info, _ = InstitutionInfo.objects.update_or_create(
        institution=actor.institution, defaults={**values, "extra": extra, "fetched_at": timezone.now()}
    )
    changed = [name for name in INFO_COLUMNS if before and not same(getattr(before, name), values[name])]
    record(actor, "directory.institution", label="机构信息更新", changed=changed)
    return info
