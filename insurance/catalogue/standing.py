"""Whether a catalogue row is in force on a day, with word and colour, as a condition and for a row at hand."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db.models import Q

from insurance.catalogue.models import Item
from portal.lists.states import States

VALID = "1"


class Standing(States):
    """Where a row stands in time."""

    IN_FORCE = "in_force", "green", "有效"
    ENDING = "ending", "yellow", "即将到期"
    FUTURE = "future", "azure", "未生效"
    ENDED = "ended", "red", "已停用"


def soon_days() -> dt.timedelta:
    """Return how long before its end a code is said to end soon."""
    return dt.timedelta(days=settings.CODE_ENDING_DAYS)


def standing_of(item: Item, day: dt.date) -> Standing:
    """Return where a row stands on a day; only the flag 1 says valid."""
    if item.vali_flag != VALID or (item.enddate and item.enddate < day):
        return Standing.ENDED
    if item.begndate and item.begndate > day:
        return Standing.FUTURE
    soon = item.enddate and item.enddate <= day + soon_days()
    return Standing.ENDING if soon else Standing.IN_FORCE


def standing_words(item: Item, day: dt.date) -> str:
    """Return what is said after the state: until when, since when, or that the platform marked it invalid."""
    standing = standing_of(item, day)
    if standing == Standing.FUTURE:
        return f"{item.begndate:%Y-%m-%d} 起"
    if item.enddate and standing == Standing.ENDING:
        return f"{item.enddate:%Y-%m-%d} 止，还有 {(item.enddate - day).days} 天"
    if standing == Standing.ENDED:
        return f"{item.enddate:%Y-%m-%d} 止" if item.enddate and item.enddate < day else "平台标为无效"
    return ""


def standing_rows(standing: str, day: dt.date) -> Q:
    """Return the condition of a standing; 即将到期 is part of 有效. Raises ValueError for an unknown one."""
    flagged = Q(vali_flag=VALID)
    begun = Q(begndate=None) | Q(begndate__lte=day)
    rows = {
        Standing.IN_FORCE: flagged & begun & (Q(enddate=None) | Q(enddate__gte=day)),
        Standing.ENDING: flagged & begun & Q(enddate__gte=day, enddate__lte=day + soon_days()),
        Standing.FUTURE: flagged & Q(begndate__gt=day) & (Q(enddate=None) | Q(enddate__gte=day)),
        Standing.ENDED: ~flagged | Q(enddate__lt=day),
    }
    return rows[Standing(standing)]
