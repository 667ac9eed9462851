"""What each step of the night does: it returns what it did in words, or raises StepFailed with words."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import TypeVar

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import kind_of
from insurance.catalogue.loading import refresh_all
from insurance.exchange.choices import OPEN_STATES, SubmissionState
from insurance.exchange.models import Submission
from insurance.mapping.choices import DifferenceKind, EndingState, FindingKind, MappingState, SwitchState, WorkState
from insurance.mapping.delivery.submitting import Queued, queue_endings, queue_mappings
from insurance.mapping.matching.services import suggest_all, suggest_item
from insurance.mapping.models import CodeSwitch, Ending, HospitalItem, Mapping, NightRun
from insurance.mapping.proof.tasks import compare
from insurance.mapping.switching.facts import grouped
from insurance.mapping.switching.impact import find_impact
from insurance.mapping.switching.services.assessing import assess
from portal.people.models import Institution
from portal.tasks.run import Run

PURPOSES = "mapping."
MOST_BROKEN = 500
LOOK_SECONDS = 2.0
T = TypeVar("T", Mapping, Ending)
CHUNK = 500


class StepFailed(Exception):
    """A step could not be done; Chinese words say why. `again`: trying once more may help."""

    def __init__(self, words: str, *, again: bool = True) -> None:
        self.again = again
        super().__init__(words)


def refresh_catalogues(run: Run, night: NightRun) -> str:
    """Refresh all catalogues; nothing is done while one of them failed."""
    loads = refresh_all(run)
    failed = [load for load in loads if load.state == LoadState.FAILED]
    if failed:
        first = failed[0].words.rstrip("。")
        raise StepFailed(
            f"{len(failed)} 个目录没有更新：{grouped(str(kind_of(load.infno)) for load in failed)}。{first}"
        )
    new, changed, ended = (
        sum(getattr(load, name) for load in loads) for name in ("rows_new", "rows_changed", "rows_ended")
    )
    return f"{len(loads)} 个目录：新增 {new:,}、变更 {changed:,}、停用 {ended:,} 行"


def check_impact(run: Run, night: NightRun) -> str:
    """Find what the catalogues and the day do to the relations, and work open switches out anew."""
    counts = find_impact(night.institution, day=night.day)
    switches = [assess(switch, night.day) for switch in open_switches(night.institution)]
    words = "、".join(f"{kind.label} {counts[kind]}" for kind in FindingKind if counts[kind]) or "没有待处理的影响"
    return f"{words}；进行中的目录切换 {len(switches)} 项"


def open_switches(institution: Institution) -> QuerySet[CodeSwitch]:
    """Return the switches that are still being prepared or wait for their day."""
    found: QuerySet[CodeSwitch] = CodeSwitch.objects.filter(institution=institution)
    return found.exclude(state__in=[SwitchState.CANCELLED, SwitchState.DONE]).order_by("day", "pk")


def upload_due(run: Run, night: NightRun) -> str:
    """Queue what is due that day and wait until the platform answered; a limit in time stands in the settings."""
    left = _queue_due(run, night)
    _wait(run, night.institution)
    for switch in open_switches(night.institution):
        assess(switch, night.day)
    states = Counter(_since(night).values_list("state", flat=True))
    waiting = _under_way(night.institution).count()
    faults = []
    if waiting:
        faults.append(f"{waiting} 条还没有送达平台")
    if states[SubmissionState.REFUSED]:
        faults.append(f"平台拒绝 {states[SubmissionState.REFUSED]} 条")
    if states[SubmissionState.UNKNOWN]:
        faults.append(f"{states[SubmissionState.UNKNOWN]} 条结果待查")
    if left:
        faults.append(f"{len(left)} 条没有上传（{left[0]}）")
    if faults:
        raise StepFailed("；".join(faults), again=bool(waiting or left))
    sent = states[SubmissionState.ACCEPTED]
    return f"平台受理 {sent:,} 条" if sent else "今日没有要上传的对照"


def _queue_due(run: Run, night: NightRun) -> list[str]:
    """Queue approved relations whose day has come, and endings, that are not on their way; return why some are not."""
    left: list[str] = []
    for endings in _parts(due_endings(night)):
        left += _left_out(queue_endings(run.actor, endings=endings))
        run.check()
    for mappings in _parts(due_mappings(night)):
        left += _left_out(queue_mappings(run.actor, mappings=mappings))
        run.check()
    return left


def _left_out(done: Queued) -> list[str]:
    return [f"{one}：{words}" for one, words in done.faulty]


def _parts(rows: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def due_mappings(night: NightRun) -> list[Mapping]:
    """Return the approved relations that begin on the night's day or before and were never handed to delivery."""
    rows = Mapping.objects.filter(institution=night.institution, state=MappingState.APPROVED, begndate__lte=night.day)
    return _idle(rows.select_related("item"))


