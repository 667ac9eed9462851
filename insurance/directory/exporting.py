"""The list of departments as a file that the importer understands again, after it was changed in a spreadsheet."""

from __future__ import annotations

from operator import attrgetter

from insurance.directory.models import DEPARTMENT_COLUMNS, Department
from insurance.directory.showing import MASKS, label_of, shown
from insurance.directory.values import COUNTS, TIMES
from portal.lists.exporting import ListColumn


def importable(columns: list[ListColumn]) -> list[ListColumn]:
    """Return the columns of the screen, and behind them those of 3401 that the importer asks for besides.

    Persons are masked as on the screen; what is masked the importer leaves as it is.
    """
    there = {column.name for column in columns}
    return [*columns, *(_column(name) for name in DEPARTMENT_COLUMNS if name not in there)]


def _column(name: str) -> ListColumn:
    label = label_of(Department, name)
    if name in MASKS or name in TIMES:
        return ListColumn(name, label, "text", lambda record: shown(record, name) or None)
    return ListColumn(name, label, "whole" if name in COUNTS else "text", attrgetter(name))
