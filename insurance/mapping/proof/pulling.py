"""Asking the platform for all that it holds: 1317 whole, and 5163 where the edition has it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial

from django.utils import timezone

from insurance.catalogue.loading.pages import PagesMoved, each_page
from insurance.exchange.asking import ask, one_line
from insurance.exchange.connections import book_of
from insurance.exchange.errors import PlatformError
from insurance.exchange.queries import connection_of
from insurance.mapping.delivery.looking import (
    IN_FORCE,
    VERDICTS,
    Held,
    PageFault,
    held_by,
    held_of,
    is_own,
    tells_verdicts,
)
from insurance.mapping.models import PlatformMapping
from portal.people.actor import Actor
from portal.tasks.run import Run, TaskFailed

WHAT = "平台核对"
KEPT = "原有结果未改动"
# An answer that lost more than this share (and more than a handful) of what was there last is not believed at once.
SHRUNK = 0.8
HANDFUL = 5
TRIES = 3


@dataclass(frozen=True)
class Pulled:
    """What the platform holds: what is in force (1317), what it received with the bureau's word (None: cannot say)."""

    asked_at: dt.datetime
    in_force: list[Held]
    received: list[Held] | None


def pull(run: Run) -> Pulled:
    """Read both lists whole. Raises TaskFailed with nothing changed.

    `run.params["accept"]`: a person has looked and takes a list that shrank for true.
    """
    asked_at = timezone.now()
    try:
        with one_line(run.actor):
            run.progress(0, 3, "查询平台对照（1317）")
            in_force = _believed(run)
            run.progress(1, 3, "查询审核状态（5163）")
            return Pulled(asked_at, in_force, _received(run, bool(in_force)))
    except PlatformError as error:
        raise TaskFailed(f"{WHAT}没有完成：{error.words}。平台恢复后请重试，{KEPT}。") from error


def _believed(run: Run) -> list[Held]:
    """Return 1317; one that is empty or much shorter after a full one is asked again, and never taken by itself."""
    before = PlatformMapping.objects.filter(institution=run.actor.institution, in_1317=True, vali_flag__in=["", "1"])
    known = before.count()
    rows = _whole(run)
    if not _shrank(rows, known):
        return rows
    run.log(f"平台返回 {_count(rows):,} 条有效对照，上次有 {known:,} 条：再查一次", "warning")
    rows = _whole(run)
    if _shrank(rows, known) and not run.params.get("accept"):
        words = f"平台两次只返回 {_count(rows):,} 条有效对照，上次有 {known:,} 条，{KEPT}。"
        raise TaskFailed(f"{words}请先在平台网页核实；确实减少了，就点「确认减少并核对」。")
    return rows


def _shrank(rows: list[Held], known: int) -> bool:
    return (known - _count(rows) > HANDFUL and _count(rows) < known * SHRUNK) or (known > 0 and not rows)


def _count(rows: list[Held]) -> int:
    return sum(1 for row in rows if row.valid)


def _whole(run: Run) -> list[Held]:
    for attempt in range(TRIES):
        try:
            own = run.actor.institution.fixmedins_code
            rows: list[Held] = []
            others = 0
            for page in each_page(run.actor, IN_FORCE, {"fixmedins_code": own}):
                mine = [held_of(row) for row in page.rows if is_own(row, own)]
                rows += mine
                others += len(page.rows) - len(mine)
                run.progress(0, 3, f"查询平台对照（1317），已读 {len(rows):,} 条")
            if others:
                run.log(f"平台还返回了 {others:,} 条其他机构的对照，已略去", "warning")
            return rows
        except PagesMoved:
            if attempt + 1 == TRIES:
                raise
            run.log("平台数据正在变动，重新读取", "warning")
    raise AssertionError("unreachable")


def _received(run: Run, some: bool) -> list[Held] | None:
    """Return 5163, None where the edition has none or it cannot be read whole: then nothing is concluded from it."""
    book = book_of(connection_of(run.actor.institution))
    if not tells_verdicts(book):
        return None
    for _ in range(TRIES):
        try:
            rows = _all(run.actor)
        except PageFault as fault:
            run.log(f"5163 没有读全（{fault}），重新读取", "warning")
            continue
        if rows or not some:
            return rows
        run.log("5163 返回空名单，而 1317 有对照：再查一次", "warning")
    run.log("5163 没有可信的结果，这次只按 1317 核对，不更新审核状态", "warning")
    return None


def _all(actor: Actor) -> list[Held]:
    book = book_of(connection_of(actor.institution))
    return list(held_by(partial(ask, actor), book, VERDICTS, own=actor.institution.fixmedins_code))
