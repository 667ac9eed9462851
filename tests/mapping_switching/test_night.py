"""The night's order: each step once, gone on with after a kill, tried again until 07:00, and then red or green."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.conf import settings
from django.utils import timezone

from insurance.exchange.choices import SubmissionState
from insurance.exchange.models import Submission
from insurance.mapping.choices import NightState, StepState, SwitchState
from insurance.mapping.models import CodeSwitch, Mapping, NightRun
from insurance.mapping.switching.night import Step, broken_step, night_of, ready_by, run_night, words_of
from insurance.mapping.switching.services.deciding import approve_switch, draw_sample
from insurance.mapping.switching.services.preparing import prepare_lines
from insurance.mapping.switching.steps import StepFailed, due_endings, due_mappings, upload_due
from insurance.mapping.switching.tasks import IMPACT, NIGHT, after_loads, try_again
from insurance.mapping.switching.watching import late_words, look, night_alarm
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.system.alarms import watch
from portal.system.models import AlarmEvent
from portal.tasks.models import Schedule, Task
from portal.tasks.run import LeaseLost, Run, TaskFailed
from tests.mapping_items.factories import make_item, make_load
from tests.mapping_switching.conftest import DAY, TODAY, Ward

pytestmark = pytest.mark.django_db
KEYS = ("catalogues", "impact", "upload", "compare", "suggest")
NEEDS = {"impact": ("catalogues",), "compare": ("upload",), "suggest": ("catalogues",)}


def running(actor: Actor) -> Run:
    """One attempt at a task of the night."""
    return Run(
        Task.objects.create(institution=actor.institution, kind=NIGHT, label="夜间更新", state="running", attempt=1)
    )


class Steps:
    """The steps of the night with work of the test's own: what was done, and what breaks."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.breaks: dict[str, BaseException] = {}

    def steps(self) -> tuple[Step, ...]:
        return tuple(Step(key, key, self._work(key), "去处理", NEEDS.get(key, ())) for key in KEYS)

    def _work(self, key: str) -> Callable[[Run, NightRun], str]:
        def work(run: Run, night: NightRun) -> str:
            if key in self.breaks:
                raise self.breaks[key]
            self.done.append(key)
            return "做完"

        return work


def at(hour: int, minute: int = 0, day: dt.date | None = None) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day or TODAY(), dt.time(hour, minute)))


def test_all_steps_in_order_and_only_once(office: Actor) -> None:
    steps = Steps()
    night = run_night(running(office), steps=steps.steps())
    assert night.state == NightState.GREEN
    assert steps.done == list(KEYS)
    assert "全部完成" in words_of(night)
    run_night(running(office), steps=steps.steps())
    assert steps.done == list(KEYS)


def test_a_killed_run_goes_on_where_it_was(office: Actor) -> None:
    """The worker dies within the third step: what was done is not done again, the step it was at is."""
    steps = Steps()
    steps.breaks["upload"] = LeaseLost()
    with pytest.raises(LeaseLost):
        run_night(running(office), steps=steps.steps())
    night = NightRun.objects.get()
    assert [one["state"] for one in night.steps][:4] == ["done", "done", "running", "waiting"]
    assert night.state == NightState.RUNNING
    steps.breaks.clear()
    night = run_night(running(office), steps=steps.steps())
    assert steps.done == list(KEYS)
    assert night.state == NightState.GREEN


def test_a_failed_step_holds_up_only_what_needs_it(office: Actor) -> None:
    steps = Steps()
    steps.breaks["catalogues"] = StepFailed("平台没有响应")
    with pytest.raises(TaskFailed, match=r"第 1 步「更新医保目录.*」没有完成：平台没有响应"):
        run_night(running(office), steps=steps.steps())
    night = NightRun.objects.get()
    assert steps.done == ["upload", "compare"]
    states = {one["key"]: one["state"] for one in night.steps}
    assert (states["impact"], states["suggest"]) == (StepState.SKIPPED, StepState.SKIPPED)
    assert "没有完成，本步没有执行" in night.steps[1]["words"]
    steps.breaks.clear()
    assert run_night(running(office), steps=steps.steps()).state == NightState.GREEN
    assert steps.done == ["upload", "compare", "catalogues", "impact", "suggest"]


def test_a_fault_of_the_program_is_told_by_number(office: Actor) -> None:
    steps = Steps()
    steps.breaks["impact"] = ValueError("张三 的数据")
    with pytest.raises(ValueError, match="数据"):
        run_night(running(office), steps=steps.steps())
    night = NightRun.objects.get()
    assert night.state == NightState.RED
    assert "张三" not in str(night.steps)
    assert "程序出错（任务" in night.steps[1]["words"]


