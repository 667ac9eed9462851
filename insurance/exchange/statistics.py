"""The ledger counted by day, for the day's page: a few rows a day instead of a million calls.

Each number says which list it is: its link's query form finds exactly the calls that were counted. Today's calls are
counted up to a moment that lies LAG behind, so that nearly all of them have ended; a closed day once more and for good.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db import connection as database
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from insurance.exchange.choices import CallState
from insurance.exchange.filters import SLACK
from insurance.exchange.models import Call, CallDay
from portal.people.models import Institution

LAG = dt.timedelta(minutes=2)
# A call may take as long as the longest deadline, and its lease; then its day does not change any more.
SETTLED_AFTER = dt.timedelta(hours=2)
DAYS = 14
MINUTE = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True)
class Outcome:
    """How many calls of one day stand in one state; `url` is the list of exactly these."""

    day: dt.date
    state: str
    label: str
    colour: str
    calls: int
    url: str


@dataclass(frozen=True)
class Latency:
    """How long answers took on one day, in milliseconds; None where nothing was answered."""

    day: dt.date
    p50_ms: int | None
    p95_ms: int | None
    calls: int
    url: str


@dataclass(frozen=True)
class Refusals:
    """How many calls of one transaction the platform refused in all the days; `url` is the list of exactly these."""

    infno: str
    calls: int
    url: str


COUNT = """
INSERT INTO exchange_callday (institution_id, day, infno, state, calls, p50_ms, p95_ms, until, final)
SELECT %(institution)s, %(day)s, coalesce(infno, ''), coalesce(state, ''), count(*),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY took), percentile_disc(0.95) WITHIN GROUP (ORDER BY took),
       %(until)s, %(final)s
FROM (
  SELECT infno, state, CASE WHEN state IN ('accepted', 'refused')
         THEN greatest(extract(epoch FROM answered_at - sent_at) * 1000, 0) END::int AS took
  FROM exchange_call
  WHERE institution_id = %(institution)s AND prepared_at >= %(start)s AND prepared_at < %(until)s
    AND id > %(first)s) AS calls
GROUP BY GROUPING SETS ((infno, state), ())
HAVING count(*) > 0
"""


def count_days(now: dt.datetime | None = None) -> int:
    """Count today's calls of every institution anew, and closed days that are not final; returns how many days.

    Two at once do no harm: each day is replaced under a lock.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    counted = 0
    for institution in Institution.objects.filter(connection__isnull=False):
        for day in _open_days(institution, today):
            counted += _count(institution, day, now)
    return counted


def _open_days(institution: Institution, today: dt.date) -> list[dt.date]:
    """Return today and the days before it that were not counted for good, within the days that are shown."""
    days = [today - dt.timedelta(days=back) for back in range(DAYS + 1)]
    final = set(CallDay.objects.filter(institution=institution, day__in=days, final=True).values_list("day", flat=True))
    return [day for day in days if day not in final]


def _count(institution: Institution, day: dt.date, now: dt.datetime) -> bool:
    start, end = day_bounds(day)
    until = min(end, (now - LAG).replace(second=0, microsecond=0))
    if until <= start:
        return False
    final = now >= end + SETTLED_AFTER
    values: dict[str, Any] = {"institution": institution.pk, "day": day, "start": start, "until": until, "final": final}
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('exchange_callday'), %s)", [institution.pk])
        cursor.execute("DELETE FROM exchange_callday WHERE institution_id = %s AND day = %s", [institution.pk, day])
        cursor.execute(COUNT, values | {"first": _key_before(institution, start)})
        if final and not cursor.rowcount:
            # A day without a call is final too, or it would be looked for again and again.
            CallDay.objects.create(institution=institution, day=day, until=until, final=True)
    return True


def _key_before(institution: Institution, start: dt.datetime) -> int:
    """Return a key that lies before all of a day, so that the day is read by key."""
    older = Call.objects.filter(institution=institution, prepared_at__lt=start - SLACK).order_by("-prepared_at")
    return older.values_list("pk", flat=True).first() or 0


def day_bounds(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the first moment of a day here and that of the next."""
    zone = timezone.get_default_timezone()
    following = day + dt.timedelta(days=1)
    return dt.datetime.combine(day, dt.time(), zone), dt.datetime.combine(following, dt.time(), zone)


def _kept(institution: Institution, days: int) -> models.QuerySet[CallDay]:
    since = timezone.localdate() - dt.timedelta(days=days - 1)
    found: models.QuerySet[CallDay] = CallDay.objects.filter(institution=institution, day__gte=since).order_by()
    return found


def _counted_until(institution: Institution, days: int) -> dict[dt.date, dt.datetime]:
    whole = _kept(institution, days).filter(infno="", state="")
    return dict(whole.values_list("day", "until"))


def _shown_days(days: int) -> list[dt.date]:
    today = timezone.localdate()
    return [today - dt.timedelta(days=back) for back in reversed(range(days))]


def by_day(institution: Institution, days: int = DAYS) -> list[Outcome]:
    """Return calls by day and outcome, oldest day first, each with its list; a state without calls has 0."""
    sums = _kept(institution, days).exclude(state="").values("day", "state").annotate(number=models.Sum("calls"))
    counted = {(row["day"], row["state"]): row["number"] for row in sums}
    until = _counted_until(institution, days)
    return [
        Outcome(
            day, state.value, str(state.label), state.colour, counted.get((day, state.value), 0),
            calls_url(day, until[day], state=state.value) if day in until else "",
        )
        for day in _shown_days(days)
        for state in CallState
    ]  # fmt: skip


def latency(institution: Institution, days: int = DAYS) -> list[Latency]:
    """Return how long answers took, day by day, oldest first; a day without calls has None."""
    whole = {row.day: row for row in _kept(institution, days).filter(infno="", state="")}
    found = []
    for day in _shown_days(days):
        row = whole.get(day)
        url = calls_url(day, row.until) if row else ""
        found.append(
            Latency(day, row.p50_ms if row else None, row.p95_ms if row else None, row.calls if row else 0, url)
        )
    return found


def refusals(institution: Institution, days: int = DAYS) -> list[Refusals]:
    """Return the transactions that the platform refused, the most often refused first, each with its list."""
    until = _counted_until(institution, days)
    if not until:
        return []
    sums = _kept(institution, days).filter(state=CallState.REFUSED).values("infno").annotate(number=models.Sum("calls"))
    ordered = sorted(((row["infno"], row["number"]) for row in sums), key=lambda pair: (-pair[1], pair[0]))
    first, last = _shown_days(days)[0], max(until.values())
    return [
        Refusals(infno, calls, calls_url(first, last, infno=infno, state=CallState.REFUSED.value))
        for infno, calls in ordered
    ]


def calls_url(day: dt.date, until: dt.datetime, **asked: str) -> str:
    """Return the ledger from a day's first minute to the last one before `until`, narrowed by `asked`."""
    last = timezone.localtime(until) - dt.timedelta(minutes=1)
    query = {
        "tab": "all",
        **asked,
        "prepared_at_from": f"{day:%Y-%m-%d}T00:00",
        "prepared_at_to": last.strftime(MINUTE),
    }
    return f"{reverse('exchange:calls')}?{urlencode(query)}"
