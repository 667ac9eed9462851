"""Settling what differs from the platform: theirs is taken, ours is said again, or it is set aside with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from insurance.directory.choices import ComparisonKind, DepartmentState, Verdict
from insurance.directory.errors import DirectoryError, Hindered
from insurance.directory.models import DEPARTMENT_COLUMNS, ComparisonRow, Department, PlatformDepartment
from insurance.directory.pairing import STAFF_COLUMNS, has_ended
from insurance.directory.services.comparing import refresh_departments, refresh_staff
from insurance.directory.services.departments import lock
from insurance.directory.services.submitting import queue, submit_departments
from insurance.directory.values import facts_of
from portal.audit.services import record
from portal.people.actor import Actor

NO_UPLOAD_OF_STAFF = "平台没有医执人员的上传交易，请在国家医保信息业务编码平台维护后重新核对"
FIXED_BEGIN = "开始时间不同：它是平台定位科室的依据，不能用变更修改。请「以平台为准」，或撤销后重新上传"


@dataclass
class Settled:
    """What became of the rows chosen: `done`, and the rest each with the reason why not."""

    done: list[ComparisonRow] = field(default_factory=list)
    skipped: list[tuple[ComparisonRow, str]] = field(default_factory=list)


@transaction.atomic
def adopt_platform(actor: Actor, *, rows: Iterable[ComparisonRow]) -> Settled:
    """以平台为准: our records take the platform's values, begin to exist, or end. Raises NotAllowed."""
    actor.must("directory.edit")
    settled = _each(actor, rows, _adopt)
    _finish(actor, settled, "directory.adopt_platform", "以平台为准")
    return settled


@transaction.atomic
def keep_ours(actor: Actor, *, rows: Iterable[ComparisonRow], reason: str = "") -> Settled:
    """以本院为准: queue what makes the platform hold what we hold (add, change, withdraw). Raises NotAllowed."""
    actor.must("directory.submit")
    settled = _each(actor, rows, _keep)
    _finish(actor, settled, "directory.keep_ours", "以本院为准", reason)
    return settled


@transaction.atomic
def ignore(actor: Actor, *, rows: Iterable[ComparisonRow], reason: str) -> Settled:
    """不处理: set differences aside until one of the two sides changes. Raises DirectoryError without a reason."""
    actor.must("directory.edit")
    if not reason.strip():
        raise DirectoryError("不处理须填写原因。")

    def set_aside(actor: Actor, row: ComparisonRow) -> None:
        row.ignored_digest, row.ignored_reason = row.digest, reason.strip()
        row.ignored_by, row.ignored_at = actor.name, timezone.now()
        row.save()

    settled = _each(actor, rows, set_aside)
    _finish(actor, settled, "directory.ignore", "不处理", reason)
    return settled


def _each(actor: Actor, rows: Iterable[ComparisonRow], act: Callable[[Actor, ComparisonRow], None]) -> Settled:
    settled = Settled()
    locked = (
        ComparisonRow.objects.select_for_update(of=("self",))
        .select_related("department", "platform", "staff", "practitioner")
        .filter(institution=actor.institution, pk__in=[row.pk for row in rows])
        .order_by("pk")
    )
    for row in locked:
        try:
            if row.verdict == Verdict.SAME:
                raise Hindered("已一致，无需处理")
            act(actor, row)
            settled.done.append(row)
        except DirectoryError as error:
            settled.skipped.append((row, str(error)))
    return settled


def _finish(actor: Actor, settled: Settled, action: str, word: str, reason: str = "") -> None:
    if not settled.done:
        return
    subjects = [row.department or row.staff or row.platform or row.practitioner or row for row in settled.done]
    record(actor, action, subjects, label=f"{word} {len(subjects)} 条", reason=reason)
    if any(row.kind == ComparisonKind.DEPARTMENT for row in settled.done):
        refresh_departments(actor.institution)
    if any(row.kind == ComparisonKind.STAFF for row in settled.done):
        refresh_staff(actor.institution)


def _adopt(actor: Actor, row: ComparisonRow) -> None:
    if row.kind == ComparisonKind.STAFF:
        _adopt_person(row)
    elif row.platform is None:
        _end_ours(actor, row)
    else:
        _take_theirs(actor, row.department, row.platform)


def _adopt_person(row: ComparisonRow) -> None:
    if row.staff is None or row.practitioner is None:
        raise Hindered("只能在两边都有的人员上以平台为准；缺的人请在本院名单中增减后重新导入")
    for column in STAFF_COLUMNS:
        setattr(row.staff, column, getattr(row.practitioner, column))
    row.staff.save()


def _end_ours(actor: Actor, row: ComparisonRow) -> None:
    assert row.department is not None
    department = lock(actor, row.department)
    if department.state == DepartmentState.DRAFT:
        raise Hindered("草稿还没有上传过，平台自然没有；不要的草稿请作废")
    department.state = DepartmentState.ENDED
    department.endtime = department.endtime or max(timezone.now(), department.begntime)
    department.save()


def _take_theirs(actor: Actor, ours: Department | None, theirs: PlatformDepartment) -> Department:
    facts = facts_of(theirs, DEPARTMENT_COLUMNS)
    if ours is None:
        department = Department(institution=actor.institution, state=DepartmentState.IN_FORCE, **facts)
    else:
        department = lock(actor, ours)
        department.state = DepartmentState.IN_FORCE
        for column, value in facts.items():
            setattr(department, column, value)
    department.platform = theirs
    _make_room(department)
    department.save()
    return department


def _make_room(department: Department) -> None:
    """Raise Hindered when another record of ours holds the code without an end."""
    other = (
        Department.objects.filter(
            institution=department.institution, hosp_dept_codg=department.hosp_dept_codg, endtime=None
        )
        .exclude(pk=department.pk)
        .exclude(state=DepartmentState.WITHDRAWN)
        .first()
    )
    if other is not None and department.endtime is None:
        raise Hindered(f"本院另有同编码、未停用的「{other.hosp_dept_name}」，请先停用或作废它")


def _keep(actor: Actor, row: ComparisonRow) -> None:
    if row.kind == ComparisonKind.STAFF:
        raise Hindered(NO_UPLOAD_OF_STAFF)
    if row.verdict == Verdict.THEIRS:
        _withdraw_theirs(actor, row)
        return
    if "begntime" in row.fields:
        raise Hindered(FIXED_BEGIN)
    assert row.department is not None
    submitted = submit_departments(actor, departments=[row.department])
    for planned in submitted.hindered:
        raise Hindered(planned.hindrance)
    for planned in submitted.faulty:
        raise Hindered("；".join(str(fault) for fault in planned.faults))


def _withdraw_theirs(actor: Actor, row: ComparisonRow) -> None:
    """Have the platform drop what we do not keep; the act needs a record of ours, which ends as 已撤销."""
    assert row.platform is not None
    if has_ended(row.platform, timezone.now()):
        raise Hindered("平台上已停用，无需撤销；请「以平台为准」留下这段历史，或「不处理」")
    department = row.department and lock(actor, row.department)
    if department is None:
        department = Department(
            institution=actor.institution,
            state=DepartmentState.WITHDRAWN,
            platform=row.platform,
            **facts_of(row.platform, DEPARTMENT_COLUMNS),
        )
        department.save()
    queue(actor, department, "department.withdraw")
