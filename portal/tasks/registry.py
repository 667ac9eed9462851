"""Task kinds, default schedules and sweeps: what rooms declare in their `tasks.py`.

    @task_kind("directory.compare", label="科室核对", single=True)
    def compare(run: Run) -> None:
        for place, row in enumerate(rows, start=1):
            ...
            run.progress(place, len(rows), "核对科室")
        run.finish({"一致": 30, "不同": 2}, url="/directory/compare/")

    schedule("directory.compare", daily_at="02:30")

    @sweep("directory.certificates", every=60)
    def certificates() -> None: ...

`tasks.py` of each installed app is imported when the portal loads. A kind's function must be able to start anew: after
a crash it runs again from the beginning (`run.attempt` counts). It commits its own work in chunks; progress and log go
over a connection of their own, so they are visible at once whatever transaction is open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.tasks.run import Run

KindFunction = Callable[["Run"], None]
SweepFunction = Callable[[], None]


@dataclass(frozen=True)
class TaskKind:
    """One kind of task. `action` is the right to start, repeat or cancel it from 任务中心.

    `own`: only `action` lets a person start, plan, repeat or cancel it; managing tasks in general does not (三员分立).
    `signed`: what it does stands under the name of who asked for it (imports, batches), so 交接 does not move it: one
    person's proposals would stand under a colleague's name, and could be approved by who made them.
    `single`: at most one unfinished task of this kind in an institution; a second start gives the one there is.
    `param_labels` names the parameters that a person may see on the task's page.
    """

    code: str
    label: str
    function: KindFunction
    queue: str = "tasks"
    action: str = "tasks.manage"
    single: bool = False
    param_labels: Mapping[str, str] = field(default_factory=dict)
    own: bool = False
    signed: bool = False


@dataclass(frozen=True)
class ScheduleSpec:
    """When a kind starts by itself, until somebody changes the row in the database."""

    kind: str
    label: str
    every_seconds: int | None = None
    daily_at: time | None = None


@dataclass(frozen=True)
class Sweep:
    """A function that the dispatcher calls every so many seconds; two dispatchers calling it must do no harm."""

    name: str
    every: float
    function: SweepFunction


_kinds: dict[str, TaskKind] = {}
_schedules: dict[str, ScheduleSpec] = {}
_sweeps: dict[str, Sweep] = {}


def task_kind(
    code: str,
    *,
    label: str,
    queue: str = "tasks",
    action: str = "tasks.manage",
    single: bool = False,
    param_labels: Mapping[str, str] | None = None,
    own: bool = False,
    signed: bool = False,
) -> Callable[[KindFunction], KindFunction]:
    """Register a function as a kind of task. Raises ValueError when another function has the code."""

    def register(function: KindFunction) -> KindFunction:
        known = _kinds.get(code)
        if known is not None and known.function.__qualname__ != function.__qualname__:
            raise ValueError(f"two task kinds {code!r}")
        labels = dict(param_labels or {})
        _kinds[code] = TaskKind(code, label, function, queue, action, single, labels, own, signed)
        return function

    return register


def schedule(
    kind: str, *, every_seconds: int | None = None, daily_at: str | None = None, label: str = ""
) -> Callable[[KindFunction], KindFunction]:
    """Give a kind a default schedule: every so many seconds, or daily at "HH:MM" (Asia/Shanghai).

    Works as a decorator above `task_kind` or as a plain call. The dispatcher makes one row per institution.
    """
    if (every_seconds is None) == (daily_at is None):
        raise ValueError("a schedule has every_seconds or daily_at")
    at = time.fromisoformat(daily_at) if daily_at else None
    _schedules[kind] = ScheduleSpec(kind, label, every_seconds, at)
    return lambda function: function


def sweep(name: str, *, every: float) -> Callable[[SweepFunction], SweepFunction]:
    """Register a function that the dispatcher calls every `every` seconds. A later one of the same name replaces it."""

    def register(function: SweepFunction) -> SweepFunction:
        _sweeps[name] = Sweep(name, every, function)
        return function

    return register


def kind_of(code: str) -> TaskKind:
    """Return a kind. Raises LookupError for one that no installed room has."""
    try:
        return _kinds[code]
    except KeyError:
        raise LookupError(f"no task kind {code!r}") from None


def kinds() -> list[TaskKind]:
    """Return all kinds by label."""
    return sorted(_kinds.values(), key=lambda kind: kind.label)


def signed_kinds() -> list[str]:
    """Return the codes of kinds that stay with who asked for them."""
    return sorted(kind.code for kind in _kinds.values() if kind.signed)


def schedules() -> list[ScheduleSpec]:
    """Return the default schedules, each with its label."""
    return [
        ScheduleSpec(spec.kind, spec.label or kind_of(spec.kind).label, spec.every_seconds, spec.daily_at)
        for spec in _schedules.values()
    ]


def sweeps() -> list[Sweep]:
    """Return all sweeps."""
    return list(_sweeps.values())
