"""What the background tasks do with confirmed rows: take them, take those that waited, write those in error."""

from __future__ import annotations

import io
from collections import Counter

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.people.actor import NotAllowed
from portal.sheets import chunks, store, waiting
from portal.sheets.checking import Line, judge
from portal.sheets.choices import ImportState, Mode, RowKind
from portal.sheets.columnwise import Converter
from portal.sheets.error_file import write_errors
from portal.sheets.errors import SheetError
from portal.sheets.importer import Importer
from portal.sheets.models import SheetChunk, SheetImport
from portal.sheets.processing import broken, set_counts
from portal.sheets.services import importer_of, move
from portal.tasks.run import Cancelled, Run, TaskFailed


def apply_rows(run: Run, sheet_import: SheetImport) -> None:
    """Take the confirmed rows: all in one transaction, or portion by portion when only the good ones are wanted.

    After a crash it goes on behind the last portion that was committed.
    """
    if sheet_import.state != ImportState.APPLYING:
        return
    try:
        _apply(run, sheet_import)
    except (SheetError, NotAllowed) as error:
        _give_back(sheet_import, str(error))
        raise TaskFailed(str(error)) from error
    except Cancelled:
        _give_back(sheet_import, "导入被取消。")
        raise
    except Exception:
        _give_back(sheet_import, broken(run))
        raise


def _give_back(sheet_import: SheetImport, words: str) -> None:
    """Let the person decide again; what was committed stays and will be found unchanged the next time."""
    sheet_import.refresh_from_db()
    taken = sum(value for value in sheet_import.result.values() if isinstance(value, int))
    done = f"此前已导入 {taken} 条，再次确认时不会重复。" if taken else "没有导入任何行。"
    move(sheet_import, before=ImportState.APPLYING, state=ImportState.READY, words=f"{words}{done}"[:1000])


def _apply(run: Run, sheet_import: SheetImport) -> None:
    importer = importer_of(sheet_import)
    if sheet_import.mode == Mode.ALL:
        with transaction.atomic():
            _apply_chunks(run, sheet_import, importer)
            _end(sheet_import)
    else:
        _apply_chunks(run, sheet_import, importer)
        _end(sheet_import)
    run.finish(sheet_import.result, url=reverse("sheets:detail", args=[sheet_import.pk]))


def _end(sheet_import: SheetImport) -> None:
    """Mark the import taken, with the counts as they were when each portion was taken."""
    set_counts(sheet_import, counts_of_all(sheet_import))
    names = ("new_rows", "changed_rows", "same_rows", "error_rows", "waiting_rows", "warnings")
    changes = {name: getattr(sheet_import, name) for name in names}
    move(
        sheet_import,
        before=ImportState.APPLYING,
        state=ImportState.APPLIED,
        applied_at=timezone.now(),
        error_file="",
        **changes,
    )


def make_error_file(run: Run, sheet_import: SheetImport) -> None:
    """Write the file of the lines in error, keep it sealed, and offer it on the task's page."""
    run.progress(0, sheet_import.error_rows, "写入错误行")
    file = io.BytesIO()
    count = write_errors(sheet_import, file)
    sheet_import.error_file = store.keep(file.getvalue())
    sheet_import.save(update_fields=["error_file"])
    run.finish({"错误行": count}, file=reverse("sheets:errors", args=[sheet_import.pk]))


def _apply_chunks(run: Run, sheet_import: SheetImport, importer: Importer) -> None:
    converter = converter_of(sheet_import, importer)
    total = sheet_import.chunks.count()
    for number in range(sheet_import.done_chunks, total):
        run.progress(number, total, f"导入第 {number * chunks.CHUNK_LINES + 1} 行起")
        with transaction.atomic():
            _apply_chunk(run, sheet_import, importer, converter, number)
    run.progress(total, total, "完成")


