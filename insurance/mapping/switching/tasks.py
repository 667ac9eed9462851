"""Background work: the night's order, tried again until the morning; impact after a catalogue refreshed by day."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from insurance.catalogue.choices import LoadState
from insurance.catalogue.models import Load
from insurance.mapping.choices import FindingKind, NightState
from insurance.mapping.matching.services import suggest_later
from insurance.mapping.models import HospitalItem, NightRun
from insurance.mapping.switching.impact import find_impact
from insurance.mapping.switching.night import ready_by, run_night
from insurance.mapping.switching.services.assessing import assess
from insurance.mapping.switching.steps import open_switches
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.tasks.models import Task
from portal.tasks.registry import schedule, sweep, task_kind
from portal.tasks.run import Run
from portal.tasks.services import start

NIGHT, IMPACT = "mapping.night", "mapping.impact"


@task_kind(NIGHT, label="夜间更新", action="mapping.decide", single=True)
def night(run: Run) -> None:
    """Carry out what is left of the night's order of work."""
    done = run_night(run)
    run.finish({"步骤": len(done.steps), "结果": done.get_state_display()}, url=done.get_absolute_url())


@task_kind(IMPACT, label="核对目录变更影响", action="mapping.decide", single=True)
def impact(run: Run) -> None:
    """Find what the catalogues do to the relations, and work open switches out anew."""
    institution = run.actor.institution
    run.progress(0, 2, "核对生效的对照")
    counts = find_impact(institution)
    run.progress(1, 2, "核对目录切换")
    for switch in open_switches(institution):
        assess(switch)
    suggest_later(institution)
    run.progress(2, 2, "完成")
    result = {kind.label: counts[kind] for kind in FindingKind}
    run.finish(result, url=reverse("mapping:findings"))


schedule(NIGHT, daily_at="01:00")


@sweep("mapping.night", every=30.0)
def try_again() -> None:
    """Start nights again whose time to try has come, and those whose worker died for good."""
    for one in NightRun.objects.filter(day=timezone.localdate()).exclude(state=NightState.GREEN):
        if timezone.now() < ready_by(one.day) and _is_due(one):
            start(Actor.system(one.institution), kind=NIGHT, source="自动再试")


def _is_due(one: NightRun) -> bool:
    if Task.objects.filter(institution=one.institution, kind=NIGHT, ended_at=None).exists():
        return False
    return one.state == NightState.RUNNING or (one.retry_at is not None and one.retry_at <= timezone.now())


@sweep("mapping.impact", every=60.0)
def after_loads() -> None:
    """Look for impact after a catalogue was refreshed by day, and suggest codes; the night does so by itself.

    Where items wait for their first code too: who brings the items in before the catalogue has no suggestion yet.
    """
    newest = Load.objects.filter(state=LoadState.DONE, ended_at__isnull=False).order_by("-ended_at").first()
    if newest is None or newest.ended_at is None or newest.ended_at < timezone.now() - dt.timedelta(days=2):
        return
    for institution in Institution.objects.filter(pk__in=HospitalItem.objects.values("institution")):
        looked = Task.objects.filter(institution=institution, kind__in=[NIGHT, IMPACT]).filter(
            Q(ended_at=None) | Q(ended_at__gte=newest.ended_at)
        )
        if not looked.exists():
            start(Actor.system(institution), kind=IMPACT, source="目录更新后")
