"""Rows that wait for 值对照: values noted when a file is checked, rows that go by themselves when they are mapped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.urls import reverse

from portal.people.actor import Actor
from portal.people.models import Institution
from portal.sheets.checking import Line
from portal.sheets.choices import ImportState, RowKind
from portal.sheets.chunks import every_line
from portal.sheets.columnwise import Translate
from portal.sheets.converting import tidy
from portal.sheets.importer import Importer
from portal.sheets.models import SheetImport
from portal.tasks.models import Task
from portal.tasks.services import start
from portal.values.queries import translate
from portal.values.waiting import note_many, withdraw

WAITER = "sheets.row"


def translator(institution: Institution) -> Translate:
    """Return what asks 值对照 for values of a dictionary."""

    def ask(dictionary: str, values: Sequence[str]) -> Mapping[str, str | None]:
        return translate(institution, dictionary, values)

    return ask


class Missing:
    """Collects the values nobody has mapped, each with the lines that wait for it."""

    def __init__(self, pk: int, importer: Importer) -> None:
        self.pk = pk
        self.codes = {one.name: one.dictionary_code for one in importer.columns if one.dictionary_code}
        self.values: dict[str, dict[str, list[str]]] = {}

    def add(self, lines: Iterable[Line]) -> None:
        """Look at lines that were judged; a line with other errors waits for nothing, but its values are noted."""
        for line in lines if self.codes else ():
            for problem in line.row.problems:
                if problem.level == "waiting" and problem.column in self.codes:
                    values = self.values.setdefault(self.codes[problem.column], {})
                    references = values.setdefault(tidy(problem.value), [])
                    if line.kind == RowKind.WAITING:
                        references.append(f"{self.pk}:{line.row.number}")


def note(sheet_import: SheetImport, missing: Missing) -> None:
    """Tell 值对照 which values are missing and what waits for them."""
    for dictionary, values in missing.values.items():
        note_many(sheet_import.institution, dictionary, values, waiter=WAITER)


def forget(sheet_import: SheetImport) -> None:
    """Tell 值对照 that nothing of this import waits any more; it was given up."""
    if sheet_import.waiting_rows:
        lines = (line for line in every_line(sheet_import) if line.kind == RowKind.WAITING)
        withdraw(sheet_import.institution, WAITER, [f"{sheet_import.pk}:{line.row.number}" for line in lines])


def release(institution: Institution, references: Sequence[str]) -> dict[str, str]:
    """Let rows go whose values are mapped now: reference (import:line) → what comes of it, in words.

    An import not yet confirmed is checked anew; of one already taken the waiting rows are taken by a task.
    """
    keys = sorted({int(reference.split(":")[0]) for reference in references})
    rows = SheetImport.objects.select_for_update(of=("self",)).filter(institution=institution, pk__in=keys)
    words = {one.pk: _go(one) for one in rows.select_related("institution", "requested_by")}
    return {one: words.get(int(one.split(":")[0]), "导入记录已不存在") for one in references}


def url_of(reference: str) -> str:
    """Return the page of the import that a waiting row belongs to."""
    return f"{reverse('sheets:detail', args=[int(reference.split(':')[0])])}?show=waiting"


def name_of(reference: str) -> str:
    """Return a waiting row as a person knows it: 「病区.xlsx」第 7 行."""
    key, _, row = reference.partition(":")
    file_name = SheetImport.objects.filter(pk=int(key)).values_list("file_name", flat=True).first()
    return f"「{file_name or '已删除的文件'}」第 {row} 行"


def _go(sheet_import: SheetImport) -> str:
    if sheet_import.state == ImportState.READY:
        sheet_import.state, sheet_import.words = ImportState.CHECKING, ""
        sheet_import.task = _start(
            sheet_import, "sheets.check", f"重新校验{sheet_import.label}文件 {sheet_import.pk} 号"
        )
        sheet_import.save(update_fields=["state", "words", "task"])
        return "已重新校验"
    if sheet_import.state in (ImportState.APPLIED, ImportState.APPLYING):
        _start(sheet_import, "sheets.waiting", f"导入{sheet_import.label}文件 {sheet_import.pk} 号的待对照行")
        return "自动导入"
    return "文件已放弃" if sheet_import.state == ImportState.ABANDONED else "正在校验"


def _start(sheet_import: SheetImport, kind: str, label: str) -> Task:
    """Start a task in the name of who uploaded the file; a queued one of the same is enough."""
    params = {"sheet_import": sheet_import.pk}
    queued: Task | None = Task.objects.filter(
        institution=sheet_import.institution, kind=kind, params=params, ended_at=None, started_at=None
    ).first()
    person = sheet_import.requested_by
    actor = Actor.of(person, sheet_import.institution) if person else Actor.system(sheet_import.institution)
    return queued or start(actor, kind=kind, params=params, label=label, source="值对照")
