"""Background work of this room: refreshing catalogues on demand, and throwing fetched files away in time."""

from __future__ import annotations

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import kind_of
from insurance.catalogue.loading import refresh, refresh_all
from insurance.catalogue.loading.files import drop_old_files
from insurance.catalogue.models import Load
from portal.people.actor import NotAllowed
from portal.tasks.registry import sweep, task_kind
from portal.tasks.run import Run, TaskFailed

REFRESH = "catalogue.refresh"
LOADS_URL = "/catalogue/loads/"


@task_kind(REFRESH, label="更新医保目录", action="catalogue.manage", param_labels={"infno": "目录"})
def refresh_task(run: Run) -> None:
    """Refresh one catalogue (params: infno, optional insu_admdvs, full, accept), or with infno "all" each of them.

    Who may repeat tasks in general may not by that take (`accept`) what a person has to answer for.
    """
    try:
        run.actor.must("catalogue.manage")
    except NotAllowed as error:
        raise TaskFailed(str(error)) from error
    infno = str(run.params["infno"])
    full = bool(run.params.get("full"))
    if infno == "all":
        _all(run, full)
        return
    area, accept = str(run.params.get("insu_admdvs") or ""), run.params.get("accept")
    load = refresh(run, infno, area, full=full, accept=accept)
    run.finish(_result([load]), url=LOADS_URL)


@sweep("catalogue.files", every=3600.0)
def drop_files() -> None:
    """Remove fetched files whose days are over."""
    drop_old_files()


def _all(run: Run, full: bool) -> None:
    loads = refresh_all(run, full=full)
    failed = [load for load in loads if load.state == LoadState.FAILED]
    if failed:
        names = "、".join(str(kind_of(load.infno)) for load in failed)
        raise TaskFailed(f"{len(failed)} 个目录没有更新：{names}。其余已处理；原因见各条未成的记录，可单独重新更新。")
    run.finish(_result(loads), url=LOADS_URL)


def _result(loads: list[Load]) -> dict[str, int]:
    return {
        "目录": len(loads),
        "新增": sum(load.rows_new for load in loads),
        "变更": sum(load.rows_changed for load in loads),
        "停用": sum(load.rows_ended for load in loads),
        "未变": sum(load.rows_same for load in loads),
    }
