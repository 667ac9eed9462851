"""National codes: the row of a code on a day, what is in force, what a load changed. Read through `queries`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import infno_of
from insurance.catalogue.models import Item, Load

# What the matching engine is told of each code, in this order.
CODE_COLUMNS = (
    "code", "name", "generic", "alias", "spec", "dosform", "pacspec", "unit", "maker", "aprvno", "begndate", "enddate",
)  # fmt: skip
# From this day on an end is not a day but "open".
OPEN = dt.date(2099, 12, 31)
AT_ONCE = 2_000


def validity(item: Item) -> tuple[dt.date | None, dt.date | None, bool]:
    """Return begin and end of a row, both included (None: open), and whether its flag says valid."""
    end = None if item.enddate is None or item.enddate >= OPEN else item.enddate
    return item.begndate, end, item.vali_flag == "1"


def in_force(item: Item, day: dt.date) -> bool:
    """Say whether a row is in force on a day.

    A row flagged invalid still speaks for the days up to the end it names; without one it speaks for none. A row that
    a later version replaced speaks only for days before that was known.
    """
    begin, end, valid = validity(item)
    if (begin and day < begin) or (end and day > end) or not (valid or end):
        return False
    if item.current or item.replaced_by is None:
        return item.current
    return day < timezone.localdate(item.replaced_by.started_at)


def code_rows(list_type: str, codes: Iterable[str], day: dt.date | None = None) -> dict[str, Item]:
    """Return by code the row in force on `day`, without a day the newest current one, valid or not; others are absent.

    `list_type` is the kind of hospital items (目录类别) that the codes are for. Of several rows with one code, the one
    of the greatest version speaks.
    """
    infno, wanted = infno_of(list_type), sorted(set(codes))
    found: dict[str, Item] = {}
    for place in range(0, len(wanted) if infno else 0, AT_ONCE):
        for item in _rows(infno, wanted[place : place + AT_ONCE], day):
            if item.code not in found and (day is None or in_force(item, day)):
                found[item.code] = item
    return found


def _rows(infno: str, codes: list[str], day: dt.date | None) -> list[Item]:
    rows = Item.objects.filter(infno=infno, code__in=codes)
    if day is None:
        # the newest that is valid stands before a newer one that is not: a code may have ended in one row only
        return sorted(rows.filter(current=True), key=lambda item: (item.vali_flag == "1", *_age(item)), reverse=True)
    return sorted(rows.select_related("replaced_by"), key=lambda item: (item.current, *_age(item)), reverse=True)


def _age(item: Item) -> tuple[str, float, int]:
    return item.ver, item.updt_time.timestamp() if item.updt_time else 0.0, item.pk


def code_row(list_type: str, code: str, day: dt.date | None = None) -> Item | None:
    """Return the row of one code; see `code_rows`."""
    return code_rows(list_type, [code], day).get(code)


def stream_codes(list_type: str, columns: tuple[str, ...] = CODE_COLUMNS) -> Iterator[tuple[Any, ...]]:
    """Yield all current valid rows of the kind's catalogue as tuples of CODE_COLUMNS (or of other columns of Item).

    Through a cursor of the server, so that a million rows are never in memory at once; call it in a transaction or
    read it to the end.
    """
    rows = Item.objects.filter(infno=infno_of(list_type), current=True, vali_flag="1")
    return rows.values_list(*columns).iterator(chunk_size=5_000)


def catalogue_stamp(list_type: str) -> str:
    """Return a text that changes whenever a load of the kind's catalogue was merged; "" before the first."""
    infno = infno_of(list_type)
    merged = Load.objects.filter(infno=infno, state=LoadState.DONE).aggregate(newest=Max("pk"))["newest"]
    return f"{infno}:{merged}" if merged else ""


def latest_loads() -> dict[str, Load]:
    """Return by catalogue (infno) its newest load, whatever became of it."""
    newest = Load.objects.order_by("infno", "-pk").distinct("infno").select_related("task", "requested_by")
    return {load.infno: load for load in newest}


def merged_loads() -> dict[str, Load]:
    """Return by catalogue (infno) the newest load that was merged: which version one looks at."""
    newest = Load.objects.filter(state=LoadState.DONE).order_by("infno", "-pk").distinct("infno")
    return {load.infno: load for load in newest}


def is_loading(infno: str) -> bool:
    """Say whether a load of a catalogue is under way; one whose task ended is not."""
    running = Load.objects.filter(infno=infno, state=LoadState.RUNNING)
    return running.filter(Q(task=None) | Q(task__ended_at=None)).exists()


def changes_of(load: Load) -> QuerySet[Item]:
    """Return the rows that a load touched: those it brought, and those it ended without a new one.

    Each bears `before_id`, the row of the same rid that it replaced (None: new), and `change`, a choices.Change.
    """
    from insurance.catalogue.changes import with_changes

    return with_changes(load)
