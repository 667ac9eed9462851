"""Departments: 3401 3401A 3402 3403 and the query 5101. Key: institution, hosp_dept_codg, begntime."""

from __future__ import annotations

from insurance.sandbox.clock import moment
from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.standard import Row, project

BOOK = "departments"


def key_of(row: Row) -> str:
    """The key under which a department's period is kept."""
    begun = moment(row["begntime"])
    text = f"{begun:%Y%m%d%H%M%S}" if begun else str(row["begntime"])
    return f"{row['fixmedins_code']}|{row['hosp_dept_codg']}|{text}"


def _history(case: Case, code: object) -> list[tuple[str, Row]]:
    return case.books.items(BOOK, prefix=f"{case.hospital}|{code}|")


def _ended(case: Case, row: Row) -> bool:
    end = moment(row.get("endtime"))
    return end is not None and end <= case.clock.now()


def _add(case: Case, row: Row) -> None:
    """Take one new department; raises Refusal when its period meets another of the same code."""
    _check_period(row)
    name, begun = f"科室[{row['hosp_dept_codg']}]", moment(row["begntime"])
    for _, other in _history(case, row["hosp_dept_codg"]):
        if other.get("withdrawn"):
            continue
        end = moment(other.get("endtime"))
        if end is None or not _ended(case, other):
            raise Refusal(f"{name}已存在，不能重复上传")
        if begun is not None and begun < end:
            raise Refusal(f"{name}的开始时间早于原记录的结束时间{other['endtime']}")
    told = {**row, "fixmedins_code": case.hospital}
    case.books.put(BOOK, key_of(told), told)


def _check_period(row: Row) -> None:
    begun, end = moment(row["begntime"]), moment(row.get("endtime"))
    if begun is not None and end is not None and end < begun:
        raise Refusal(f"科室[{row['hosp_dept_codg']}]的结束时间早于开始时间")


@handles("3401", "3401A")
def add(case: Case) -> None:
    """Take new departments; of a batch all or none, because a Refusal rolls the message back."""
    seen: set[str] = set()
    for row in case.rows():
        if str(row["hosp_dept_codg"]) in seen:
            raise Refusal(f"科室[{row['hosp_dept_codg']}]在同一批中重复")
        seen.add(str(row["hosp_dept_codg"]))
        _add(case, row)


@handles("3402")
def change(case: Case) -> None:
    """Put new words in place of a department's; found by code and begntime; not one that has ended."""
    row = case.row()
    told = {**row, "fixmedins_code": case.hospital}
    known = case.books.get(BOOK, key_of(told))
    name = f"科室[{row['hosp_dept_codg']}]"
    if known is None or known.get("withdrawn"):
        raise Refusal(f"未找到{name}开始时间为{row['begntime']}的记录，不能变更")
    if _ended(case, known):
        raise Refusal(f"{name}已于{known['endtime']}结束，不能变更")
    _check_period(row)
    case.books.put(BOOK, key_of(told), told)


@handles("3403")
def withdraw(case: Case) -> None:
    """End a department now; begntime comes as a date and finds the record of that day."""
    row = case.row()
    day, name = moment(row["begntime"]), f"科室[{row['hosp_dept_codg']}]"
    for key, known in _history(case, row["hosp_dept_codg"]):
        begun = moment(known["begntime"])
        if day is None or begun is None or begun.date() != day.date():
            continue
        if known.get("withdrawn") or _ended(case, known):
            raise Refusal(f"{name}已撤销或已结束，不能重复撤销")
        case.books.put(BOOK, key, known | {"endtime": case.clock.text(), "withdrawn": True})
        return
    raise Refusal(f"未找到{name}开始时间为{row['begntime']}的记录，不能撤销")


@handles("5101")
def ask(case: Case) -> Row:
    """Every period of every department of the institution, also those that ended."""
    names = case.standard.output_fields("5101")
    return {"feedetail": [project(row, names) for row in case.books.rows(BOOK, prefix=f"{case.hospital}|")]}
