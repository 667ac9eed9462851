"""What the fills of the demo share: the path that people take through the wizard and through other rooms' tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from portal.people.actor import Actor
from portal.sheets.choices import ImportState, Mode
from portal.sheets.errors import SheetError
from portal.sheets.importer import find
from portal.sheets.models import SheetImport
from portal.sheets.services import confirm, settle_stalled, upload
from portal.tasks.choices import TaskState
from portal.tasks.models import Task
from portal.tasks.run import Run, TaskFailed
from portal.tasks.runner import run_task
from portal.tasks.services import start

POLL_SECONDS = 0.25
# Nothing was delivered for so long: nobody is at work, and the person is told so.
STALLED_SECONDS = 180.0
CONFIRMS = 3


class Steps:
    """One run of a fill: counts its steps, does what every step needs, looks at what is there before it acts."""

    def __init__(self, run: Run, total: int) -> None:
        self.run, self.actor = run, run.actor
        self.done, self.total = 0, total

    def begin(self, words: str) -> None:
        """Say which step begins."""
        self.done += 1
        self.run.progress(self.done, self.total, words)
        self.run.log(words)

    def take_sheet(self, code: str, file_name: str, content: Callable[[], bytes], actor: Actor | None = None) -> None:
        """Upload a file through the wizard and take its good rows; the wrong ones stay to be seen there."""
        actor = actor or self.actor
        sheet = self._uploaded(actor, code, file_name, content)
        confirmed = 0
        while sheet.state != ImportState.APPLIED:
            if sheet.state in (ImportState.FAILED, ImportState.ABANDONED) or confirmed > CONFIRMS:
                raise TaskFailed(f"文件「{file_name}」没有导入：{sheet.words or '已放弃'}")
            if sheet.state == ImportState.READY:
                confirmed += 1
                self._confirm(actor, sheet)
            elif sheet.task is not None:
                self.follow(sheet.task)
                settle_stalled()
            sheet = SheetImport.objects.select_related("task").get(pk=sheet.pk)
        self.run.log(f"「{file_name}」：导入 {sheet.to_take} 行，{sheet.error_rows} 行有错误，留在导入记录里")

    def _uploaded(self, actor: Actor, code: str, file_name: str, content: Callable[[], bytes]) -> SheetImport:
        with transaction.atomic():
            self.run.fence()
            known: SheetImport | None = (
                SheetImport.objects.filter(institution=actor.institution, importer=code, file_name=file_name)
                .exclude(state__in=[ImportState.FAILED, ImportState.ABANDONED])
                .order_by("-pk")
                .first()
            )
            importer = find(code)
            if known is None and importer is not None:
                known = upload(actor, importer=importer, file_name=file_name, data=content())
        if known is None:
            raise TaskFailed(f"此版本不能导入「{file_name}」。")
        return known

    def _confirm(self, actor: Actor, sheet: SheetImport) -> None:
        try:
            with transaction.atomic():
                self.run.fence()
                confirm(actor, sheet_import=sheet, mode=Mode.GOOD)
        except SheetError as error:
            raise TaskFailed(str(error)) from error

    def follow_kind(self, kind: str, params: Mapping[str, Any] | None = None) -> None:
        """Start a task, or go on with the one that an earlier attempt started, and wait for its end."""
        begun = Task.objects.filter(institution=self.actor.institution, kind=kind, params=params or {}, ended_at=None)
        self.follow(begun.order_by("-pk").first() or start(self.actor, kind=kind, params=params, source="演示"))

    def follow(self, task: Task) -> None:
        """Run a task here unless a worker has it, and wait for its end. Raises TaskFailed with its words."""
        while not task.ended:
            run_task(task.pk)  # harmless while another worker has it
            task.refresh_from_db()
            self.run.check()
            if not task.ended:
                time.sleep(POLL_SECONDS)
        if task.state == TaskState.FAILED:
            raise TaskFailed(f"「{task.label}」没有完成：{task.message} 之后可在任务中心重新运行，会接着做。")
