"""The platform's clock and its ways of writing time."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def local(moment: datetime) -> datetime:
    """Return a moment as the platform's wall time, aware. A naive one is taken as wall time already."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=SHANGHAI)
    try:
        return moment.astimezone(SHANGHAI)
    except OverflowError:  # within hours of year 1 or 9999 there is no other zone's time
        return moment.replace(tzinfo=SHANGHAI)


def date_text(day: date) -> str:
    """Return yyyy-MM-dd of a date, or of the platform's day of a moment."""
    day = local(day) if isinstance(day, datetime) else day
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d}"


def moment_text(moment: datetime) -> str:
    """Return yyyy-MM-dd HH:mm:ss of a moment."""
    moment = local(moment)
    return f"{date_text(moment)} {moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}"
