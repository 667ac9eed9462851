"""Task kinds that only the tests know."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from django.db import transaction

from portal.audit.services import record
from portal.people.models import Person
from portal.tasks.registry import task_kind
from portal.tasks.run import Run, TaskFailed


@task_kind("test.count", label="数数", param_labels={"up_to": "数到"})
def count(run: Run) -> None:
    """Count up to a number, leaving one audit line when it is through."""
    up_to = int(run.params["up_to"])
    for number in range(1, up_to + 1):
        run.progress(number, up_to, f"数到 {number}")
        run.log(f"第 {number} 个")
        time.sleep(float(run.params.get("pause", 0)))
    record(run.actor, "test.counted", [run.task], label="数完")
    run.finish({"个数": up_to}, url="/somewhere/")


@task_kind("test.die_once", label="第一次被杀")
def die_once(run: Run) -> None:
    """Kill its own process in the middle of the first attempt; count the attempts that got to the end."""
    run.progress(1, 2, "一半")
    if run.attempt == 1:
        Path(run.params["trace"]).write_text(str(os.getpid()))
        time.sleep(60)
    record(run.actor, "test.counted", [run.task], label="到底")
    run.finish({"次数": run.attempt})


@task_kind("test.suicide", label="自己结束")
def suicide(run: Run) -> None:
    """Die by SIGKILL."""
    os.kill(os.getpid(), signal.SIGKILL)


@task_kind("test.refuse", label="预料之中的失败")
def refuse(run: Run) -> None:
    """Fail as expected."""
    raise TaskFailed("第 3 行 科室编码：不能为空。请改正后重新导入。")


@task_kind("test.break", label="意外")
def break_down(run: Run) -> None:
    """Fail unexpectedly, with something private in the exception."""
    raise ValueError("身份证 " + "9" * 6 + "190001010000")


@task_kind("test.greedy", label="吞掉异常的循环")
def greedy(run: Run) -> None:
    """Swallow every Exception of a row, as a careless room would."""
    for number in range(100000):
        try:
            run.progress(number, 100000)
            time.sleep(0.01)
        except Exception:
            continue


@task_kind("test.rolls_back", label="回滚")
def rolls_back(run: Run) -> None:
    """Change something in a transaction that does not commit, with progress in between."""
    with transaction.atomic():
        Person.objects.filter(pk=run.actor.person.pk).update(name="不该留下")
        run.progress(1, 3, "事务之中")
        run.log("事务之中的一行")
        time.sleep(1.3)
        raise TaskFailed("没有做完，已全部退回。")


@task_kind("test.single", label="只许一个", single=True)
def single(run: Run) -> None:
    """Do nothing."""