def converter_of(sheet_import: SheetImport, importer: Importer) -> Converter:
    """Return what converts the kept lines of an import anew, with 值对照 as it is now."""
    by_name = {column.name: column for column in importer.columns}
    places = {cell["place"]: by_name[cell["name"]] for cell in sheet_import.columns if cell["name"] in by_name}
    return Converter(places, waiting.translator(sheet_import.institution))


def _apply_chunk(run: Run, sheet_import: SheetImport, importer: Importer, converter: Converter, number: int) -> None:
    """Judge the lines of one chunk anew and take those that would change something."""
    locked: SheetImport = SheetImport.objects.select_for_update().get(pk=sheet_import.pk)
    if locked.state != ImportState.APPLYING or locked.done_chunks != number:
        raise SheetError("这次导入已由另一个任务接手。")
    chunk = SheetChunk.objects.get(sheet_import=locked, number=number)
    lines = chunks.lines_of(chunk)
    kinds = (RowKind.NEW, RowKind.CHANGED, RowKind.SAME, RowKind.WAITING)
    counts = take_again(run, importer, converter, [line for line in lines if line.kind in kinds], locked.mode)
    chunks.fill(chunk, lines)
    chunk.save(update_fields=["body", "counts"])
    sheet_import.result = dict(Counter(locked.result) + counts)
    sheet_import.done_chunks = number + 1
    sheet_import.save(update_fields=["result", "done_chunks"])


def take_again(run: Run, importer: Importer, converter: Converter, good: list[Line], mode: str) -> Counter[str]:
    """Convert and judge lines anew and take those that would change something; in mode 全部 an error stops all."""
    block = chunks.block_of(good)
    for line, row in zip(good, converter.rows(block) if good else (), strict=True):
        line.row, line.kind = row, RowKind.ERROR
    judge(importer, run.actor, good)
    bad = next((line for line in good if not line.row.good), None)
    if bad is not None and mode == Mode.ALL:
        problem = next(problem for problem in bad.row.problems if problem.level != "warning")
        raise SheetError(f"校验之后数据有变化，未导入任何行。{problem}")
    rows = [line.row for line in good if line.kind in (RowKind.NEW, RowKind.CHANGED)]
    return Counter(importer.apply(run.actor, rows)) if rows else Counter()


def take_waiting(run: Run, sheet_import: SheetImport) -> None:
    """Take the rows of an import that waited for 值对照 and wait no longer; the rest waits on. Harmless to repeat."""
    importer = importer_of(sheet_import)
    converter = converter_of(sheet_import, importer)
    total: Counter[str] = Counter()
    for chunk in sheet_import.chunks.filter(counts__has_key=RowKind.WAITING.value).values_list("pk", flat=True):
        with transaction.atomic():
            total.update(_take_released(run, importer, converter, sheet_import, chunk))
    run.finish(dict(total), url=reverse("sheets:detail", args=[sheet_import.pk]))


def _take_released(
    run: Run, importer: Importer, converter: Converter, sheet_import: SheetImport, pk: int
) -> Counter[str]:
    locked: SheetImport = SheetImport.objects.select_for_update().get(pk=sheet_import.pk)
    if locked.state != ImportState.APPLIED:
        raise TaskFailed("这次导入还没有完成，待对照的行没有处理。请在导入完成后重试此任务。")
    chunk = SheetChunk.objects.get(pk=pk)
    lines = chunks.lines_of(chunk)
    try:
        counts = take_again(
            run, importer, converter, [line for line in lines if line.kind == RowKind.WAITING], Mode.GOOD
        )
    except (SheetError, NotAllowed) as error:
        raise TaskFailed(str(error)) from error
    chunks.fill(chunk, lines)
    chunk.save(update_fields=["body", "counts"])
    set_counts(locked, counts_of_all(locked))
    locked.result, locked.error_file = dict(Counter(locked.result) + counts), ""
    locked.save()
    return counts


def counts_of_all(sheet_import: SheetImport) -> Counter[str]:
    """Return the counts of all chunks together."""
    counts: Counter[str] = Counter()
    for part in sheet_import.chunks.values_list("counts", flat=True):
        counts.update(part)
    return counts
