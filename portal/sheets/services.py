"""Everything that changes an import's state."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from portal.audit.services import record
from portal.people.actor import Actor
from portal.sheets import store, waiting
from portal.sheets.choices import OPEN_STATES, ImportState, Mode
from portal.sheets.errors import SheetError
from portal.sheets.guards import check_name
from portal.sheets.importer import Importer, find
from portal.sheets.models import SheetImport
from portal.tasks.models import Task
from portal.tasks.services import start


def upload(actor: Actor, *, importer: Importer, file_name: str, data: bytes) -> SheetImport:
    """Keep a file that is in memory and start its check, as `take_upload` does.

    Raises NotAllowed, or SheetError when suffix or size are wrong.
    """
    actor.must(importer.action)
    check_name(base_name(file_name), len(data))
    kept = store.keep_whole(data)
    try:
        made = take_upload(actor, importer=importer, file_name=file_name, kept=kept)
    except BaseException:
        store.drop(kept.name)
        raise
    if made.stored_as != kept.name:
        store.drop(kept.name)
    return made


def take_upload(actor: Actor, *, importer: Importer, file_name: str, kept: store.Kept) -> SheetImport:
    """Take over a file from the store and start its check. The same file still open is not taken twice: that import
    is returned, and `stored_as` is then another's name.

    Raises NotAllowed, or SheetError when suffix or size are wrong; the file is then the caller's to drop.
    """
    actor.must(importer.action)
    check_name(base_name(file_name), kept.size)
    earlier = _earlier(actor, importer, kept.sha256)
    if earlier is not None and earlier.state in OPEN_STATES:
        return earlier
    return _begin(actor, importer, base_name(file_name), kept, earlier)


def base_name(file_name: str) -> str:
    """Return the name without its folders, short enough to keep, its suffix kept."""
    name = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, suffix = name.rpartition(".")
    return name if len(name) <= 255 else f"{stem[: 250 - len(suffix)]}…{dot}{suffix}"[-255:]


def _earlier(actor: Actor, importer: Importer, sha256: str) -> SheetImport | None:
    same = SheetImport.objects.filter(institution=actor.institution, importer=importer.code, sha256=sha256)
    found: SheetImport | None = same.exclude(state=ImportState.ABANDONED).order_by("-id").first()
    return found


def _begin(
    actor: Actor, importer: Importer, file_name: str, kept: store.Kept, earlier: SheetImport | None
) -> SheetImport:
    with transaction.atomic():
        sheet_import: SheetImport = SheetImport.objects.create(
            institution=actor.institution,
            importer=importer.code,
            label=importer.label,
            file_name=file_name,
            sha256=kept.sha256,
            size=kept.size,
            stored_as=kept.name,
            requested_by=actor.person,
            same_as=earlier,
        )
        record(actor, "sheets.upload", [sheet_import], label=f"上传{importer.label}文件", sha256=kept.sha256)
        _start(actor, sheet_import, "sheets.check", f"校验{sheet_import.label}文件 {sheet_import.pk} 号")
    return sheet_import


def _start(actor: Actor, sheet_import: SheetImport, kind: str, label: str) -> None:
    sheet_import.task = start(actor, kind=kind, params={"sheet_import": sheet_import.pk}, label=label)
    sheet_import.save(update_fields=["task"])


def start_check(actor: Actor, sheet_import: SheetImport) -> None:
    """Check a file anew. Call it in a transaction with the import locked."""
    _set(sheet_import, state=ImportState.CHECKING, words="")
    _start(actor, sheet_import, "sheets.check", f"校验{sheet_import.label}文件 {sheet_import.pk} 号")


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
            actor, "sheets.confirm", [locked], label=f"导入{locked.label} {locked.to_take:,} 条", mode=mode.value,
            new=locked.new_rows, changed=locked.changed_rows, errors=locked.error_rows,
        )  # fmt: skip
        _start(actor, locked, "sheets.apply", f"导入{locked.label} {locked.to_take:,} 条")
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
    if mode == Mode.ALL and sheet_import.waiting_rows:
        raise SheetError(
            f"文件「{sheet_import.file_name}」有 {sheet_import.waiting_rows} 行的值还没有对照，不能全部导入。"
            "请先在「值对照」中对上，或选择「只导入正确行」，对上后其余的行自动导入。"
        )
    if not sheet_import.to_take:
        raise SheetError(f"文件「{sheet_import.file_name}」没有新增或更新的行，不需要导入。")


GIVEN_UP_FROM = (ImportState.CHECKING, ImportState.MAPPING, ImportState.READY)


def abandon(actor: Actor, *, sheet_import: SheetImport) -> None:
    """Give the file up before it is taken; its rows are dropped. Raises NotAllowed or SheetError."""
    actor.must(importer_of(sheet_import).action)
    with transaction.atomic():
        open_still = SheetImport.objects.filter(pk=sheet_import.pk, state__in=GIVEN_UP_FROM)
        if not open_still.update(state=ImportState.ABANDONED):
            raise SheetError(f"文件「{sheet_import.file_name}」已经开始导入或已结束，不能放弃。请刷新页面查看结果。")
        waiting.forget(sheet_import)
        sheet_import.chunks.all().delete()
        SheetImport.objects.filter(pk=sheet_import.pk).update(offer="", head="")
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
