"""What the background tasks do with a file: check it, then take its rows."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.people.actor import NotAllowed
from portal.sheets import mappings, store, waiting
from portal.sheets.apart import open_apart
from portal.sheets.book import Source
from portal.sheets.checking import Ignored, Reader, judge
from portal.sheets.choices import ImportState, RowKind
from portal.sheets.chunks import Chunks
from portal.sheets.errors import SheetError
from portal.sheets.headers import Header, Unclear
from portal.sheets.importer import Importer
from portal.sheets.models import SheetImport
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
        _fail(sheet_import, broken(run))
        raise


def broken(run: Run) -> str:
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
    with open_apart(store.fetch(sheet_import.stored_as), sheet_import.file_name) as source:
        try:
            reader = _reader(source, sheet_import, importer)
        except Unclear as unclear:
            _ask(run, sheet_import, source, unclear)
            return
        kept, missing = _read(run, sheet_import, reader)
    run.log(f"第 {reader.header.line} 行是表头，其下有 {reader.count} 行数据")
    run.progress(reader.count, reader.count, "保存校验结果")
    if _keep(sheet_import, reader, kept):
        waiting.note(sheet_import, missing)
    run.finish(_in_words(kept.counts), url=reverse("sheets:detail", args=[sheet_import.pk]))


def _reader(source: Source, sheet_import: SheetImport, importer: Importer) -> Reader:
    chosen = mappings.chosen(sheet_import)
    remembered = {} if chosen else mappings.remembered(sheet_import.institution, importer.code)
    return Reader(source, importer, remembered, chosen, waiting.translator(sheet_import.institution))


def _ask(run: Run, sheet_import: SheetImport, source: Source, unclear: Unclear) -> None:
    """Leave the import to a person who says what the columns are."""
    move(
        sheet_import,
        before=ImportState.CHECKING,
        state=ImportState.MAPPING,
        words=str(unclear)[:1000],
        offer=mappings.offer_of(source),
        checked_at=timezone.now(),
    )
    run.finish({"待列对应": 1}, url=reverse("sheets:columns", args=[sheet_import.pk]))


def _read(run: Run, sheet_import: SheetImport, reader: Reader) -> tuple[Chunks, waiting.Missing]:
    """Judge portion by portion as they are read, and seal each, so that the file is never in memory as a whole."""
    kept, missing = Chunks(sheet_import), waiting.Missing(sheet_import.pk, reader.importer)
    total = max(reader.header.sheet.height - reader.header.line, 0)
    for lines in reader.portions():
        judge(reader.importer, run.actor, lines)
        missing.add(lines)
        kept.add(lines)
        run.progress(min(reader.count, total or reader.count), total or reader.count, "校验各行")
    return kept, missing


def _keep(sheet_import: SheetImport, reader: Reader, kept: Chunks) -> bool:
    """Keep what was found. An import that was abandoned meanwhile stays so, and nothing is kept of it."""
    header = reader.header
    with transaction.atomic():
        locked: SheetImport = SheetImport.objects.select_for_update().get(pk=sheet_import.pk)
        if locked.state != ImportState.CHECKING:
            return False
        kept.save()
        usable = reader.count - kept.counts[RowKind.ERROR.value]
        locked.state = ImportState.READY if usable else ImportState.FAILED
        locked.words = "" if usable else "每一行都有错误，没有可以导入的行。请按原因改正后重新上传。"
        locked.sheet_name, locked.header_row = header.sheet.name[:100], header.line
        locked.columns = _columns(header)
        locked.ignored = _ignored(reader.ignored)
        locked.controls = [asdict(one) for one in reader.sums.found]
        locked.head = json.dumps(header.sheet.rows[: header.index + header.height], ensure_ascii=False)
        locked.offer = mappings.offer_of(reader.source)
        if not locked.layout:  # else it is what the person said just now
            locked.remembered = mappings.note_use(locked, header.remembered) if header.remembered else None
        set_counts(locked, kept.counts)
        locked.checked_at = timezone.now()
        locked.save()
    return True


def _columns(header: Header) -> list[dict[str, Any]]:
    return [
        {
            "place": cell.place,
            "letter": cell.letter,
            "header": cell.header[:200],
            "name": cell.column.name if cell.column else "",
        }
        for cell in header.cells
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
    sheet_import.waiting_rows = counts[RowKind.WAITING.value]
    sheet_import.warnings = counts["warnings"]


def _in_words(counts: Counter[str]) -> dict[str, int]:
    return {str(kind.label): counts[kind.value] for kind in RowKind} | {"警告": counts["warnings"]}
