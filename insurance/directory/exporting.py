"""Lists as spreadsheets that the importers understand again."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from insurance.directory.models import DEPARTMENT_COLUMNS, Department
from insurance.directory.showing import label_of, shown
from insurance.directory.values import COUNTS, SENSITIVE, TIMES
from portal.sheets.writing import OutColumn, OutKind, export_rows


def departments_sheet(departments: Iterable[Department], *, clear: bool) -> tuple[BytesIO, int]:
    """Return (.xlsx, number of rows): codes as codes, telephones masked unless `clear`."""
    columns = [OutColumn(label_of(Department, column), _kind(column)) for column in DEPARTMENT_COLUMNS]
    columns += [OutColumn("状态"), OutColumn("平台登记")]
    rows = (
        [*(_value(department, column, clear) for column in DEPARTMENT_COLUMNS), *_states(department)]
        for department in departments
    )
    file = BytesIO()
    count = export_rows(columns, rows, file, "科室")
    file.seek(0)
    return file, count


def _kind(column: str) -> OutKind:
    if column in COUNTS:
        return "whole"
    return "datetime" if column in TIMES else "code" if column in ("hosp_dept_codg", "caty", "poolarea_no") else "text"


def _value(department: Department, column: str, clear: bool) -> object:
    return shown(department, column) if column in SENSITIVE and not clear else getattr(department, column)


def _states(department: Department) -> tuple[str, str]:
    return str(department.get_state_display()), "已登记" if department.held else "未登记"
