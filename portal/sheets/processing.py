"""What the background tasks do with a file: check it, then take its rows."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.people.actor import NotAllowed
from portal.sheets import chunks, store
from portal.sheets.apart import read_apart
from portal.sheets.checking import Converter, Ignored, Line, Read, judge, read_rows
from portal.sheets.choices import ImportState, Mode, RowKind
from portal.sheets.error_file import write_errors
from portal.sheets.errors import SheetError
from portal.sheets.importer import Importer
from portal.sheets.models import SheetChunk, SheetImport
from portal.sheets.services import importer_of, move
from portal.tasks.run import Cancelled, Run, TaskFailed

MAX_IGNORED = 1_000


def check_file(run: Run, sheet_import: SheetImport) -> None:
    """Read and check the whole file; leave the import ready or failed. Starting anew after a crash is harmless."""
    if sheet_import.state != ImportState.CHECKING:
        return
    try:
        _check(run, sheet_import)
    except (SheetError, NotAllowed) as error:
        _fail(sheet_import, str(error))
        raise TaskFailed(str(error)) from error
    except Cancelled:
        move(sheet_import, before=ImportState.CHECKING, state=ImportState.ABANDONED, words="校验时被取消。")
        raise
    except Exception:
        _fail(sheet_import, _broken(run))
        raise


def _broken(run: Run) -> str:
    """Return what the page says after a fault of ours, with the number under which the log has it."""
    return f"程序出错，没有完成（错误编号 {run.task.pk}-{run.attempt}）。请把编号告诉信息科。"


def _fail(sheet_import: SheetImport, words: str) -> None:
    move(
        sheet_import,
        before=ImportState.CHECKING,
        state=ImportState.FAILED,
        words=words[:1000],
        checked_at=timezone.now(),
    )


def _check(run: Run, sheet_import: SheetImport) -> None:
    importer = importer_of(sheet_import)
    run.progress(0, 0, "读取文件")
    read = read_rows(read_apart(store.fetch(sheet_import.stored_as), sheet_import.file_name), importer)
    total = len(read.lines)
    run.log(f"第 {read.header.line} 行是表头，其下有 {total} 行数据")
    judge(importer, run.actor, read.lines, lambda done: run.progress(done, total, "校验各行"))
    run.progress(total, total, "保存校验结果")
    counts = _keep(sheet_import, read)
    run.finish(_in_words(counts), url=reverse("sheets:detail", args=[sheet_import.pk]))


def _keep(sheet_import: SheetImport, read: Read) -> Counter[str]:
    """Keep what was found. An import that was abandoned meanwhile stays so, and nothing is kept of it."""
    with transaction.atomic():
        locked: SheetImport = SheetImport.objects.select_for_update().get(pk=sheet_import.pk)
        if locked.state != ImportState.CHECKING:
            return Counter()
        counts = chunks.save(locked, read.lines)
        good = len(read.lines) - counts[RowKind.ERROR.value]
        locked.state = ImportState.READY if good else ImportState.FAILED
        locked.words = "" if good else "每一行都有错误，没有可以导入的行。请按原因改正后重新上传。"
        locked.sheet_name, locked.header_row = read.header.sheet.name[:100], read.header.line
        locked.columns = _columns(read)
        locked.ignored = _ignored(read.ignored)
        set_counts(locked, counts)
        locked.checked_at = timezone.now()
        locked.save()
    return counts


def _columns(read: Read) -> list[dict[str, Any]]:
    return [
        {
            "place": cell.place,
            "letter": cell.letter,
            "header": cell.header[:200],
            "name": cell.column.name if cell.column else "",
        }
        for cell in read.header.cells
    ]


def _ignored(ignored: list[Ignored]) -> str:
    kept = ignored[:MAX_IGNORED]
    if len(ignored) > MAX_IGNORED:
        kept = [*kept, Ignored("其余", f"还有 {len(ignored) - MAX_IGNORED} 处未列出")]
    return json.dumps([asdict(one) for one in kept], ensure_ascii=False)


def set_counts(sheet_import: SheetImport, counts: Counter[str]) -> None:
    """Put the counts of all chunks into the import's own columns."""
    sheet_import.new_rows = counts[RowKind.NEW.value]
    sheet_import.changed_rows = counts[RowKind.CHANGED.value]
    sheet_import.same_rows = counts[RowKind.SAME.value]
    sheet_import.error_rows = counts[RowKind.ERROR.value]
    sheet_import.warnings = counts["warnings"]


def _in_words(counts: Counter[str]) -> dict[str, int]:
    return {str(kind.label): counts[kind.value] for kind in RowKind} | {"警告": counts["warnings"]}


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
        _give_back(sheet_import, _broken(run))
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
    counts: Counter[str] = Counter()
    for part in sheet_import.chunks.values_list("counts", flat=True):
        counts.update(part)
    set_counts(sheet_import, counts)
    names = ("new_rows", "changed_rows", "same_rows", "error_rows", "warnings")
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
    by_name = {column.name: column for column in importer.columns}
    places = {cell["place"]: by_name[cell["name"]] for cell in sheet_import.columns if cell["name"] in by_name}
    converter = Converter(places)
    total = sheet_import.chunks.count()
    for number in range(sheet_import.done_chunks, total):
        run.progress(number, total, f"导入第 {number * chunks.CHUNK_LINES + 1} 行起")
        with transaction.atomic():
            _apply_chunk(run, sheet_import, importer, converter, number)
    run.progress(total, total, "完成")


def _apply_chunk(run: Run, sheet_import: SheetImport, importer: Importer, converter: Converter, number: int) -> None:
    """Judge the lines of one chunk anew and take those that would change something."""
    locked: SheetImport = SheetImport.objects.select_for_update().get(pk=sheet_import.pk)
    if locked.state != ImportState.APPLYING or locked.done_chunks != number:
        raise SheetError("这次导入已由另一个任务接手。")
    chunk = SheetChunk.objects.get(sheet_import=locked, number=number)
    lines = chunks.lines_of(chunk)
    _judge_again(run, importer, converter, lines, locked.mode)
    rows = [line.row for line in lines if line.kind in (RowKind.NEW, RowKind.CHANGED)]
    counts = Counter(importer.apply(run.actor, rows)) if rows else Counter()
    chunks.fill(chunk, lines)
    chunk.save(update_fields=["body", "counts"])
    sheet_import.result = dict(Counter(locked.result) + counts)
    sheet_import.done_chunks = number + 1
    sheet_import.save(update_fields=["result", "done_chunks"])


def _judge_again(run: Run, importer: Importer, converter: Converter, lines: list[Line], mode: str) -> None:
    """Convert and judge anew every line that was good when checked; in mode 全部 a new error stops everything."""
    good = [line for line in lines if line.kind != RowKind.ERROR]
    for line in good:
        line.row = converter.row(line.row.number, line.texts, line.faults)
        line.kind = RowKind.ERROR
    judge(importer, run.actor, good, lambda done: None)
    bad = next((line for line in good if line.kind == RowKind.ERROR), None)
    if bad is not None and mode == Mode.ALL:
        problem = next(problem for problem in bad.row.problems if problem.level == "error")
        raise SheetError(f"校验之后数据有变化，未导入任何行。{problem}")
