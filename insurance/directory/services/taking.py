"""Taking departments and staff in many at once: from spreadsheets, later from the hospital's own systems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from insurance.directory.choices import DepartmentState
from insurance.directory.errors import DirectoryError, Fault, Hindered
from insurance.directory.messages import book_of
from insurance.directory.models import DEPARTMENT_KEY, Department, StaffMember
from insurance.directory.rules import faults_of
from insurance.directory.services.comparing import refresh_departments, refresh_staff
from insurance.directory.services.departments import lay, new_department, require_key_kept
from insurance.directory.values import as_text, column_value, same
from insurance.exchange.choices import OPEN_STATES
from insurance.exchange.queries import attach_latest
from insurance.specification.books import Book
from portal.audit.services import record
from portal.people.actor import Actor
from portal.people.models import Institution

BUSY = "正在上传，请等结果后再导入"


@dataclass
class Judged:
    """What taking one row would do: `kind` is new, changed, same or error; `changes` is column → (old, new).

    `doubts` are to be looked at by a person and hinder nothing.
    """

    kind: str
    record: Department | StaffMember | None = None
    faults: list[Fault] = field(default_factory=list)
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    doubts: list[Fault] = field(default_factory=list)


def judge_departments(actor: Actor, rows: Sequence[Mapping[str, Any]]) -> list[Judged]:
    """Judge rows (column → value; a column left out is left as it is) against our departments; change nothing."""
    known: dict[str, list[Department]] = defaultdict(list)
    codes = {as_text(row.get("hosp_dept_codg")) for row in rows}
    departments = list(
        Department.objects.filter(institution=actor.institution, hosp_dept_codg__in=codes).order_by("-begntime")
    )
    attach_latest(departments)
    for department in departments:
        known[department.hosp_dept_codg].append(department)
    book = book_of(actor.institution)
    judged = [_judge_department(actor, row, known[as_text(row.get("hosp_dept_codg"))], book) for row in rows]
    _doubt_eaten_zeros(actor, judged)
    return judged


def _doubt_eaten_zeros(actor: Actor, judged: Iterable[Judged]) -> None:
    """Mark new codes that are one of ours but for leading zeros: Excel makes 101 of 0101."""
    codes = Department.objects.filter(institution=actor.institution).values_list("hosp_dept_codg", flat=True)
    ours = {code.lstrip("0"): code for code in codes if code.startswith("0")}
    for item in judged:
        if item.kind == "new" and isinstance(item.record, Department) and item.record.hosp_dept_codg in ours:
            code = ours[item.record.hosp_dept_codg]
            item.doubts.append(
                Fault("hosp_dept_codg", "医院科室编码", f"本院已有科室 {code}，前面的 0 可能被 Excel 去掉")
            )


def _judge_department(actor: Actor, row: Mapping[str, Any], periods: list[Department], book: Book) -> Judged:
    found = _period_meant(row, periods)
    if found is None:
        department = new_department(actor, row)
        faults = faults_of(department, "department.add", book, periods)
        periods.append(department)  # a later row of the same file is judged against it too
        department.submission = None  # type: ignore[attr-defined]
        return Judged("error" if faults else "new", department, faults)
    changes = lay(found, row)
    if not changes:
        return Judged("same", found)
    faults = _hindrances(found, changes)
    purpose = "department.change" if found.held else "department.add"
    faults += faults_of(found, purpose, book, [other for other in periods if other.pk != found.pk])
    return Judged("error" if faults else "changed", found, faults, changes)


def _period_meant(row: Mapping[str, Any], periods: Sequence[Department]) -> Department | None:
    """Return the period of the code that a row means: that which begins so, else the one not ended; None: a new one."""
    begins = column_value("begntime", row.get("begntime"))
    periods = [department for department in periods if department.pk]  # not what another row of this file will make
    for department in periods:
        if begins and department.begntime == begins:
            return department
    living = [d for d in periods if d.endtime is None and d.state != DepartmentState.WITHDRAWN]
    if living and (not begins or not living[0].held):
        return living[0]
    return None if begins or not periods else periods[0]


def _hindrances(department: Department, changes: Mapping[str, Any]) -> list[Fault]:
    latest = department.submission  # type: ignore[attr-defined]
    if latest is not None and latest.state in OPEN_STATES:
        return [Fault("", "", BUSY)]
    try:
        require_key_kept(department, [column for column in changes if column in DEPARTMENT_KEY])
    except Hindered as error:
        return [Fault("begntime", "开始时间", str(error))]
    return []


@transaction.atomic
def take_rows(actor: Actor, *, rows: Sequence[Mapping[str, Any]], source: str = "") -> dict[str, int]:
    """Take rows that were judged good and return new, changed, same. Raises DirectoryError when one is not good now."""
    actor.must("directory.import")
    _lock_all(actor.institution)
    judged = judge_departments(actor, rows)
    _require_good(judged)
    touched = [item for item in judged if item.kind in ("new", "changed")]
    for item in touched:
        assert item.record is not None
        item.record.save()
    counts = _counts(judged)
    if touched:
        record(
            actor,
            "directory.import",
            [i.record for i in touched if i.record],
            label=f"导入科室 {source}",
            counts=counts,
        )
        refresh_departments(actor.institution, {as_text(row.get("hosp_dept_codg")) for row in rows})
    return counts


def _lock_all(institution: Institution) -> None:
    list(Department.objects.select_for_update().filter(institution=institution).values_list("pk"))


def _require_good(judged: Iterable[Judged]) -> None:
    for item in judged:
        if item.kind == "error":
            raise DirectoryError(f"「{item.record}」：{'；'.join(str(fault) for fault in item.faults)}")


def _counts(judged: Iterable[Judged]) -> dict[str, int]:
    kinds = [item.kind for item in judged]
    return {kind: kinds.count(kind) for kind in ("new", "changed", "same")}


# The hospital's own list in the order of its template; pairing.STAFF_COLUMNS are those that the platform knows too.
OWN_LIST_COLUMNS = (
    "staff_no",
    "prac_psn_name",
    "prac_psn_type",
    "prac_psn_code",
    "psn_cert_type",
    "certno",
    "hosp_dept_codg",
    "prac_psn_cert",
    "prac_cert_no",
    "endtime",
)


def judge_staff(actor: Actor, rows: Sequence[Mapping[str, Any]]) -> list[Judged]:
    """Judge rows of the hospital's own list by 工号; change nothing."""
    numbers = {as_text(row.get("staff_no")) for row in rows}
    known = {m.staff_no: m for m in StaffMember.objects.filter(institution=actor.institution, staff_no__in=numbers)}
    codes = set(Department.objects.filter(institution=actor.institution).values_list("hosp_dept_codg", flat=True))
    return [_judge_member(actor, row, known, codes) for row in rows]


