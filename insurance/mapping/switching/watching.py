"""Whether the night's work is done by the morning: on the desk, and out of the portal to whoever has the duty."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from insurance.mapping.choices import NightState
from insurance.mapping.models import NightRun
from insurance.mapping.switching.night import ready_by, words_of
from portal.desk.registry import Alarm, Notice, add_alarm
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.system.alarms import AlarmKind, AlarmSource, register_source
from portal.tasks.models import Schedule, Task

KIND = "mapping.night"


def late_words(institution: Institution, now: dt.datetime | None = None) -> str:
    """Return what is wrong with last night's work once the morning has come, "" while nothing is.

    Before NIGHT_READY_BY nothing is said. A night that should have begun and has no row is as red as one that hangs.
    """
    now = timezone.localtime(now)
    limit = ready_by(now.date())
    if now < limit:
        return ""
    night = NightRun.objects.filter(institution=institution, day=now.date()).first()
    if night is not None:
        return "" if night.state == NightState.GREEN else words_of(night)
    if not _should_have_begun(institution, limit):
        return ""
    return f"夜间更新 {now.date()} 没有运行。请信息科检查后台任务，再在「夜间更新」点「现在运行」"


def _should_have_begun(institution: Institution, limit: dt.datetime) -> bool:
    """Say whether a schedule of the night was missed, or its task still waits."""
    midnight = limit.replace(hour=0, minute=0)
    missed = Schedule.objects.filter(institution=institution, kind=KIND, active=True, next_run__lte=limit)
    waiting = Q(ended_at=None) | Q(created_at__gte=midnight)
    begun = Task.objects.filter(waiting, institution=institution, kind=KIND, created_at__lt=limit)
    return bool(missed.exists() or begun.exclude(state="cancelled").exists())


def night_alarm(actor: Actor) -> Notice | None:
    """Stand red on the desk from the morning on until the night's work is done."""
    words = late_words(actor.institution)
    return (
        Notice(f"{words}。".replace("。。", "。"), "danger", reverse("mapping:nights"), "查看夜间更新")
        if words
        else None
    )


def look(institution: Institution | None) -> tuple[str, str] | None:
    """Tell the dispatcher the same, so that it leaves the portal."""
    words = late_words(institution) if institution is not None else ""
    return (words, "danger") if words else None


def register_watching() -> None:
    """Let desk and dispatcher watch the night."""
    add_alarm(Alarm("mapping.night", night_alarm, action="mapping.view", order=20))
    register_source(AlarmSource(AlarmKind("mapping.night", "夜间更新没有完成", "exchange"), look))
