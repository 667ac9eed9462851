"""Background work of the button 导出: writing a long list, clearing away what nobody fetches any more."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from datetime import timedelta
from typing import IO

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.audit.uncovering import UncoverRefused
from portal.lists.exporting import open_list
from portal.people.actor import NotAllowed
from portal.sheets import vault
from portal.sheets.errors import SheetError
from portal.sheets.exporting import Pace, Sheet, grant_for, note_export
from portal.sheets.exports import SheetExport
from portal.tasks.registry import sweep, task_kind
from portal.tasks.run import Run, TaskFailed

KEEP = timedelta(days=7)
STRAY_SECONDS = 86_400.0


@task_kind("sheets.export", label="导出表格", action="sheets.export")
def export(run: Run) -> None:
    """Write the list of `params["export"]` to a sealed file. Starting anew after a crash writes it anew."""
    found = _export_of(run)
    try:
        _write(run, found)
    except (SheetError, NotAllowed, UncoverRefused) as error:
        raise TaskFailed(str(error)) from error
    except LookupError as error:
        raise TaskFailed("此版本没有这个列表，不能导出。请联系信息科。") from error


def _export_of(run: Run) -> SheetExport:
    rows = SheetExport.objects.filter(institution=run.actor.institution, pk=int(run.params["export"]))
    found: SheetExport | None = rows.first()
    if found is None:
        raise TaskFailed("导出记录已不存在，任务没有执行。请回到列表重新导出。")
    if run.actor.person is None or found.requested_by_id != run.actor.person.pk:
        raise TaskFailed("导出的内容按发起人的权限生成，只能由发起人自己重新运行。请在列表中自行导出。")
    return found


def _write(run: Run, found: SheetExport) -> None:
    sheet = _sheet(run, found)
    run.progress(0, sheet.expected, "查询数据")
    # without a name: nobody can open it, and a crash leaves nothing in clear behind
    with tempfile.TemporaryFile() as file:
        rows = sheet.write(file, Pace(lambda done: run.progress(done, max(sheet.expected, done), "写入数据")))
        run.progress(rows, rows, "加密保存")
        _keep(run, found, sheet, file, rows)
    run.log(f"已写入 {rows:,} 行，文件保留 {KEEP.days} 天")
    url = reverse("sheets:export", args=[found.pk])
    run.finish({"行数": rows}, url=url, file=reverse("sheets:export_file", args=[found.pk]))


def _sheet(run: Run, found: SheetExport) -> Sheet:
    """Return the list as its owner may see it now: rights, rows and grant are asked anew."""
    page = open_list(found.page, run.actor, found.query, **found.place)
    run.actor.must(page.export_action)
    grant = grant_for(run.actor, page) if found.clear else None
    if found.clear and grant is None:
        raise SheetError("没有导出：批量明文的授权已结束。请重新申请，或改为导出脱敏内容。")
    return Sheet(page, run.actor, found.form, grant, page.out_count())


def _keep(run: Run, found: SheetExport, sheet: Sheet, file: IO[bytes], rows: int) -> None:
    """Seal the file and note it in one transaction; a run that was overtaken leaves nothing."""
    size, sha256 = os.fstat(file.fileno()).st_size, _sha256(file)
    stored_as = vault.keep(file)
    try:
        with transaction.atomic():
            run.fence()
            locked: SheetExport = SheetExport.objects.select_for_update().get(pk=found.pk)
            earlier, now = locked.stored_as, timezone.now()
            SheetExport.objects.filter(pk=found.pk).update(
                stored_as=stored_as, size=size, sha256=sha256, rows=rows, ready_at=now, drops_at=now + KEEP,
                dropped_at=None, task=run.task,
            )  # fmt: skip
            note_export(sheet, rows, [found])
    except BaseException:
        vault.drop(stored_as)
        raise
    if earlier:
        vault.drop(earlier)


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any binary file will do


@sweep("sheets.exports", every=600.0)
def drop_old() -> None:
    """Remove files that were kept long enough, and strays that no export names (a crash between file and row)."""
    due = SheetExport.objects.filter(dropped_at=None, drops_at__lte=timezone.now()).exclude(stored_as="")
    for pk, stored_as in list(due.values_list("pk", "stored_as")):
        if SheetExport.objects.filter(pk=pk, stored_as=stored_as, dropped_at=None).update(dropped_at=timezone.now()):
            vault.drop(stored_as)
    now = time.time()
    old = [name for name in vault.names() if vault.age_seconds(name, now) > STRAY_SECONDS]
    named = set(SheetExport.objects.filter(stored_as__in=old, dropped_at=None).values_list("stored_as", flat=True))
    for name in set(old) - named:
        vault.drop(name)
