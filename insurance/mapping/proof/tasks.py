"""Background work of this corner: the nightly comparison with the platform."""

from __future__ import annotations

from django.urls import reverse

from insurance.exchange.connections import book_of
from insurance.exchange.queries import connection_of
from insurance.mapping.choices import DifferenceKind
from insurance.mapping.delivery.looking import tells_verdicts
from insurance.mapping.delivery.verdicts import keep_verdicts
from insurance.mapping.proof.mirroring import refresh_differences, replace_mirror
from insurance.mapping.proof.pulling import pull
from portal.people.actor import NotAllowed
from portal.tasks.registry import task_kind
from portal.tasks.run import Run, TaskFailed

COMPARE = "mapping.compare"


@task_kind(COMPARE, label="平台对照核对", action="mapping.submit", single=True, param_labels={"accept": "确认减少"})
def compare_task(run: Run) -> None:
    """Compare ours with 1317 and 5163; with `accept` only for who may upload, whoever started the task again."""
    try:
        if run.params.get("accept"):
            run.actor.must("mapping.submit")
    except NotAllowed as error:
        raise TaskFailed(str(error)) from error
    counts = compare(run)
    words = {str(kind.label): counts[kind.value] for kind in DifferenceKind}
    run.finish(words, url=reverse("mapping:proof"))


def compare(run: Run) -> dict[str, int]:
    """Read what the platform holds, keep it, its verdicts and the differences; returns kind → open differences.

    Raises TaskFailed with mirror and differences as they were.
    """
    pulled = pull(run)
    run.progress(2, 3, "逐项核对")
    count = replace_mirror(run.actor, pulled)
    tells = tells_verdicts(book_of(connection_of(run.actor.institution)))
    rows = pulled.received if pulled.received is not None else ([] if tells else pulled.in_force)
    taken = keep_verdicts(run.actor, rows, passed_by_presence=not tells)
    counts = refresh_differences(run.actor, sees_unaudited=pulled.received is not None, since=pulled.asked_at)
    for code in sorted(taken.unknown):
        run.log(f"平台返回未知的审核状态「{code}」，按待局方审核处理。请信息科核对设置 MAPPING_CHK_STAS", "warning")
    run.log(f"平台现有 {count:,} 条对照")
    run.progress(3, 3, "完成")
    return counts
