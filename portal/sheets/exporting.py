"""The button 导出 of every list: few rows are answered at once, many are written by a task.

What leaves is what the screen shows: the person's columns, rows and masks. Clear values leave only under a grant of
two persons (`portal.audit.uncovering`), marked with person, time and purpose on every sheet.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO

from django.db import transaction
from django.forms import BoundField
from django.utils import timezone

from portal.audit.grants import Uncovering
from portal.audit.services import record
from portal.audit.uncovering import UncoverRefused, clear_grant, note_use
from portal.lists.columns import NameColumn
from portal.lists.exporting import ListColumn
from portal.lists.reading import getter, path_of
from portal.lists.views import ListPage
from portal.people.actor import Actor
from portal.people.models import Person
from portal.privacy.masks import mask_typed
from portal.sheets.errors import SheetError
from portal.sheets.exports import SheetExport
from portal.sheets.writing import Notes, OutColumn, TooManyRows, export_csv, export_rows
from portal.tasks.services import start

AT_ONCE = 5_000
# Fewer at a time cost no time and hold less memory: measured with twenty columns.
CHUNK = 500
MOST_ROWS = 3_000_000
FORMS = ("xlsx", "csv")
TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
Told = Callable[[int], None]


@dataclass(frozen=True)
class Condition:
    """One condition of a list's query form. `free` is text that a person typed: it may be a name or a number."""

    label: str
    words: str
    free: bool

    def __str__(self) -> str:
        return f"{self.label}：{self.words}"

    @property
    def masked(self) -> str:
        """Return the condition as an audit line may hold it."""
        return f"{self.label}：{mask_typed(self.words)}" if self.free else str(self)


def path_of_page(page: ListPage) -> str:
    """Return a list's dotted path, under which it is opened again and granted in clear."""
    return f"{type(page).__module__}.{type(page).__qualname__}"


def conditions(page: ListPage) -> list[Condition]:
    """Return what narrows a list: its tab, where there are several, and each field of its query form."""
    found = [Condition("页签", page.tab.label, False)] if len(page.tabs) > 1 else []
    bound = [one for one in (*page.filter.first, *page.filter.rest) if one.data not in (None, "", [], [None, None])]
    return [*found, *(made for one in bound if (made := _condition(one)) is not None)]


def _condition(bound: BoundField) -> Condition | None:
    value = bound.data
    if isinstance(value, list):
        days = " 至 ".join(str(part or "…") for part in value) if any(value) else ""
        return Condition(str(bound.label), days, False) if days else None
    choices = {str(code): str(word) for code, word in getattr(bound.field, "choices", [])}
    words = choices.get(str(value), str(value))
    return Condition(str(bound.label), words, str(value) not in choices)


def grant_for(actor: Actor, page: ListPage) -> Uncovering | None:
    """Return the grant under which the list may leave in clear now, None where it may not."""
    query = page.query.urlencode()
    return clear_grant(actor, f"{path_of_page(page)}?{query}" if query else path_of_page(page))


def columns_of(page: ListPage, *, clear: bool) -> list[ListColumn]:
    """Return the list's columns; with `clear`, names as they are and what else a column can show by `clear(record)`."""
    return [_uncovered(page, column) if clear else column for column in page.out_columns()]


def _uncovered(page: ListPage, column: ListColumn) -> ListColumn:
    drawn = page.table_class.base_columns.get(column.name)
    shows = getattr(drawn, "clear", None)
    if shows is not None:
        return ListColumn(column.name, column.label, column.kind, shows)
    if isinstance(drawn, NameColumn):
        return ListColumn(column.name, column.label, column.kind, getter(path_of(drawn, column.name)))
    return column


@dataclass
class Sheet:
    """A list on its way into a file."""

    page: ListPage
    actor: Actor
    form: str = "xlsx"
    grant: Uncovering | None = None
    expected: int = 0

    def write(self, file: IO[bytes], told: Told = lambda done: None) -> int:
        """Write the list to `file` and return the number of rows. `told` hears rows done and may raise to stop."""
        columns = columns_of(self.page, clear=self.grant is not None)
        out = [OutColumn(column.label, column.kind) for column in columns]  # type: ignore[arg-type]  # the same kinds
        rows = self._rows(columns, told)
        try:
            if self.form == "csv":
                return export_csv(out, rows, file, mark=self.mark)
            return export_rows(
                out, rows, file, self.page.title, expected=self.expected, notes=self.notes, mark=self.mark
            )
        except TooManyRows as error:
            raise SheetError("导出途中记录大量增加，没有完成。请重新导出，或用查询条件分几次导出。") from error

    def _rows(self, columns: Sequence[ListColumn], told: Told) -> Iterator[tuple[object, ...]]:
        done = 0
        for records in self.page.out_chunks(CHUNK):
            yield from zip(*(column.values(records) for column in columns), strict=True)
            done += len(records)
            told(done)

    def notes(self, rows: int) -> Notes:
        """Return the lines of the sheet 说明."""
        lines = [
            ("机构", self.actor.institution.fixmedins_name),
            ("内容", self.page.title),
            ("条件", self._conditions() or "无"),
            ("行数", f"{rows:,}"),
            ("导出人", self.actor.name),
            ("导出时间", _now()),
            ("个人信息", "已脱敏" if self.grant is None else self.mark),
        ]
        return [*lines, ("提示", "代码和号码为文本格式，金额为数字。本文件中的数据以导出时为准。")]

    def _conditions(self) -> str:
        """Return what narrows the list; a name or number that was typed is masked like the rows."""
        return "；".join(str(one) if self.grant is not None else one.masked for one in conditions(self.page))

    @property
    def mark(self) -> str:
        """Return the watermark of an export in clear: person, time, purpose and grant; empty when masked."""
        if self.grant is None:
            return ""
        why = f"用途：{self.grant.get_purpose_display()}，授权 {self.grant.pk} 号"
        return f"含未脱敏的个人信息，不得外传。导出人：{self.actor.name}，{_now()}，{why}"


