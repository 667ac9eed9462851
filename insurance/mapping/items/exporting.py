"""The list of items as a file that the importers understand again, after it was changed in a spreadsheet."""

from __future__ import annotations

from operator import attrgetter

from insurance.mapping.items.facts import AMOUNTS, DATED, DAYS, KEY, USAGE, label_of
from portal.lists.exporting import ListColumn


def importable(columns: list[ListColumn]) -> list[ListColumn]:
    """Return the columns of the screen, and behind them those that an importer asks for besides."""
    there = {column.name for column in columns}
    return [*columns, *(_column(name) for name in (*KEY, *DATED, *USAGE) if name not in there)]


def _column(name: str) -> ListColumn:
    kind = "date" if name in DAYS else "number" if name in AMOUNTS or name == "inpatients" else "text"
    return ListColumn(name, label_of(name), "code" if name == "fixmedins_hilist_id" else kind, attrgetter(name))