def test_tried_again_until_the_morning(office: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed has a time to be tried again while the morning is ahead; a refusal waits for a person."""
    steps = Steps()
    steps.breaks["catalogues"] = StepFailed("平台没有响应")
    tomorrow = TODAY() + DAY
    with pytest.raises(TaskFailed):
        run_night(running(office), day=tomorrow, steps=steps.steps())
    night = NightRun.objects.get()
    assert night.retry_at is not None
    assert night.retry_at < ready_by(tomorrow)
    steps.breaks = {"compare": StepFailed("平台拒绝 1 条", again=False)}
    NightRun.objects.all().delete()
    with pytest.raises(TaskFailed):
        run_night(running(office), day=tomorrow, steps=steps.steps())
    assert NightRun.objects.get().retry_at is None


def test_the_sweep_starts_what_is_due(office: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "NIGHT_READY_BY", "23:59:59")
    night = night_of(office.institution, TODAY())
    NightRun.objects.filter(pk=night.pk).update(state=NightState.RED, retry_at=timezone.now() + dt.timedelta(hours=1))
    try_again()
    assert not Task.objects.exists()
    NightRun.objects.filter(pk=night.pk).update(retry_at=timezone.now())
    try_again()
    try_again()
    assert Task.objects.filter(kind=NIGHT, institution=office.institution).count() == 1
    Task.objects.update(ended_at=timezone.now(), state="failed")
    NightRun.objects.filter(pk=night.pk).update(state=NightState.RUNNING, retry_at=None)
    try_again()
    assert Task.objects.filter(kind=NIGHT).count() == 2


def test_no_connection_is_no_red_night(institution: Institution, member: object) -> None:
    with pytest.raises(TaskFailed, match="没有建立平台连接"):
        run_night(running(Actor.system(institution)))
    assert not NightRun.objects.exists()


def test_red_in_the_morning_and_green_says_so(office: Actor) -> None:
    """Before 07:00 nothing, at 07:00 red with step, reason and next step, green says nothing is wrong."""
    hospital = office.institution
    steps = Steps()
    steps.breaks["upload"] = StepFailed("3 条还没有送达平台")
    with pytest.raises(TaskFailed):
        run_night(running(office), steps=steps.steps())
    assert late_words(hospital, at(6, 59)) == ""
    words = late_words(hospital, at(7))
    assert "第 3 步「上传今日到期的对照」没有完成：3 条还没有送达平台。去处理" in words
    steps.breaks.clear()
    run_night(running(office), steps=steps.steps())
    assert late_words(hospital, at(7)) == ""


def test_a_night_that_never_began_is_red_too(hospital: Institution) -> None:
    assert late_words(hospital, at(8)) == ""  # nothing was planned yet
    plan = Schedule.objects.create(institution=hospital, kind=NIGHT, label="夜间更新", daily_at="01:00", next_run=at(1))
    assert "没有运行" in late_words(hospital, at(8))
    plan.next_run = at(1) + DAY
    plan.save()
    assert late_words(hospital, at(8)) == ""


def test_it_pages_and_stands_on_the_desk(office: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "NIGHT_READY_BY", "00:00")
    steps = Steps()
    steps.breaks["compare"] = StepFailed("平台没有响应")
    with pytest.raises(TaskFailed):
        run_night(running(office), steps=steps.steps())
    notice = night_alarm(office)
    assert notice is not None
    assert notice.level == "danger"
    watch()
    event = AlarmEvent.objects.get(code="mapping.night", institution=office.institution)
    assert (event.level, event.cleared_at) == ("danger", None)
    steps.breaks.clear()
    run_night(running(office), steps=steps.steps())
    watch()
    event.refresh_from_db()
    assert event.cleared_at is not None
    assert look(office.institution) is None


def test_broken_step_of_a_fresh_night(hospital: Institution) -> None:
    night = night_of(hospital, TODAY())
    found = broken_step(night)
    assert found is not None
    assert found[0] == 1


def prepared(ward: Ward, day: dt.date) -> CodeSwitch:
    ward.relation("XA")
    ward.relation("XE")
    switch = ward.switch(("XA", "XN1"), ("XE", ""), day=day)
    prepare_lines(ward.office, switch=switch, lines=switch.lines.all())
    approve_switch(ward.second, switch=switch, looked_at=[line.pk for line in draw_sample(ward.second, switch=switch)])
    return switch


def test_nothing_is_due_before_the_day(ward: Ward) -> None:
    """Also what never reached the queue is handed over on the day only."""
    switch = prepared(ward, TODAY() + 2 * DAY)
    Submission.objects.all().delete()
    assert due_mappings(night_of(ward.hospital, TODAY())) == []
    assert due_endings(night_of(ward.hospital, TODAY() + DAY)) == []
    night = night_of(ward.hospital, switch.day)
    assert [one.med_list_codg for one in due_mappings(night)] == ["XN1"]
    assert len(due_endings(night)) == 2


def test_an_upload_that_does_not_arrive_is_said(ward: Ward, settings: object) -> None:
    """Nobody listens at the platform: the step says so and may be tried again; nothing is sent twice."""
    settings.NIGHT_UPLOAD_SECONDS = 0.1  # type: ignore[attr-defined]
    switch = prepared(ward, TODAY() + DAY)
    Submission.objects.all().delete()
    night = night_of(ward.hospital, switch.day)
    with pytest.raises(StepFailed, match="还没有送达平台") as failed:
        upload_due(running(Actor.system(ward.hospital)), night)
    assert failed.value.again
    first = Submission.objects.count()
    with pytest.raises(StepFailed):
        upload_due(running(Actor.system(ward.hospital)), night)
    assert Submission.objects.count() == first


def test_a_refusal_is_a_persons(ward: Ward, settings: object) -> None:
    settings.NIGHT_UPLOAD_SECONDS = 0.1  # type: ignore[attr-defined]
    switch = prepared(ward, TODAY() + DAY)
    night = night_of(ward.hospital, switch.day)
    Submission.objects.update(state=SubmissionState.REFUSED, state_at=timezone.now(), not_before=None)
    with pytest.raises(StepFailed, match="平台拒绝 3 条") as failed:
        upload_due(running(Actor.system(ward.hospital)), night)
    assert not failed.value.again
    assert Mapping.objects.filter(switch=switch, state="approved").count() == 1
    assert CodeSwitch.objects.get(pk=switch.pk).state == SwitchState.READY


def test_a_first_catalogue_by_day_is_looked_at_where_nothing_is_mapped_yet(institution: Institution) -> None:
    make_item(institution)
    make_load("1301", institution, ended_at=timezone.now())
    after_loads()
    assert Task.objects.filter(institution=institution, kind=IMPACT).count() == 1
    after_loads()
    assert Task.objects.filter(kind=IMPACT).count() == 1
