"""The demo hospital's own spreadsheets, as its systems would export them: with their headers, and a few mistakes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

from django.utils import timezone

from insurance.directory.choices import PracticeKind
from insurance.directory.models import Practitioner
from portal.sheets.writing import OutColumn, export_rows

DATA = Path(__file__).parent / "data"
DEPARTMENTS_FILE = "科室信息表.xlsx"
STAFF_FILE = "医师护士药师名单.xlsx"
WHOLE = ("批准床位数", "医保认可床位数", "医生人数", "护士人数", "药师人数", "技师人数")
# Which of a department's numbers says how many of a kind work there.
HEADS = {
    PracticeKind.DOCTOR: "医生人数",
    PracticeKind.NURSE: "护士人数",
    PracticeKind.PHARMACIST: "药师人数",
    PracticeKind.TECHNICIAN: "技师人数",
}
STAFF_HEADERS = (
    "工号", "姓名", "人员分类", "国家医保编码", "证件类型", "身份证号", "科室编码", "资格证书编号", "执业证号",
    "结束时间",
)  # fmt: skip
# Which places of the hospital's list are not as the platform has them: somebody left out, and three kinds of error.
MISSING, WRONG_LICENCE, WRONG_NAME, WRONG_CERTIFICATE = (7, 19, 31, 52), (11, 37), (23,), (43,)
DEPARTMENTS = 32
SMALL = 60
NO_END = "2099-12-31"
Line = list[str]


def department_lines() -> list[dict[str, str]]:
    """Return the lines of the departments' sheet that can be taken, header → text."""
    return _read("departments.csv")[:DEPARTMENTS]


def departments_sheet() -> bytes:
    """Return the departments as .xlsx, behind the good lines two that people get wrong like this."""
    lines = _read("departments.csv")
    columns = [OutColumn(name, "whole" if name in WHOLE else "code") for name in lines[0]]
    rows = [[int(text) if text.isdigit() and name in WHOLE else text for name, text in line.items()] for line in lines]
    return _written(columns, rows, "科室")


def staff_sheet(practitioners: Sequence[Practitioner], size: str) -> bytes:
    """Return the hospital's own list as .xlsx: most of whom 5102 answers, the newcomers whom it does not know yet.

    `small` lists about sixty people of all kinds, `full` all of them.
    """
    columns = [OutColumn(name, "code") for name in STAFF_HEADERS]
    return _written(columns, staff_lines(practitioners, size), "人员")


def staff_lines(practitioners: Sequence[Practitioner], size: str) -> list[Line]:
    """Return the lines of the staff's sheet in the order of STAFF_HEADERS."""
    working = [person for person in practitioners if not _has_left(person)]
    left = [person for person in practitioners if _has_left(person)][:2]
    chosen = working if size == "full" else working[:: max(1, len(working) // SMALL)]
    desks = {kind.value: _desks(kind) for kind in PracticeKind}
    lines = [
        _with_error(place, _line(person, next(desks[person.prac_psn_type], "")))
        for place, person in enumerate(chosen)
        if place not in MISSING
    ]
    # Whose registration the platform has ended, while the hospital's list still says that they work here.
    lines += [[*_line(person, "")[:-1], NO_END] for person in left]
    return lines + [_newcomer(row) for row in _read("newcomers.csv")]


def _line(person: Practitioner, department: str) -> Line:
    # Without document numbers, as personnel offices hand it out: the national code is enough to find a person.
    kind = PracticeKind(person.prac_psn_type).label
    return [
        person.prac_psn_no, person.prac_psn_name, kind, person.prac_psn_code, "", "", department,
        person.prac_psn_cert, person.prac_cert_no, _day(person.endtime),
    ]  # fmt: skip


def _with_error(place: int, line: Line) -> Line:
    if place in WRONG_LICENCE:
        line[8] = line[8][:-1] + str((int(line[8][-1]) + 1) % 10)
    if place in WRONG_NAME:
        line[1] = line[1][:-1] + ("晴" if line[1][-1] != "晴" else "琴")
    if place in WRONG_CERTIFICATE:
        line[7] = line[7][:-2] + line[7][-1] + line[7][-2]
    return line


def _newcomer(row: dict[str, str]) -> Line:
    return [row.get(header, "") for header in STAFF_HEADERS]


def _desks(kind: PracticeKind) -> Iterator[str]:
    """Yield department codes, each department's in turn, as often as its number of this kind."""
    numbers = {line["科室编码"]: line[HEADS[kind]] for line in department_lines()}
    left = {code: int(number) for code, number in numbers.items()}
    while any(left.values()):
        for code in [code for code, number in left.items() if number > 0]:
            left[code] -= 1
            yield code


def _has_left(person: Practitioner) -> bool:
    return person.endtime is not None and person.endtime <= timezone.now()


def _day(at: datetime | date | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d") if isinstance(at, datetime) else ""


def _read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _written(columns: Sequence[OutColumn], rows: Sequence[Sequence[object]], title: str) -> bytes:
    file = io.BytesIO()
    export_rows(columns, rows, file, title)
    return file.getvalue()
