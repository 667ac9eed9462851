"""Sending departments to the platform: what would be sent, what stands in the way, and the queuing itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from insurance.directory.errors import Fault, Hindered
from insurance.directory.messages import book_of
from insurance.directory.models import DEPARTMENT_COLUMNS, Department
from insurance.directory.rules import faults_of
from insurance.directory.values import differences
from insurance.exchange.choices import OPEN_STATES, SubmissionState
from insurance.exchange.errors import AlreadyOpen
from insurance.exchange.models import Connection, Submission
from insurance.exchange.queries import attach_latest, submissions_of, type_of
from insurance.exchange.services import hold_queue, submit, submit_many, withdraw
from insurance.specification.books import Book
from portal.audit.services import record
from portal.people.actor import Actor
from portal.people.models import Institution

ALREADY = "已在上传队列中"
LEVEL = "与平台一致，无需上传"
NO_CONNECTION = "本机构尚未建立平台连接，不能上传。请联系信息科在「系统 · 平台连接」中建立。"
REPLACED = "已由后来的操作代替"


@dataclass(frozen=True)
class Planned:
    """What would be sent for one department: its purpose, or the hindrance, and everything wrong with its message."""

    department: Department
    purpose: str
    hindrance: str = ""
    faults: Sequence[Fault] = ()

    @property
    def ready(self) -> bool:
        """Say whether it would be sent."""
        return not self.hindrance and not self.faults


@dataclass
class Submitted:
    """What became of a press on 上传."""

    queued: list[Submission] = field(default_factory=list)
    hindered: list[Planned] = field(default_factory=list)
    faulty: list[Planned] = field(default_factory=list)


def plan_departments(institution: Institution, departments: Iterable[Department]) -> list[Planned]:
    """Return what an upload of these departments would send, with every problem of every one of them."""
    departments = list(departments)
    attach_latest(departments)
    book = book_of(institution)
    codes = {department.hosp_dept_codg for department in departments}
    siblings: dict[str, list[Department]] = {}
    for other in Department.objects.filter(institution=institution, hosp_dept_codg__in=codes):
        siblings.setdefault(other.hosp_dept_codg, []).append(other)
    return [_plan(department, siblings.get(department.hosp_dept_codg, []), book) for department in departments]


def _plan(department: Department, siblings: Sequence[Department], book: Book) -> Planned:
    purpose = "department.change" if department.held else "department.add"
    latest: Submission | None = department.submission  # type: ignore[attr-defined]
    if latest is not None and latest.state in OPEN_STATES:
        return Planned(department, latest.purpose, ALREADY)
    platform = department.platform
    if platform is not None and not differences(department, platform, DEPARTMENT_COLUMNS):
        return Planned(department, purpose, LEVEL)
    others = [other for other in siblings if other.pk != department.pk]
    return Planned(department, purpose, faults=faults_of(department, purpose, book, others))


@transaction.atomic
def submit_departments(actor: Actor, *, departments: Iterable[Department]) -> Submitted:
    """Queue the upload of departments: department.add where the platform lacks one, department.change where it differs.

    Those with problems are not queued and come back in `faulty`, all problems of all of them; those already on their
    way or equal to the platform's in `hindered`. A second press finds them on their way. Raises NotAllowed.
    """
    actor.must("directory.submit")
    locked = list(
        Department.objects.select_for_update(of=("self",))
        .select_related("platform")
        .filter(institution=actor.institution, pk__in=[department.pk for department in departments])
        .order_by("pk")
    )
    done = Submitted()
    ready: dict[str, list[Planned]] = {}
    for planned in plan_departments(actor.institution, locked):
        if planned.hindrance:
            done.hindered.append(planned)
        elif planned.faults:
            done.faulty.append(planned)
        else:
            ready.setdefault(planned.purpose, []).append(planned)
    for purpose, group in ready.items():
        _queue_all(actor, purpose, group, done)
    if done.queued:
        subjects = [f"{submission.subject_type}:{submission.subject_id}" for submission in done.queued]
        record(actor, "directory.submit", subjects, label=f"上传科室 {len(subjects)} 个")
    return done


def _queue_all(actor: Actor, purpose: str, group: Sequence[Planned], done: Submitted) -> None:
    """Queue what is ready in few statements; where one of them is on its way after all, one by one."""
    departments = [planned.department for planned in group]
    try:
        hold_queue(actor, purpose=purpose, subjects=departments)
        _give_up_others(actor, departments, purpose)
        done.queued += submit_many(actor, purpose=purpose, subjects=departments)
    except AlreadyOpen:
        for planned in group:
            try:
                done.queued.append(queue(actor, planned.department, purpose))
            except AlreadyOpen:
                done.hindered.append(Planned(planned.department, purpose, ALREADY))
    except Connection.DoesNotExist:
        raise Hindered(NO_CONNECTION) from None


def _give_up_others(actor: Actor, departments: Sequence[Department], purpose: str) -> None:
    """Take refused submissions of other purposes out of these departments' threads: they would hold the new ones."""
    refused = Submission.objects.filter(
        subject_type=type_of(departments[0]),
        subject_id__in=[str(department.pk) for department in departments],
        state=SubmissionState.REFUSED,
        superseded=False,
    ).exclude(purpose=purpose)
    for submission in refused:
        withdraw(actor, submission=submission, reason=REPLACED)


def queue(actor: Actor, department: Department, purpose: str) -> Submission:
    """Make the submission; it is rung when the transaction commits. Raises AlreadyOpen, Hindered.

    A refused one of another purpose would hold this one back in the department's thread, so it is given up.
    """
    try:
        hold_queue(actor, purpose=purpose, subjects=[department])
        give_up_refused(actor, department, but=purpose)
        # The digest of what is approved must be that of the stored values: a time given in +08:00 reads otherwise in
        # UTC.
        department.refresh_from_db()
        return submit(actor, purpose=purpose, subject=department, label=str(department))
    except Connection.DoesNotExist:
        raise Hindered(NO_CONNECTION) from None


def give_up_refused(actor: Actor, department: Department, *, but: str = "") -> None:
    """Take refused submissions of a department out of its thread, except those of the purpose `but`."""
    refused = submissions_of(department).filter(state=SubmissionState.REFUSED, superseded=False).exclude(purpose=but)
    for submission in refused:
        withdraw(actor, submission=submission, reason=REPLACED)
