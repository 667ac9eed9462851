"""Days as people here mean them: Asia/Shanghai, from midnight to midnight."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from django.utils import timezone


def bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first moment of a day and the first of the next (aware)."""
    start = timezone.make_aware(datetime.combine(day, time.min))
    return start, timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def yesterday() -> date:
    """Return the last day that is over."""
    return timezone.localdate() - timedelta(days=1)


def days(first: date, last: date) -> Iterator[date]:
    """Return each day from `first` to `last`, both included; none when they stand the wrong way round."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
