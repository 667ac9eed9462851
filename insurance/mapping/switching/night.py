"""The night's order of work: catalogues, their impact, what goes out that day, the comparison, new suggestions.

One row a night keeps where it is, so that it goes on after a kill where it stopped; what failed is tried again until
the morning, and what makes no sense without it waits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone

from insurance.exchange.models import Connection
from insurance.mapping.choices import NightState, StepState
from insurance.mapping.models import NightRun
from insurance.mapping.switching import steps as work
from insurance.mapping.switching.steps import StepFailed
from portal.people.models import Institution
from portal.tasks.run import Cancelled, Run, TaskFailed

NO_CONNECTION = "本机构还没有建立平台连接，夜间更新没有执行。请信息科在「系统 · 平台连接」中建立。"
MOST_ATTEMPTS = 30


@dataclass(frozen=True)
class Step:
    """One step: what it does (returns words), which others it needs, what a person does when it failed."""

    key: str
    label: str
    work: Callable[[Run, NightRun], str]
    remedy: str
    needs: tuple[str, ...] = ()


STEPS = (
    Step(
        "catalogues", "更新医保目录（1301–1319、1901）", work.refresh_catalogues,
        "在「医保目录 · 更新记录」看哪一个没有完成及原因；平台恢复后在本页重新运行。",
    ),
    Step(
        "impact", "核对目录变更影响", work.check_impact, "目录更新完成后在本页重新运行。", ("catalogues",),
    ),
    Step(
        "upload", "上传今日到期的对照", work.upload_due,
        "在「已对照」看没有送达或被拒的对照及平台原因，处理后重新上传，再在本页重新运行。",
    ),
    Step(
        "compare", "与平台核对（1317）", work.compare_platform,
        "平台恢复后在本页重新运行，或在「平台核对」点核对。", ("upload",),
    ),
    Step(
        "suggest", "为新项目和失效的对照推荐编码", work.suggest_codes,
        "在本页重新运行；不影响已有对照。", ("catalogues",),
    ),
)  # fmt: skip
BY_KEY = {step.key: step for step in STEPS}


def ready_by(day: dt.date) -> dt.datetime:
    """Return by when the night of a day must be done (NIGHT_READY_BY)."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.fromisoformat(settings.NIGHT_READY_BY)))


def night_of(institution: Institution, day: dt.date) -> NightRun:
    """Return the row of a night, made with all its steps when there is none; harmless if two ask at once."""
    fresh: list[dict[str, Any]] = [
        {"key": step.key, "label": step.label, "state": StepState.WAITING.value, "words": "", "tries": 0}
        for step in STEPS
    ]
    found: NightRun = NightRun.objects.get_or_create(institution=institution, day=day, defaults={"steps": fresh})[0]
    return found


def run_night(run: Run, *, day: dt.date | None = None, steps: tuple[Step, ...] = STEPS) -> NightRun:
    """Carry out what is left of a night (today's), each step at most once; return its row, green or red.

    Steps that are done stay done, so running it again is harmless. Raises TaskFailed with words when it is not green.
    """
    institution = run.actor.institution
    if not Connection.objects.filter(institution=institution).exists():
        raise TaskFailed(NO_CONNECTION)
    night = night_of(institution, day or timezone.localdate())
    if night.state == NightState.GREEN:
        return night
    night.state, night.attempts, night.retry_at = NightState.RUNNING, night.attempts + 1, None
    night.save(update_fields=["state", "attempts", "retry_at"])
    for number, step in enumerate(steps):
        run.progress(number, len(steps), step.label)
        _one(run, night, step)
    _end(night)
    if night.state != NightState.GREEN:
        raise TaskFailed(words_of(night))
    return night


def _one(run: Run, night: NightRun, step: Step) -> None:
    """Do one step unless it is done, and keep what came of it."""
    if _state(night, step.key) == StepState.DONE:
        return
    lacking = [BY_KEY[key].label for key in step.needs if _state(night, key) != StepState.DONE]
    if lacking:
        _note(night, step, StepState.SKIPPED, f"「{'」「'.join(lacking)}」没有完成，本步没有执行")
        return
    _note(night, step, StepState.RUNNING, "", tried=True)
    try:
        words = step.work(run, night)
    except Cancelled:
        _note(night, step, StepState.FAILED, "按要求取消")
        _end(night, again=False)
        raise
    except (StepFailed, TaskFailed) as error:
        run.log(f"{step.label}：{error}", "error")
        _note(night, step, StepState.FAILED, str(error), final=isinstance(error, StepFailed) and not error.again)
    except Exception:
        # the words of an exception may quote a person's data; the task's log has the number to look for
        _note(night, step, StepState.FAILED, f"程序出错（任务 {run.task.pk}-{run.attempt}），请告诉信息科")
        _end(night)
        raise
    else:
        run.log(f"{step.label}：{words}")
        _note(night, step, StepState.DONE, words)


def _state(night: NightRun, key: str) -> str:
    return next((str(one["state"]) for one in night.steps if one["key"] == key), "")


def _note(
    night: NightRun, step: Step, state: StepState, words: str, *, tried: bool = False, final: bool = False
) -> None:
    now = timezone.now().isoformat()
    for one in night.steps:
        if one["key"] == step.key:
            one |= {"state": state.value, "words": words[:500], "final": final}
            one |= {"started": now, "ended": "", "tries": one.get("tries", 0) + 1} if tried else {"ended": now}
            one["remedy"] = step.remedy if state in (StepState.FAILED, StepState.SKIPPED) else ""
    night.save(update_fields=["steps"])


def _end(night: NightRun, *, again: bool = True) -> None:
    """Say green or red; red is tried again later while there is time and sense in it."""
    green = all(one["state"] == StepState.DONE for one in night.steps)
    night.state = NightState.GREEN if green else NightState.RED
    night.ended_at = timezone.now()
    later = timezone.now() + dt.timedelta(seconds=settings.NIGHT_RETRY_SECONDS)
    hopeful = any(one["state"] == StepState.FAILED and not one.get("final") for one in night.steps)
    wanted = not green and again and hopeful and night.attempts < MOST_ATTEMPTS
    night.retry_at = later if wanted and later < ready_by(night.day) else None
    night.save(update_fields=["state", "ended_at", "retry_at"])


def broken_step(night: NightRun) -> tuple[int, dict[str, Any]] | None:
    """Return number (from 1) and entry of the step at which a night hangs, None when all are done."""
    for wanted in ((StepState.FAILED,), (StepState.RUNNING,), (StepState.WAITING, StepState.SKIPPED)):
        for number, one in enumerate(night.steps, start=1):
            if one["state"] in wanted:
                return number, one
    return None


def words_of(night: NightRun) -> str:
    """Return in one sentence how a night stands: green and when, or at which step, why, and what to do."""
    found = broken_step(night)
    if found is None:
        ended = f"{timezone.localtime(night.ended_at):%H:%M}" if night.ended_at else ""
        return f"夜间更新 {night.day} 全部完成（{ended}）"
    number, one = found
    if one["state"] == StepState.RUNNING:
        return f"夜间更新 {night.day} 正在第 {number} 步「{one['label']}」"
    why = str(one["words"]).rstrip("。") or "还没有开始"
    remedy = one.get("remedy") or BY_KEY[one["key"]].remedy
    return f"夜间更新 {night.day} 第 {number} 步「{one['label']}」没有完成：{why}。{remedy}"
