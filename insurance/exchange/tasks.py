"""What the dispatcher does for the exchange, every few seconds and harmless if doubled."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from insurance.exchange import archiving
from insurance.exchange.applying import apply_due
from insurance.exchange.bell import ring_for
from insurance.exchange.bodies import make_months
from insurance.exchange.choices import SubmissionState
from insurance.exchange.connections import first_connection
from insurance.exchange.debugging import tasks as debugging_tasks
from insurance.exchange.errors import PlatformError
from insurance.exchange.leases import pick_up, reap
from insurance.exchange.lines import open_line
from insurance.exchange.models import Connection, Drain, PruneOrder, Session, Submission
from insurance.exchange.queries import connection_of
from insurance.exchange.retention import RetentionRefused, drop_months, prune
from insurance.exchange.services import release_threads
from insurance.exchange.statistics import count_days
from portal.tasks.registry import schedule, sweep, task_kind
from portal.tasks.run import Run, TaskFailed

# 接口调试 keeps its own beside it; only this module is imported when the portal loads.
__all__ = ["debugging_tasks"]


@sweep("exchange.leases", every=1.0)
def give_back_leases() -> None:
    """Give back the calls of dead senders, and what they carried."""
    reap()
    pick_up()


@sweep("exchange.apply", every=2.0)
def apply_left_over() -> None:
    """Apply answers that nobody applied."""
    apply_due()


@sweep("exchange.threads", every=2.0)
def let_threads_go() -> None:
    """Free what waits for a predecessor that is done."""
    release_threads()


@sweep("exchange.due", every=1.0)
def ring_what_is_due() -> None:
    """Ring for every connection and class with something due and no living drain."""
    now = timezone.now()
    ready = Q(state=SubmissionState.QUEUED, ready=True) | Q(state=SubmissionState.UNKNOWN, needs_person=False)
    alive = Drain.objects.filter(connection=OuterRef("connection"), delivery=OuterRef("delivery"), lease_until__gt=now)
    closed = Connection.objects.filter(Q(paused=True) | Q(broken_until__gt=now), pk=OuterRef("connection"))
    waiting = (
        Submission.objects.filter(ready)
        .filter(Q(not_before=None) | Q(not_before__lte=now))
        .exclude(Exists(alive))
        .exclude(Exists(closed))
        .values_list("connection", "delivery")
        .order_by()
        .distinct()
    )
    for connection_id, delivery in waiting:
        ring_for(connection_id, delivery)


@sweep("exchange.connection", every=3600.0)
def keep_first_connection() -> None:
    """Make the first institution and its connection from the settings, or let it follow them."""
    first_connection()


@sweep("exchange.months", every=3600.0)
def keep_months() -> None:
    """Make this month's and the next month's partition of the bodies."""
    make_months()


@sweep("exchange.statistics", every=120.0)
def keep_counts() -> None:
    """Count today's calls, and yesterday's for good."""
    count_days()


@task_kind("exchange.sign_out", label="操作员签退", single=True)
def sign_out_all(run: Run) -> None:
    """Sign out (9002) every operator who is signed in today; one that fails is told and does not stop the others."""
    connection = connection_of(run.actor.institution)
    sessions = list(Session.objects.filter(connection=connection, day=timezone.localdate(), ended_at=None))
    out = 0
    with open_line(connection) as line:
        for place, session in enumerate(sessions, start=1):
            try:
                line.sign_out(session)
                out += 1
            except PlatformError as error:
                run.log(f"操作员 {session.opter} 签退未成功：{error.words}", level="warning")
            run.progress(place, len(sessions), "签退")
    run.finish({"签退": out, "未成功": len(sessions) - out})


schedule("exchange.sign_out", daily_at="23:50")


@task_kind("exchange.prune", label="清理到期报文", action="system.manage", single=True, own=True)
def prune_due(run: Run) -> None:
    """Take away what no rule keeps any longer."""
    months = drop_months()
    done = prune(lambda number, words: run.progress(number, 0, words))
    run.finish(done | ({"整月": len(months)} if months else {}), url="/exchange/retention/")


schedule("exchange.prune", daily_at="03:40")


@task_kind(
    archiving.TASK, label="归档并清理受保护报文", action="system.manage", own=True, param_labels={"order": "单号"}
)
def prune_protected(run: Run) -> None:
    """Archive what two persons ordered to go, and take it away when the archive is whole."""
    order = PruneOrder.objects.select_related("rule").get(pk=run.params["order"], institution=run.actor.institution)
    try:
        name, gone = archiving.run_order(order, lambda number, words: run.progress(number, order.count, words))
    except RetentionRefused as refused:
        raise TaskFailed(str(refused)) from refused
    run.finish({"已归档并清理": gone, "归档文件": name}, url="/exchange/retention/")
