"""The platform's clock: local time of the platform is UTC+8, without daylight saving."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8), "CST")


class Clock:
    """Tells the platform's time, which a fault may move away from the true one."""

    def __init__(self) -> None:
        self.offset = 0.0

    def epoch(self) -> float:
        """Seconds since 1970 as the platform believes."""
        return time.time() + self.offset

    def now(self) -> datetime:
        """The platform's local time, aware."""
        return datetime.fromtimestamp(self.epoch(), CHINA)

    def text(self) -> str:
        """Local time as messages carry it: yyyy-MM-dd HH:mm:ss."""
        return self.now().strftime("%Y-%m-%d %H:%M:%S")

    def today(self) -> str:
        """Local date as messages carry it: yyyy-MM-dd."""
        return self.now().strftime("%Y-%m-%d")


def compact(moment: datetime) -> str:
    """yyyyMMddHHmmssSSS, the form of refmsg_time and respond_time (protocol 5)."""
    return moment.strftime("%Y%m%d%H%M%S") + f"{moment.microsecond // 1000:03d}"


def moment(text: object) -> datetime | None:
    """Read a date or a date with time as messages carry them; None when it is neither."""
    words = str(text or "").strip().replace("T", " ").replace("/", "-")
    if not words:
        return None
    if words[4:5] == "-" and len(words) in (10, 19):  # nearly always; strptime is slow
        try:
            return datetime.fromisoformat(words).replace(tzinfo=CHINA)
        except ValueError:
            return None
    for pattern in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y%m%d%H%M%S", "%Y%m%d"):
        try:
            return datetime.strptime(words, pattern).replace(tzinfo=CHINA)
        except ValueError:
            continue
    return None


def end_moment(text: object) -> datetime | None:
    """As `moment`, but a bare date means the last second of that day (protocol 5)."""
    found = moment(text)
    bare = found is not None and ":" not in str(text) and len(str(text).strip()) <= 10
    return found + timedelta(days=1, seconds=-1) if found is not None and bare else found
