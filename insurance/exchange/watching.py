"""What the exchange hands in to the day's page and to the alarms that leave the portal: work, charts, sources."""

from __future__ import annotations

import datetime as dt

from django.db.models import Min
from django.utils import timezone

from insurance.exchange import statistics
from insurance.exchange.breaker import is_shut_out
from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.models import Submission
from insurance.exchange.pages import today
from insurance.exchange.pages.links import light_connection, stopped_words
from insurance.exchange.pages.worklists import contradicted, stuck_calls
from portal.desk.registry import Chart, Panel, Picture, Series, Work, add_chart, add_panel, add_work
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.system.alarms import AlarmKind, AlarmSource, register_source
from portal.system.health import Probe, register_probe

VIEW = "exchange.view"
DAYS = 14
SHOWN_REFUSALS = 8
PERSON_MINUTES = 30


def outcomes_chart(actor: Actor) -> Picture | None:
    """Return 14 days of calls by outcome, None before the first count."""
    rows = statistics.by_day(actor.institution, DAYS)
    if not any(row.calls for row in rows):
        return None
    days = sorted({row.day for row in rows})
    series = []
    for state in (CallState.ACCEPTED, CallState.REFUSED, CallState.UNKNOWN, CallState.UNDELIVERED):
        own = [row for row in rows if row.state == state.value]
        series.append(Series(str(state.label), state.colour, [row.calls for row in own], [row.url for row in own]))
    return Picture([_short(day) for day in days], series, unit="次")


def latency_chart(actor: Actor) -> Picture | None:
    """Return how long answers took in 14 days, middle and slow ones; None before the first count."""
    rows = statistics.latency(actor.institution, DAYS)
    if not any(row.calls for row in rows):
        return None
    urls = [row.url for row in rows]
    series = [
        Series("中位", "blue", [row.p50_ms for row in rows], urls),
        Series("95%", "orange", [row.p95_ms for row in rows], urls),
    ]
    return Picture([_short(row.day) for row in rows], series, kind="lines", unit="毫秒")


def refusals_chart(actor: Actor) -> Picture | None:
    """Return the transactions most often refused in 14 days, None when none was."""
    rows = statistics.refusals(actor.institution, DAYS)[:SHOWN_REFUSALS]
    if not rows:
        return None
    series = Series("平台拒绝", CallState.REFUSED.colour, [row.calls for row in rows], [row.url for row in rows])
    return Picture([row.infno for row in rows], [series], unit="次")


def _short(day: dt.date) -> str:
    return f"{day:%m-%d}"


def look_stopped(institution: Institution | None) -> tuple[str, str] | None:
    """Say that nothing is sent to the platform now, and why."""
    connection = light_connection(institution) if institution else None
    words = stopped_words(connection) if connection else ""
    if not connection or not words:
        return None
    return words, "danger" if is_shut_out(connection) or not connection.paused else "warning"


def look_contradicted(institution: Institution | None) -> tuple[str, str] | None:
    """Say that late answers contradict what was settled."""
    number = contradicted(institution) if institution else 0
    return (f"{number} 条上传的迟到答复与此前认定不符，可能重复或缺少", "danger") if number else None


def look_unapplied(institution: Institution | None) -> tuple[str, str] | None:
    """Say that answers could not be written into the records."""
    number = stuck_calls(institution).count() if institution else 0
    return (f"{number} 次交易的答复写入业务记录失败", "danger") if number else None


def look_unknown(institution: Institution | None) -> tuple[str, str] | None:
    """Say that outcomes wait for a person since a while: recovery could not find out."""
    before = timezone.now() - dt.timedelta(minutes=PERSON_MINUTES)
    waiting = Submission.objects.filter(
        institution=institution, state=SubmissionState.UNKNOWN, needs_person=True, state_at__lt=before
    )
    number = waiting.count()
    return (f"{number} 条结果待查等人工核实超过 {PERSON_MINUTES} 分钟", "danger") if number else None


def oldest_queued() -> float:
    """Return for how many seconds the oldest upload whose turn it is has waited, 0 when none waits."""
    waiting = Submission.objects.filter(state=SubmissionState.QUEUED, ready=True)
    oldest = waiting.aggregate(oldest=Min("state_at"))["oldest"]
    return round((timezone.now() - oldest).total_seconds(), 1) if oldest else 0


def unknown_outcomes() -> float:
    """Return how many outcomes are unknown."""
    return Submission.objects.filter(state=SubmissionState.UNKNOWN).count()


def register_watching() -> None:
    """Hand everything over."""
    register_probe(Probe("outbox_seconds", "最早的待上传", oldest_queued, "秒"))
    register_probe(Probe("unknown", "结果待查", unknown_outcomes, "条"))
    register_source(AlarmSource(AlarmKind("exchange.unknown", "结果待查等人工", "exchange"), look_unknown))
    add_work(Work("exchange", today.lines_to_see_to, action=VIEW, order=10))
    add_panel(Panel("医保平台", today.platform_state, "exchange/platform_state.html", order=10, action=VIEW))
    add_chart(Chart("14 天交易结果", outcomes_chart, action=VIEW, order=10))
    add_chart(Chart("14 天响应时间", latency_chart, action=VIEW, order=20))
    add_chart(Chart("14 天平台拒绝最多的交易", refusals_chart, action=VIEW, order=30))
    after = dt.timedelta(minutes=1)
    register_source(AlarmSource(AlarmKind("exchange.stopped", "平台停止上传", "exchange", after=after), look_stopped))
    register_source(AlarmSource(AlarmKind("exchange.contradicted", "答复前后不符", "exchange"), look_contradicted))
    register_source(
        AlarmSource(AlarmKind("exchange.unapplied", "答复写入失败", "exchange", after=after * 5), look_unapplied)
    )
