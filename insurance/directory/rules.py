"""What makes a department's values acceptable: the specification's rules, and how periods of one code may lie."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from insurance.directory.choices import DepartmentState
from insurance.directory.errors import Fault
from insurance.directory.messages import problems_of
from insurance.directory.models import Department
from insurance.specification.books import Book


def faults_of(department: Department, purpose: str, book: Book, siblings: Iterable[Department]) -> list[Fault]:
    """Return everything wrong with a department, saved or not; `siblings` are the other periods of its code."""
    problems = [Fault.of(problem) for problem in problems_of(department, purpose, book) if problem.level == "error"]
    return problems + _category_faults(department, book) + _period_faults(department, siblings)


def _category_faults(department: Department, book: Book) -> list[Fault]:
    """Dictionaries are open, so a code that is not listed may pass; a name in place of a code may not."""
    if department.caty.isascii() or department.caty in book.dictionary("dept"):
        return []
    return [Fault("caty", "科别", f"「{department.caty[:20]}」不是科别编码，请从科别字典中选择")]


def _period_faults(department: Department, siblings: Iterable[Department]) -> list[Fault]:
    if department.endtime and department.endtime < department.begntime:
        return [Fault("endtime", "结束时间", "早于开始时间，请改正")]
    faults = []
    for other in siblings:
        reason = _clash(department, other)
        if reason:
            faults.append(Fault("hosp_dept_codg", "医院科室编码", reason))
    return faults


def _clash(one: Department, other: Department) -> str:
    since = timezone.localtime(other.begntime).strftime("%Y-%m-%d")
    if one.begntime == other.begntime:
        return (
            f"编码 {one.hosp_dept_codg}、开始时间 {since} 的科室已存在"
            f"（{DepartmentState(other.state).label}），请改那一条"
        )
    if DepartmentState.WITHDRAWN in (one.state, other.state):
        return ""
    if not _overlap(one, other):
        return ""
    return f"编码已用于「{other.hosp_dept_name}」（{since} 起），请先停用它，或换一个编码"


def _overlap(one: Department, other: Department) -> bool:
    first, second = sorted((one, other), key=lambda department: department.begntime)
    return first.endtime is None or first.endtime > second.begntime
