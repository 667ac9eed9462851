"""When a schedule is due next."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.utils import timezone


def next_run(every_seconds: int | None, daily_at: time | None, now: datetime | None = None) -> datetime:
    """Return the first moment after `now` (aware): in so many seconds, or the next `daily_at` in Asia/Shanghai.

    Counting from now, not from the missed moment, makes up what was missed once and not many times.
    """
    now = now or timezone.now()
    if daily_at is None:
        return now + timedelta(seconds=every_seconds or 60)
    local = timezone.localtime(now)
    moment = local.replace(hour=daily_at.hour, minute=daily_at.minute, second=daily_at.second, microsecond=0)
    return moment if moment > local else moment + timedelta(days=1)
