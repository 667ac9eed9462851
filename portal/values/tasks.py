"""Background work of 值对照: letting waiting things go, ending what has run out."""

from __future__ import annotations

from collections import Counter

from portal.people.models import Institution
from portal.tasks.registry import sweep, task_kind
from portal.tasks.run import Run
from portal.values.enforcing import expire, settle
from portal.values.registry import find_waiter
from portal.values.waiting import ready, release_some, start_release


@task_kind("values.release", label="处理等待对照的记录", action="values.edit", single=True)
def release(run: Run) -> None:
    """Let everything go that waits for nothing any more; each thing once, whoever else runs."""
    institution = run.actor.institution
    total, done = ready(institution).count(), 0
    counts: Counter[str] = Counter()
    while (went := release_some(institution)) is not None:
        code, words = went
        if not words:
            break  # another run holds the rest
        done += len(words)
        waiter = find_waiter(code)
        counts.update(words.values())
        run.log(f"{waiter.label if waiter else code} {len(words)} 条已继续处理")
        run.progress(min(done, total), max(total, done), "继续处理等待的记录")
    run.finish(dict(counts.most_common(10)) or {"等待的记录": 0})


@sweep("values.waiting", every=30.0)
def go_on() -> None:
    """End what has run out, settle what a mapping answers from today on, and start what was left over by a crash."""
    expire()
    settle()
    for institution in Institution.objects.all():
        start_release(institution)
