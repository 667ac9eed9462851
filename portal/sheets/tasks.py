"""Background work of the wizard: checking a file, taking its rows."""

from __future__ import annotations

from portal.sheets.applying import apply_rows, make_error_file, take_waiting
from portal.sheets.errors import SheetError
from portal.sheets.models import SheetImport
from portal.sheets.processing import check_file
from portal.sheets.services import settle_stalled
from portal.sheets.store import drop_left_over
from portal.tasks.registry import sweep, task_kind
from portal.tasks.run import Run, TaskFailed


@task_kind("sheets.check", label="校验导入文件", action="sheets.view")
def check(run: Run) -> None:
    """Read the file of `params["sheet_import"]`, check all rows, keep what was found."""
    check_file(run, _import_of(run))


@task_kind("sheets.apply", label="导入文件", action="sheets.view", signed=True)
def apply(run: Run) -> None:
    """Take the rows of `params["sheet_import"]` that a person confirmed."""
    apply_rows(run, _import_of(run))


@task_kind("sheets.errors", label="生成错误行文件", action="sheets.view")
def errors(run: Run) -> None:
    """Make the file of the many lines in error of `params["sheet_import"]`."""
    make_error_file(run, _import_of(run))


@task_kind("sheets.waiting", label="导入待对照行", action="sheets.view", signed=True)
def released(run: Run) -> None:
    """Take the rows of `params["sheet_import"]` whose values have been mapped since."""
    take_waiting(run, _import_of(run))


@sweep("sheets.left_over", every=3600)
def left_over() -> None:
    """Remove uploads that were cut off."""
    drop_left_over()


@sweep("sheets.stalled", every=30)
def stalled() -> None:
    """Give back imports whose task was cancelled before it began."""
    settle_stalled()


def _import_of(run: Run) -> SheetImport:
    found: SheetImport | None = (
        SheetImport.objects.filter(institution=run.actor.institution, pk=int(run.params["sheet_import"]))
        .select_related("institution")
        .first()
    )
    if found is None:
        raise TaskFailed(str(SheetError("导入记录已不存在，任务没有执行。请重新上传文件。")))
    return found