def due_endings(night: NightRun) -> list[Ending]:
    """Return the approved endings that take effect by the night's day and were never handed to delivery."""
    due = Q(made_for=None, enddate__lt=night.day) | Q(made_for__begndate__lte=night.day)
    rows = Ending.objects.filter(due, institution=night.institution, state=EndingState.APPROVED)
    return _idle(rows.select_related("mapping__item"))


def _idle(rows: QuerySet[T]) -> list[T]:
    """Leave out what ever had an upload: what was refused or taken back is a person's to see to."""
    found = list(rows.order_by("pk"))
    keys = [str(one.pk) for one in found]
    known = Submission.objects.filter(subject_type=rows.model._meta.label_lower, subject_id__in=keys)
    busy = set(known.values_list("subject_id", flat=True))
    return [one for one in found if str(one.pk) not in busy]


def _under_way(institution: Institution) -> QuerySet[Submission]:
    """Return uploads of this room that are due and not answered; what waits for a person is not waited for."""
    due = Q(not_before=None) | Q(not_before__lte=timezone.now())
    found: QuerySet[Submission] = Submission.objects.filter(
        due, institution=institution, purpose__startswith=PURPOSES, state__in=OPEN_STATES, needs_person=False
    )
    return found


def _since(night: NightRun) -> QuerySet[Submission]:
    """Return the uploads of this room whose state changed since the night began."""
    found: QuerySet[Submission] = Submission.objects.filter(
        institution=night.institution, purpose__startswith=PURPOSES, superseded=False, state_at__gte=night.started_at
    )
    return found


def _wait(run: Run, institution: Institution) -> None:
    until = time.monotonic() + settings.NIGHT_UPLOAD_SECONDS
    most = _under_way(institution).count()
    while (left := _under_way(institution).count()) and time.monotonic() < until:
        run.progress(max(most - left, 0), max(most, left), "等待平台受理")
        time.sleep(LOOK_SECONDS)


def compare_platform(run: Run, night: NightRun) -> str:
    """Compare our relations with the platform's (1317)."""
    counts = compare(run)
    words = "、".join(f"{kind.label} {counts[kind.value]}" for kind in DifferenceKind if counts.get(kind.value))
    return f"差异：{words}" if words else "与平台一致"


def suggest_codes(run: Run, night: NightRun) -> str:
    """Suggest codes for what has none, and for relations whose code was lost."""
    counts = suggest_all(run)
    broken = HospitalItem.objects.filter(
        mappings__findings__state=WorkState.OPEN, mappings__findings__kind=FindingKind.BROKEN,
        institution=night.institution,
    )  # fmt: skip
    some = list(broken.select_related("institution").distinct().order_by("-revenue")[:MOST_BROKEN])
    for item in some:
        run.check()
        suggest_item(item)
    words = "、".join(f"{word} {number:,}" for word, number in counts.items()) or "没有未对照的项目"
    return f"{words}；编码失效的 {len(some):,} 项"
