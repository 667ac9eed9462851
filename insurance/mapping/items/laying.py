"""Laying new values onto an item: what changes, from which day, what is kept of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone

from insurance.directory.errors import Fault
from insurance.directory.pinyin import initials
from insurance.mapping.items.facts import DATED, KEPT_WHEN_EMPTY, USAGE, as_words, column_value, equal, label_of
from insurance.mapping.models import HospitalItem, ItemChange
from portal.people.actor import Actor

Changes = dict[str, tuple[Any, Any]]
SOON = 3650


def changes_to(item: HospitalItem, values: Mapping[str, Any], ahead: Mapping[str, Any], since: dt.date) -> Changes:
    """Return column → (old, new) of `values` that differ from what the item is on `since`.

    `ahead` are values already known to hold by then, from changes that have not come yet.
    """
    given = {column: column_value(column, values[column]) for column in (*DATED, *USAGE) if column in values}
    given |= _stopped(item, values, given, since)
    changes: Changes = {}
    for column, value in given.items():
        if value in (None, "") and column in KEPT_WHEN_EMPTY:
            continue
        old = column_value(column, ahead[column]) if column in ahead else getattr(item, column)
        if not equal(column, old, value):
            changes[column] = (old, value)
    return changes


def _stopped(item: HospitalItem, values: Mapping[str, Any], given: Mapping[str, Any], since: dt.date) -> dict[str, Any]:
    """Return the end that a flag 停用 means: it says whether, seldom when."""
    flag = values.get("stopped")
    if flag in (None, "") or given.get("enddate"):
        return {}
    if flag == "1":
        ended = item.enddate is not None and item.enddate < since
        return {"enddate": item.enddate if ended else max(item.begndate, since - dt.timedelta(days=1))}
    return {"enddate": None} if item.enddate and item.enddate < since else {}


def lay(item: HospitalItem, changes: Mapping[str, tuple[Any, Any]]) -> None:
    """Put the new values into the item, unsaved."""
    for column, (_, value) in changes.items():
        setattr(item, column, value)
    if "fixmedins_hilist_name" in changes or not item.pinyin:
        item.pinyin = initials(item.fixmedins_hilist_name)


def dated(changes: Changes) -> Changes:
    """Return those changes of which the day is kept."""
    return {column: change for column, change in changes.items() if column in DATED}


def kept(actor: Actor, item: HospitalItem, changes: Changes, since: dt.date, source: str) -> ItemChange:
    """Return the record of changes, unsaved; those of a later day are not applied yet."""
    return ItemChange(
        item=item,
        begndate=since,
        changes={column: [as_words(old), as_words(new)] for column, (old, new) in changes.items()},
        source=source[:100],
        person=actor.person,
        applied_at=None if since > today() else timezone.now(),
    )


def ahead_of(pending: Iterable[ItemChange], until: dt.date) -> dict[str, str]:
    """Return column → value that changes not yet due will have made by a day, the latest winning."""
    found: dict[str, str] = {}
    for change in sorted(pending, key=lambda one: (one.begndate, one.pk)):
        if change.begndate <= until:
            found |= {column: after for column, (_, after) in change.changes.items()}
    return found


def faults_in(item: HospitalItem, since: dt.date | None = None) -> list[Fault]:
    """Return what is wrong with an item's own days and figures, besides what the specification limits."""
    faults = []
    if not item.fixmedins_hilist_name:
        faults.append(Fault("fixmedins_hilist_name", label_of("fixmedins_hilist_name"), "必填，不能为空"))
    if item.enddate and item.enddate < item.begndate:
        faults.append(Fault("enddate", "停用日期", f"早于启用日期 {item.begndate}，请改正"))
    if item.pric is not None and item.pric < 0:
        faults.append(Fault("pric", "单价", "不能小于 0"))
    if since and (since - today()).days > SOON:
        faults.append(Fault("since", "变更生效日期", f"{since} 太远，请核对年份"))
    return faults


def today() -> dt.date:
    """Return the hospital's day."""
    return timezone.localdate()