def _now() -> str:
    return timezone.localtime().strftime("%Y-%m-%d %H:%M:%S")


def write_now(actor: Actor, *, page: ListPage, form: str, grant: Uncovering | None, expected: int) -> bytes:
    """Return a short list as a file; audited. Raises NotAllowed, SheetError, UncoverRefused."""
    actor.must(page.export_action)
    file = io.BytesIO()
    sheet = Sheet(page, actor, _known(form), grant, expected)
    rows = sheet.write(file)
    with transaction.atomic():
        note_export(sheet, rows, [])
    return file.getvalue()


def note_export(sheet: Sheet, rows: int, subjects: Sequence[SheetExport]) -> None:
    """Audit one export, and the use of its grant. Raises UncoverRefused when the grant has ended meanwhile."""
    if sheet.grant is not None:
        note_use(sheet.actor, sheet.grant, what=f"导出{sheet.page.title}", rows=rows)
    record(
        sheet.actor,
        "sheets.export",
        subjects,
        label=f"导出{sheet.page.title} {rows:,} 行{'（明文）' if sheet.grant else ''}",
        list=path_of_page(sheet.page),
        conditions=[one.masked for one in conditions(sheet.page)],
        columns=[column.label for column in sheet.page.out_columns()],
        rows=rows,
        clear=sheet.grant is not None,
    )


@transaction.atomic
def ask(actor: Actor, *, page: ListPage, form: str, clear: bool, expected: int) -> SheetExport:
    """Let a task write a long list; the same one still under way is returned instead (a double click).

    Raises NotAllowed, or SheetError when it is longer than any file should be.
    """
    actor.must(page.export_action)
    assert actor.person is not None  # a list is opened for a person
    if expected > MOST_ROWS:
        raise SheetError(f"符合条件的有 {expected:,} 行，一次最多导出 {MOST_ROWS:,} 行。请用查询条件分几次导出。")
    Person.objects.select_for_update().get(pk=actor.person.pk)
    fingerprint = _fingerprint(page, _known(form), clear)
    mine = SheetExport.objects.filter(institution=actor.institution, requested_by=actor.person)
    at_it: SheetExport | None = mine.filter(fingerprint=fingerprint, task__isnull=False, task__ended_at=None).first()
    if at_it is not None:
        return at_it
    made = _asked(actor, actor.person, page, form=form, clear=clear, expected=expected, fingerprint=fingerprint)
    label = f"导出{page.title} {expected:,} 行"
    made.task = start(actor, kind="sheets.export", params={"export": made.pk}, label=label)
    made.save(update_fields=["task"])
    return made


def _asked(
    actor: Actor, person: Person, page: ListPage, *, form: str, clear: bool, expected: int, fingerprint: str
) -> SheetExport:
    """Write down what was asked for; the task finds the list again by it."""
    made: SheetExport = SheetExport.objects.create(
        institution=actor.institution,
        requested_by=person,
        page=path_of_page(page),
        query=page.query.urlencode(),
        place=dict(page.kwargs),
        fingerprint=fingerprint,
        title=page.title[:100],
        words="；".join(one.masked for one in conditions(page)),
        form=form,
        clear=clear,
        expected=expected,
    )
    return made


def _known(form: str) -> str:
    if form not in FORMS:
        raise SheetError("没有这种文件格式。请选择 .xlsx 或 .csv。")
    return form


def _fingerprint(page: ListPage, form: str, clear: bool) -> str:
    said = [path_of_page(page), page.query.urlencode(), dict(page.kwargs), form, clear]
    return hashlib.sha256(json.dumps(said, default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


class Pace:
    """Tells a run how far it is, at most twice a second, so that chunks do not wait for words."""

    def __init__(self, tell: Callable[[int], None], every: float = 0.5) -> None:
        self.tell, self.every, self.last = tell, every, 0.0

    def __call__(self, done: int) -> None:
        """Hear that `done` rows are written. Raises whatever `tell` raises (Cancelled)."""
        now = time.monotonic()
        if now - self.last >= self.every:
            self.last = now
            self.tell(done)


__all__ = ["AT_ONCE", "Sheet", "UncoverRefused", "ask", "columns_of", "conditions", "grant_for", "write_now"]
