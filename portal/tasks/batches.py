"""Batches too large for one request, as a task: progress, cancel, and each piece once (portal.lists.batch_work)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.lists.batch_work import Piece, reasons_of, set_batch_runner, take_piece
from portal.lists.intent import Result
from portal.lists.models import BatchWork
from portal.people.actor import Actor, NotAllowed
from portal.tasks.registry import task_kind
from portal.tasks.run import Cancelled, Run, TaskFailed
from portal.tasks.services import start

if TYPE_CHECKING:
    from portal.lists.batch import BatchPage

KIND = "lists.batch"
LEVELS = {"warning", "error"}


def start_batch(actor: Actor, work: BatchWork, page: BatchPage) -> Result:
    """Queue a kept batch; call it in the transaction that keeps it. Returns what the person reads."""
    count = f"{len(work.keys):,} {page.unit}"
    url = f"{page.request.path}?work={work.pk}"
    label = f"{page.list_page.title}：{page.verb} {count}"
    task = start(actor, kind=KIND, params={"work": work.pk, "url": url}, label=label)
    words = f"已开始在后台{page.verb} {count}，分批进行；可在任务中心查看进度或取消。"
    return Result(words, task.get_absolute_url() if actor.may("tasks.view") else url, "info")


@task_kind(KIND, label="批量处理", signed=True)
def run_batch(run: Run) -> None:
    """Carry out piece after piece. Started anew (a crash, 重新运行), it goes on where the last piece ended."""
    work = BatchWork.objects.get(pk=run.params["work"])
    before = work.position
    if before:
        run.log(f"从第 {before + 1} 条继续：前面的已经处理，不会重复。")
    try:
        run.progress(before, len(work.keys))
        while piece := _next(run, work.pk):
            _tell(run, piece)
    except Cancelled:
        work.refresh_from_db()
        run.log(f"已取消：处理了 {work.taken:,} 条，还有 {len(work.keys) - work.position:,} 条没有处理。", "warning")
        raise
    _finish(run, work)


def _next(run: Run, work_id: int) -> Piece | None:
    try:
        return take_piece(work_id, run.actor, run.fence)
    except NotAllowed as refused:
        raise TaskFailed(f"{refused} 已处理的不受影响，其余没有处理；授权后可重新运行。") from None
    except LookupError:
        raise TaskFailed("此版本没有这种操作，其余没有处理。请联系信息科。") from None


def _tell(run: Run, piece: Piece) -> None:
    if piece.words:
        run.log(
            f"{piece.position:,} / {piece.total:,}：{piece.words}", piece.level if piece.level in LEVELS else "info"
        )
    run.progress(piece.position, piece.total)


def _finish(run: Run, work: BatchWork) -> None:
    work.refresh_from_db()
    for reason, count in reasons_of(work):
        run.log(f"未处理 {count:,} 条：{reason}", "warning")
    run.finish({"已处理": work.taken, "未处理": len(work.left_out)}, url=str(run.params["url"]))


set_batch_runner(start_batch)
