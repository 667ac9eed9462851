"""Everything that changes an import's state."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from portal.audit.services import record
from portal.people.actor import Actor
from portal.sheets import store
from portal.sheets.choices import OPEN_STATES, ImportState, Mode
from portal.sheets.errors import SheetError
from portal.sheets.guards import check_name
from portal.sheets.importer import Importer, find
from portal.sheets.models import SheetImport
from portal.tasks.models import Task
from portal.tasks.services import start


def upload(actor: Actor, *, importer: Importer, file_name: str, data: bytes) -> SheetImport:
    """Keep a file and start its check. The same file still open is not taken twice: that import is returned.

    Raises NotAllowed, or SheetError when suffix or size are wrong.
    """
    actor.must(importer.action)
    file_name = file_name.replace("\\", "/").rsplit("/", 1)[-1][-255:]
    check_name(file_name, len(data))
    sha256 = hashlib.sha256(data).hexdigest()
    earlier = _earlier(actor, importer, sha256)
    if earlier is not None and earlier.state in OPEN_STATES:
        return earlier
    stored_as = store.keep(data)
    try:
        return _begin(actor, importer, file_name, sha256, len(data), stored_as, earlier)
    except BaseException:
        store.drop(stored_as)
        raise


def _earlier(actor: Actor, importer: Importer, sha256: str) -> SheetImport | None:
    same = SheetImport.objects.filter(institution=actor.institution, importer=importer.code, sha256=sha256)
    found: SheetImport | None = same.exclude(state=ImportState.ABANDONED).order_by("-id").first()
    return found


def _begin(
    actor: Actor,
    importer: Importer,
    file_name: str,
    sha256: str,
    size: int,
    stored_as: str,
    earlier: SheetImport | None,
) -> SheetImport:
    with transaction.atomic():
        sheet_import: SheetImport = SheetImport.objects.create(
            institution=actor.institution,
            importer=importer.code,
            label=importer.label,
            file_name=file_name,
            sha256=sha256,
            size=size,
            stored_as=stored_as,
            requested_by=actor.person,
            same_as=earlier,
        )
        record(actor, "sheets.upload", [sheet_import], label=f"上传{importer.label}文件", sha256=sha256)
        _start(actor, sheet_import, "sheets.check", f"校验{sheet_import.label}文件")
    return sheet_import


def _start(actor: Actor, sheet_import: SheetImport, kind: str, label: str) -> None:
    sheet_import.task = start(actor, kind=kind, params={"sheet_import": sheet_import.pk}, label=label)
    sheet_import.save(update_fields=["task"])


def confirm(actor: Actor, *, sheet_import: SheetImport, mode: Mode | str) -> bool:
    """Take the file's rows: all, or only the good ones. Returns False when somebody already did (a double click).

    Raises NotAllowed, or SheetError when the import is not waiting for this.
    """
    importer = importer_of(sheet_import)
    actor.must(importer.action)
    mode = Mode(mode)
    with transaction.atomic():
        locked: SheetImport = SheetImport.objects.select_for_update().get(pk=sheet_import.pk)
        if locked.state in (ImportState.APPLYING, ImportState.APPLIED):
            return False
        _must_be_ready(locked, mode)
        _set(locked, state=ImportState.APPLYING, mode=mode, words="", done_chunks=0, result={})
        record(
            actor, "sheets.confirm", [locked], label=f"导入{locked.label} {locked.to_take} 条", mode=mode.value,
            new=locked.new_rows, changed=locked.changed_rows, errors=locked.error_rows,
        )  # fmt: skip
        _start(actor, locked, "sheets.apply", f"导入{locked.label} {locked.to_take} 条")
    return True


def _must_be_ready(sheet_import: SheetImport, mode: Mode) -> None:
    if sheet_import.state != ImportState.READY:
        word = ImportState(sheet_import.state).label
        raise SheetError(f"文件「{sheet_import.file_name}」的状态是「{word}」，不能导入。请刷新页面，或重新上传。")
    if mode == Mode.ALL and sheet_import.error_rows:
        raise SheetError(
            f"文件「{sheet_import.file_name}」有 {sheet_import.error_rows} 行错误，不能全部导入。"
            "请改正后重新上传，或选择「只导入正确行」。"
        )
    if not sheet_import.to_take:
        raise SheetError(f"文件「{sheet_import.file_name}」没有新增或更新的行，不需要导入。")


def abandon(actor: Actor, *, sheet_import: SheetImport) -> None:
    """Give the file up before it is taken; its rows are dropped. Raises NotAllowed or SheetError."""
    actor.must(importer_of(sheet_import).action)
    with transaction.atomic():
        waiting = SheetImport.objects.filter(pk=sheet_import.pk, state__in=(ImportState.CHECKING, ImportState.READY))
        if not waiting.update(state=ImportState.ABANDONED):
            raise SheetError(f"文件「{sheet_import.file_name}」已经开始导入或已结束，不能放弃。请刷新页面查看结果。")
        sheet_import.chunks.all().delete()
        record(actor, "sheets.abandon", [sheet_import], label=f"放弃导入{sheet_import.label}")
    store.drop(sheet_import.stored_as)
    if sheet_import.error_file:
        store.drop(sheet_import.error_file)
    sheet_import.refresh_from_db()


def ask_error_file(actor: Actor, *, sheet_import: SheetImport) -> Task:
    """Let a task write the lines in error to a file; a task that is at it already is returned. Raises NotAllowed."""
    actor.must(importer_of(sheet_import).action)
    params = {"sheet_import": sheet_import.pk}
    with transaction.atomic():
        SheetImport.objects.select_for_update().get(pk=sheet_import.pk)
        at_it: Task | None = Task.objects.filter(
            institution=actor.institution, kind="sheets.errors", params=params, ended_at=None
        ).first()
        label = f"生成错误行文件：{sheet_import.file_name}"
        return at_it or start(actor, kind="sheets.errors", params=params, label=label)


def importer_of(sheet_import: SheetImport) -> Importer:
    """Return the importer of an import. Raises SheetError when no installed room has it any more."""
    importer = find(sheet_import.importer)
    if importer is None:
        raise SheetError(f"此版本不能导入「{sheet_import.label}」（{sheet_import.importer}）。请联系信息科。")
    return importer


def move(sheet_import: SheetImport, *, before: ImportState, **changes: object) -> bool:
    """Change an import only while it is in state `before`; say whether it was. For the background work."""
    found = SheetImport.objects.filter(pk=sheet_import.pk, state=before).update(**changes)
    return bool(found)


def settle_stalled() -> int:
    """Give back imports whose task has ended without ending them (cancelled in the queue). Returns how many."""
    ended = SheetImport.objects.filter(task__ended_at__isnull=False)
    words = "后台任务已取消或中断。"
    back = ended.filter(state=ImportState.APPLYING).update(state=ImportState.READY, words=f"{words}可以再次确认导入。")
    lost = ended.filter(state=ImportState.CHECKING).update(
        state=ImportState.FAILED, words=f"{words}请重新上传。", checked_at=timezone.now()
    )
    return int(back + lost)


def _set(sheet_import: SheetImport, **changes: object) -> None:
    names: Sequence[str] = list(changes)
    for name in names:
        setattr(sheet_import, name, changes[name])
    sheet_import.save(update_fields=names)
