"""How departments travel: the row, what an outcome changes, and what a look at the platform proves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone

from insurance.directory.messages import department_row
from insurance.directory.models import DEPARTMENT_COLUMNS, Department, PlatformDepartment
from insurance.directory.services.mirroring import note_accepted, note_withdrawn
from insurance.directory.values import as_time, department_values, same
from insurance.exchange.connections import book_of
from insurance.exchange.handlers import Ask, Finding, Handler, Outcome, Settled, register
from insurance.exchange.models import Submission

Values = Mapping[str, Any]


class DepartmentHandler(Handler):
    """What the three purposes share. The thread is the code: what is said of one department goes in order."""

    def thread(self, subject: Any) -> str:
        """Return the department's code as its order."""
        return f"department:{subject.hosp_dept_codg}"

    def message(self, submission: Submission) -> dict[str, Any]:
        """Return the department as the edition's fields name it."""
        return department_row(submission.subject, self.purpose, book_of(submission.connection))

    def apply(self, submission: Submission, outcome: Outcome) -> None:
        """Bring mirror, state and comparison in line with what the platform accepted; a refusal changes no record."""
        if outcome.accepted:
            self.accepted(submission.subject)

    def accepted(self, department: Department) -> None:
        """Note that the platform holds the department as we have it."""
        note_accepted(department)

    def settle(self, ask: Ask, step: str, sent: Mapping[int, Values]) -> dict[int, Settled]:
        """Judge every row sent by one look at 5101."""
        if step != "5101" or not sent:
            return {}
        rows = [department_values(row) for row in ask(step, {}).output.rows("feedetail")]
        return {pk: self.judge(pk, department_values(row), rows) for pk, row in sent.items()}

    def judge(self, pk: int, sent: Values, rows: Sequence[Values]) -> Settled:
        """Judge one row by the platform's rows; found by code and begntime means that it arrived (3401)."""
        row = _found(sent, rows)
        if row is None:
            return Settled(Finding.ABSENT, evidence=f"5101 中没有{_words(sent)}")
        return Settled(Finding.ADOPTED, row, f"5101 中有{_words(sent)}")


class Add(DepartmentHandler):
    """3401: found by code and begntime means that it arrived."""

    purpose: ClassVar[str] = "department.add"
    label: ClassVar[str] = "科室信息上传"


class Change(DepartmentHandler):
    """3402: the platform's row tells by its values whether the change arrived."""

    purpose: ClassVar[str] = "department.change"
    label: ClassVar[str] = "科室信息变更"

    def judge(self, pk: int, sent: Values, rows: Sequence[Values]) -> Settled:
        """Equal to what was sent is adopted, equal to what it was before is absent, anything else a person must see."""
        row = _found(sent, rows)
        if row is None:
            return Settled(Finding.UNDECIDED, evidence=f"5101 中没有{_words(sent)}，无法判断变更是否生效")
        fields = _differing(sent, row)
        if not fields:
            return Settled(Finding.ADOPTED, row, f"5101 中{_words(sent)}与所传内容一致")
        before = _held_before(pk, sent)
        if before is not None and not _differing({name: getattr(before, name) for name in row if name in sent}, row):
            return Settled(Finding.ABSENT, evidence=f"5101 中{_words(sent)}仍是变更前的内容")
        return Settled(Finding.UNDECIDED, evidence=f"5101 中{_words(sent)}既非变更前也非变更后：{_labels(fields)}")


class Withdraw(DepartmentHandler):
    """3403: gone, or shown as ended, means that it arrived; the platform may keep what was withdrawn as history."""

    purpose: ClassVar[str] = "department.withdraw"
    label: ClassVar[str] = "科室信息撤销"

    def accepted(self, department: Department) -> None:
        """Forget what the platform held; the record stays as 已撤销."""
        note_withdrawn(department)

    def judge(self, pk: int, sent: Values, rows: Sequence[Values]) -> Settled:
        """Gone or ended is adopted, still in force is absent. 3403 names begntime by its day only."""
        day, now = _day(sent.get("begntime")), timezone.now()
        same_code = [row for row in rows if row.get("hosp_dept_codg") == sent.get("hosp_dept_codg")]
        for row in (row for row in same_code if _day(row.get("begntime")) == day):
            end = row.get("endtime")
            if end is None or end > now:
                return Settled(Finding.ABSENT, evidence=f"5101 中仍有{_words(sent)}")
            return Settled(Finding.ADOPTED, row, f"5101 中{_words(sent)}已于 {_day(end)} 结束")
        return Settled(Finding.ADOPTED, evidence=f"5101 中已没有{_words(sent)}")


def _found(sent: Values, rows: Sequence[Values]) -> Values | None:
    key = (sent.get("hosp_dept_codg"), sent.get("begntime"))
    return next((row for row in rows if (row.get("hosp_dept_codg"), row.get("begntime")) == key), None)


def _differing(ours: Values, theirs: Values) -> list[str]:
    return [
        name for name in DEPARTMENT_COLUMNS if name in ours and name in theirs and not same(ours[name], theirs[name])
    ]


def _held_before(pk: int, sent: Values) -> PlatformDepartment | None:
    """Return what the platform held as last known before a submission; a row of many (no submission's pk) has none."""
    submission = Submission.objects.filter(pk=pk).only("institution").first()
    begntime = sent.get("begntime")
    if submission is None or begntime is None:
        return None
    found: PlatformDepartment | None = PlatformDepartment.objects.filter(
        institution=submission.institution_id,
        hosp_dept_codg=sent.get("hosp_dept_codg", ""),
        begntime=begntime,
    ).first()
    return found


def _day(value: object) -> str:
    at = as_time(value)
    return timezone.localtime(at).strftime("%Y-%m-%d") if isinstance(at, datetime) else ""


def _words(sent: Values) -> str:
    return f"编码 {sent.get('hosp_dept_codg')}、开始时间 {_day(sent.get('begntime'))} 的科室"


def _labels(fields: Sequence[str]) -> str:
    return "、".join(str(getattr(Department._meta.get_field(name), "verbose_name", name)) for name in fields)


def register_handlers() -> None:
    """Make the purposes of this room known to delivery."""
    for handler in (Add(), Change(), Withdraw()):
        register(handler)