def _judge_member(actor: Actor, row: Mapping[str, Any], known: Mapping[str, StaffMember], codes: set[str]) -> Judged:
    member = known.get(as_text(row.get("staff_no")))
    is_new = member is None
    member = member or StaffMember(institution=actor.institution)
    changes = {}
    for column in (name for name in OWN_LIST_COLUMNS if name in row):
        value = column_value(column, row[column])
        if not same(getattr(member, column), value):
            changes[column] = (getattr(member, column), value)
            setattr(member, column, value)
    faults = []
    if member.hosp_dept_codg and member.hosp_dept_codg not in codes:
        faults.append(Fault("hosp_dept_codg", "医院科室编码", f"本院没有编码为 {member.hosp_dept_codg} 的科室"))
    kind = "error" if faults else "new" if is_new else "changed" if changes else "same"
    return Judged(kind, member, faults, {} if is_new else changes)


@transaction.atomic
def take_staff(actor: Actor, *, rows: Sequence[Mapping[str, Any]], source: str = "") -> dict[str, int]:
    """Take rows of the hospital's own list and return new, changed, same. Raises DirectoryError."""
    actor.must("directory.import")
    judged = judge_staff(actor, rows)
    _require_good(judged)
    for item in judged:
        if item.record is not None and item.kind in ("new", "changed"):
            item.record.save()
    counts = _counts(judged)
    record(actor, "directory.import", [], label=f"导入本院人员 {source}", counts=counts)
    refresh_staff(actor.institution)
    return counts
