"""Everything that changes a department of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from insurance.directory.choices import DepartmentState
from insurance.directory.errors import Busy, DirectoryError, Fault, Hindered, Invalid
from insurance.directory.messages import book_of
from insurance.directory.models import DEPARTMENT_KEY, Department
from insurance.directory.rules import faults_of
from insurance.directory.services.comparing import refresh_departments
from insurance.directory.services.submitting import give_up_refused, queue
from insurance.directory.values import SENSITIVE, department_values, same
from insurance.exchange.choices import OPEN_STATES
from insurance.exchange.queries import attach_latest
from portal.audit.services import record
from portal.people.actor import Actor


@transaction.atomic
def create_department(actor: Actor, *, values: Mapping[str, Any]) -> Department:
    """Keep a new department as a draft. Raises Invalid with everything wrong, NotAllowed."""
    actor.must("directory.edit")
    department = new_department(actor, values)
    _require_valid(department)
    department.save()
    record(actor, "directory.create", [department], label=f"新建科室 {department}")
    refresh_departments(actor.institution, [department.hosp_dept_codg])
    return department


@transaction.atomic
def change_department(actor: Actor, *, department: Department, values: Mapping[str, Any]) -> list[str]:
    """Change a department and return the columns that changed. Raises Busy, Hindered, Invalid, NotAllowed.

    The platform keeps its values until the change is uploaded; until then the comparison says 不同.
    """
    actor.must("directory.edit")
    locked = lock(actor, department)
    before = locked.hosp_dept_codg
    changed = lay(locked, values)
    if not changed:
        return []
    require_key_kept(locked, changed)
    _require_valid(locked)
    locked.save()
    record(actor, "directory.change", [locked], label=f"修改科室 {locked}", changed=told(changed))
    # A draft's code may have changed: the old one has to be looked at too.
    refresh_departments(actor.institution, {locked.hosp_dept_codg, before})
    return list(changed)


@transaction.atomic
def end_department(actor: Actor, *, department: Department, endtime: datetime, reason: str = "") -> Department:
    """Give a department its end and queue the change (3402). Raises Busy, Hindered, Invalid, NotAllowed."""
    actor.must("directory.submit")
    locked = lock(actor, department)
    if not locked.held:
        raise Hindered(f"「{locked.hosp_dept_name}」还没有上传到平台，无需停用；草稿可直接作废。")
    locked.endtime = endtime
    _require_valid(locked, "department.change")
    locked.save()
    record(actor, "directory.end", [locked], label=f"停用科室 {locked}", reason=reason, endtime=endtime.isoformat())
    refresh_departments(actor.institution, [locked.hosp_dept_codg])
    queue(actor, locked, "department.change")
    return locked


@transaction.atomic
def withdraw_department(actor: Actor, *, department: Department, reason: str) -> Department:
    """Queue the withdrawal at the platform (3403). Raises Busy, Hindered, Invalid, NotAllowed."""
    actor.must("directory.submit")
    if not reason.strip():
        raise DirectoryError("撤销须填写原因。")
    locked = lock(actor, department)
    if not locked.held:
        raise Hindered(f"平台没有「{locked.hosp_dept_name}」，无需撤销。")
    _require_valid(locked, "department.withdraw")
    record(actor, "directory.withdraw", [locked], label=f"撤销科室 {locked}", reason=reason)
    queue(actor, locked, "department.withdraw")
    return locked


@transaction.atomic
def discard_draft(actor: Actor, *, department: Department) -> None:
    """Drop a draft: gone when it was never uploaded, else kept as 已撤销. Raises Busy, Hindered, NotAllowed."""
    actor.must("directory.edit")
    locked = lock(actor, department)
    if locked.state != DepartmentState.DRAFT or locked.held:
        raise Hindered(f"「{locked.hosp_dept_name}」不是草稿；平台已有的科室请用「停用」或「撤销」。")
    give_up_refused(actor, locked)
    record(actor, "directory.discard", [locked], label=f"作废草稿 {locked}")
    if latest_of(locked):
        locked.state = DepartmentState.WITHDRAWN
        locked.save()
    else:
        locked.delete()
    refresh_departments(actor.institution, [locked.hosp_dept_codg])


def preview_faults(actor: Actor, *, values: Mapping[str, Any], department: Department | None = None) -> list[Fault]:
    """Return everything that saving these values would be refused for; changes nothing. For forms."""
    tried = copy(department) if department else new_department(actor, values)
    if department:
        lay(tried, values)
    return faults_now(tried)


def faults_now(department: Department, purpose: str = "") -> list[Fault]:
    """Return everything wrong with a department as it would be uploaded, or by the `purpose` given."""
    purpose = purpose or ("department.change" if department.held else "department.add")
    siblings = Department.objects.filter(
        institution=department.institution, hosp_dept_codg=department.hosp_dept_codg
    ).exclude(pk=department.pk)
    return faults_of(department, purpose, book_of(department.institution), list(siblings))


def new_department(actor: Actor, values: Mapping[str, Any]) -> Department:
    """Return an unsaved draft of the actor's institution with the defaults that a person would give."""
    given = department_values(values)
    department = Department(institution=actor.institution, **given)
    if not given.get("begntime"):
        department.begntime = department.dept_estbdat or today()
    department.poolarea_no = department.poolarea_no or actor.institution.admdvs
    return department


def today() -> datetime:
    """Return the start of today, Asia/Shanghai."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def lay(department: Department, values: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Lay new values onto a department and return column → (old, new) for those that changed."""
    given = department_values(values)
    extra = given.pop("extra")
    if any(not same(department.extra.get(name, ""), value) for name, value in extra.items()):
        given["extra"] = {**department.extra, **extra}
    for name in ("begntime", "poolarea_no"):
        if name in given and not given[name]:
            del given[name]  # left empty means left as it is: both always have a value
    changed = {}
    for column, value in given.items():
        if not same(getattr(department, column), value):
            changed[column] = (getattr(department, column), value)
            setattr(department, column, value)
    return changed


def told(changed: Mapping[str, tuple[Any, Any]]) -> dict[str, list[str]]:
    """Return changes as the audit may keep them: personal data is named, never written."""
    return {
        column: ["***", "***"] if column in SENSITIVE else ["" if v is None else str(v) for v in pair]
        for column, pair in changed.items()
    }


def lock(actor: Actor, department: Department) -> Department:
    """Return the department locked for change. Raises Busy while it is on its way to the platform."""
    locked: Department = Department.objects.select_for_update().get(pk=department.pk, institution=actor.institution)
    latest = latest_of(locked)
    if latest is not None and latest.state in OPEN_STATES:
        raise Busy(f"「{locked.hosp_dept_name}」正在上传，请等结果。")
    return locked


def latest_of(department: Department) -> Any:
    """Return the department's latest submission, None when it was never uploaded."""
    attach_latest([department])
    return department.submission  # type: ignore[attr-defined]


def require_key_kept(department: Department, changed: Mapping[str, Any] | Sequence[str]) -> None:
    """Raise Hindered when a key column changed although the platform finds the department by it."""
    if department.held and any(column in changed for column in DEPARTMENT_KEY):
        raise Hindered(
            f"「{department.hosp_dept_name}」已在平台，编码和开始时间是平台定位它的依据，不能修改。"
            "请撤销后重新上传，或停用后新建。"
        )


def _require_valid(department: Department, purpose: str = "") -> None:
    faults = faults_now(department, purpose)
    if faults:
        raise Invalid(faults)
