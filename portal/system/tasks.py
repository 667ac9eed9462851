"""What runs by itself: seals, alarms, the audit's stream."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils import timezone

from portal.audit.models import SealCheck
from portal.audit.seals import close_all
from portal.audit.services import record
from portal.audit.streaming import stream
from portal.audit.verifying import Report, keep, verify
from portal.system import alarms, sending
from portal.system.apart import apart
from portal.system.models import AlarmDelivery, AlarmEvent, AlarmRoute
from portal.tasks.registry import schedule, sweep, task_kind
from portal.tasks.run import Run, TaskFailed

VERIFIED_DAYS = 3
SCHEDULED = "定时"
# One schedule stands per institution, the seals are everybody's: once in this time is enough.
ONCE_IN = timedelta(hours=12)
ALARMS_KEPT = timedelta(days=400)


@task_kind("audit.seal", label="封存审计与交易记录", action="audit.manage", single=True, own=True)
def seal_days(run: Run) -> None:
    """Seal every closed day until yesterday."""
    made = close_all(note=run.log)
    run.finish({"封存": f"{len(made)} 天", "记录": f"{sum(seal.count for seal in made):,} 条"}, url="/audit/seals/")


@task_kind(
    "audit.verify",
    label="核验封存",
    action="audit.manage",
    single=True,
    own=True,
    param_labels={"first": "自", "last": "至"},
)
def verify_days(run: Run) -> None:
    """Verify seals; a fault fails the task with its words and raises the alarm."""
    first, last = _day(run.params.get("first")), _day(run.params.get("last"))
    if run.task.requested_by is None and not run.params:
        if SealCheck.objects.filter(by=SCHEDULED, at__gte=timezone.now() - ONCE_IN).exists():
            run.finish({"结果": "今天已核验过"})
            return
        first = timezone.localdate() - timedelta(days=VERIFIED_DAYS)
    report = verify(first, last, run.progress)
    check = keep(report, run.actor.name)
    record(run.actor, "audit.verify", [check], label=f"核验封存：{check.words}"[:200], days=report.days)
    tell_check(check)
    if report.faults:
        raise TaskFailed(f"核验不一致，共 {len(report.faults)} 处。第一处：{report.faults[0].words}")
    run.finish(_result(report), url="/audit/seals/")


def tell_check(check: SealCheck) -> None:
    """Raise or clear the alarm of a verification."""
    if check.good:
        alarms.clear_alarm(None, "audit.seal")
    else:
        alarms.raise_alarm(None, "audit.seal", f"封存核验不一致：{check.words}", "danger")


@task_kind("system.alarm_test", label="测试告警去向", action="system.manage", param_labels={"name": "去向"})
def test_route(run: Run) -> None:
    """Send one message on a route and say what became of it."""
    route = AlarmRoute.objects.filter(institution=run.actor.institution, pk=run.params["route"]).first()
    if route is None:
        raise TaskFailed("没有这个告警去向，可能已不属于本机构。")
    message = sending.trial(route)
    try:
        words = sending.send(message)
    except sending.NotSent as error:
        sending.finish_trial(message, str(error), arrived=False)
        raise TaskFailed(f"测试消息没有送出：{error}。") from None
    sending.finish_trial(message, words, arrived=True)
    run.finish({"结果": words}, url=route.get_absolute_url())


schedule("audit.seal", daily_at="00:40")
schedule("audit.verify", daily_at="04:10")


@sweep("system.alarms.watch", every=30.0)
def watch_alarms() -> None:
    """Look at everything that is watched."""
    alarms.watch()


@sweep("system.alarms.send", every=2.0)
def send_alarms() -> None:
    """Send what is due, beside the other sweeps."""
    apart("alarms", sending.send_due)


@sweep("audit.stream", every=3.0)
def stream_audit() -> None:
    """Hand the audit to its collector, beside the other sweeps."""
    apart("audit-stream", stream)


@sweep("system.alarms.prune", every=3600.0)
def prune_alarms() -> None:
    """Forget alarms that were over long ago."""
    before = timezone.now() - ALARMS_KEPT
    AlarmDelivery.objects.filter(made_at__lt=before).delete()
    AlarmEvent.objects.filter(cleared_at__lt=before).delete()


def _result(report: Report) -> dict[str, str]:
    return {"结果": "一致", "封存日": f"{report.days} 天", "记录": f"{report.rows:,} 条"}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
