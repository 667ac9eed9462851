"""One refresh of one catalogue: alone, gone on with where it stopped, and ended with words whatever happens."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

from django.db import connection as database
from django.utils import timezone

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import Kind, kind_of, refreshed
from insurance.catalogue.loading.problems import Rejected
from insurance.catalogue.models import Load
from insurance.exchange.errors import PlatformError, Refused, Undelivered
from portal.tasks.run import Cancelled, LeaseLost, Run, TaskFailed

# borne → the module of this package that loads such a catalogue; imported when first needed.
LOADERS = {"file": "files", "paged": "paged", "dictionary": "dictionaries"}
LOCK_SPACE = 1301


class Loader(Protocol):
    """What a module named in LOADERS offers."""

    def load(self, run: Run, load: Load, kind: Kind) -> None:
        """Fetch, check and merge; end with `finish(load, …)` inside the merging transaction."""


class Unreachable(TaskFailed):
    """The platform is not there: there is no sense in asking it for the next catalogue."""


def refresh(run: Run, infno: str, insu_admdvs: str = "", *, full: bool = False, accept: int | None = None) -> Load:
    """Bring one catalogue up to date and return its Load (DONE or NOTHING).

    `full` asks from the first version on, `accept` names a Load that was turned down and that a person takes all the
    same. Goes on with a load that was interrupted. Raises TaskFailed in Chinese, with nothing half-loaded.
    """
    kind = _downloadable(infno)
    with _alone(run, f"{infno}/{insu_admdvs}"):
        load = _begin(run, kind, insu_admdvs, full=full, accept=accept)
        try:
            _loader(kind).load(run, load, kind)
        except BaseException as error:
            raised = _failed(load, kind, error)
            if raised is error:
                raise
            raise raised from error
        return load


def refresh_all(run: Run, *, full: bool = False) -> list[Load]:
    """Refresh all catalogues in order (1301–1319, 1901); one that fails does not hold up the others.

    Returns the newest Load of each; the FAILED ones are noted as faults of the run with their words. When the
    platform cannot be reached at all, the rest is not asked for.
    """
    loads: list[Load] = []
    for number, kind in enumerate(refreshed()):
        run.progress(number, len(refreshed()), f"更新 {kind}")
        try:
            loads.append(refresh(run, kind.infno, full=full))
        except TaskFailed as error:
            run.fault(str(kind), str(error))
            loads += Load.objects.filter(infno=kind.infno, state=LoadState.FAILED).order_by("-pk")[:1]
            if isinstance(error, Unreachable):
                break
    return loads


def finish(load: Load, state: LoadState, **values: Any) -> None:
    """End a load with its counts; call it in the transaction that merges."""
    for name, value in values.items():
        setattr(load, name, value)
    load.state, load.ended_at = state, timezone.now()
    load.save()


def _downloadable(infno: str) -> Kind:
    try:
        kind = kind_of(infno)
    except LookupError:
        raise TaskFailed(f"没有编号为 {infno} 的目录，无法更新。") from None
    if kind.borne == "none":
        raise TaskFailed(f"{kind} 在平台上没有下载接口，无法更新。")
    return kind


def _loader(kind: Kind) -> Loader:
    return cast(Loader, importlib.import_module(f"insurance.catalogue.loading.{LOADERS[kind.borne]}"))


@contextmanager
def _alone(run: Run, what: str) -> Iterator[None]:
    """Let one process at a time refresh a catalogue; catalogues are national, so institutions wait for each other.

    An advisory lock of the session: it goes with the process, and who waited then finds nothing newer.
    """
    told = False
    while not _locked(what):
        if not told:
            run.log("同一目录正在由另一个任务更新，等它结束。")
            told = True
        run.check()
        time.sleep(0.5)
    try:
        yield
    finally:
        if not database.needs_rollback:
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, %s))", [what, LOCK_SPACE])


def _locked(what: str) -> bool:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, %s))", [what, LOCK_SPACE])
        return bool(cursor.fetchone()[0])


def _begin(run: Run, kind: Kind, area: str, *, full: bool, accept: int | None) -> Load:
    """Return the load to go on with, or a new one. Under the lock nobody else works on what is still RUNNING."""
    open_ones = Load.objects.filter(infno=kind.infno, insu_admdvs=area, state=LoadState.RUNNING)
    left = open_ones.filter(institution=run.actor.institution).order_by("-pk").first()
    wanted = {"full": full, "accept": accept}
    if left is not None and {name: left.place.get(name) for name in wanted} != wanted:
        left = None
    words = "任务中断，由后来的更新接替。"
    others = open_ones if left is None else open_ones.exclude(pk=left.pk)
    others.update(state=LoadState.FAILED, words=words, ended_at=timezone.now())
    if left is not None:
        run.log(f"{kind}：接着上次中断的更新继续。")
        left.task = run.task
        left.save(update_fields=["task"])
        return left
    return Load.objects.create(
        infno=kind.infno,
        insu_admdvs=area,
        institution=run.actor.institution,
        requested_by=run.actor.person,
        task=run.task,
        place=wanted,
    )


def _failed(load: Load, kind: Kind, error: BaseException) -> BaseException:
    """Note on the load what stopped it; return what shall be raised."""
    if isinstance(error, LeaseLost):
        return error
    words, raised = _said(kind, error)
    values: dict[str, Any] = {"state": LoadState.FAILED, "words": words[:1000], "ended_at": timezone.now()}
    if isinstance(error, Rejected):
        values["remarks"] = error.problems.as_json() if error.problems else []
        values["place"] = load.place | {"rejected": True, "askable": error.askable}
    Load.objects.filter(pk=load.pk, state=LoadState.RUNNING).update(**values)
    return raised


def _said(kind: Kind, error: BaseException) -> tuple[str, BaseException]:
    if isinstance(error, Cancelled):
        return "已按要求取消，目录保持原样。", error
    if isinstance(error, TaskFailed):
        return str(error), error
    if isinstance(error, Rejected):
        return str(error), TaskFailed(str(error))
    if isinstance(error, Undelivered):
        words = f"{kind} 没有更新：{error.words}。目录保持原样；平台恢复后请重新更新。"
        return words, Unreachable(words)
    if isinstance(error, PlatformError):
        verb = "平台拒绝：" if isinstance(error, Refused) else ""
        words = f"{kind} 没有更新：{verb}{error.words}。目录保持原样，请稍后重新更新；仍不成功请把原话告诉平台。"
        return words, TaskFailed(words)
    return "程序出错，没有更新，目录保持原样。请联系信息科。", error
