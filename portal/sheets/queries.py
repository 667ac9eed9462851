"""Reading imports: what a person sees of them, masked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from portal.people.actor import Actor
from portal.privacy.masks import mask_document, mask_name, mask_phone, mask_text
from portal.sheets import chunks
from portal.sheets.checking import Line
from portal.sheets.choices import RowKind
from portal.sheets.columns import Column, Problem
from portal.sheets.converting import tidy
from portal.sheets.importer import find, importers_for
from portal.sheets.models import SheetImport

MASKS = {"name": mask_name, "phone": mask_phone, "document": mask_document}


@dataclass(frozen=True)
class ShownProblem:
    """A problem as a page shows it."""

    row: int
    label: str
    value: str
    reason: str
    advice: str
    level: str


@dataclass(frozen=True)
class ShownLine:
    """A data line as a page shows it: the taken columns' texts, and what would change."""

    number: int
    texts: list[str]
    changes: list[tuple[str, str, str]]
    subject: str
    url: str = ""


def imports_of(actor: Actor) -> QuerySet[SheetImport]:
    """Return the imports of the actor's institution whose kind the actor may import, newest first."""
    rows: QuerySet[SheetImport] = SheetImport.objects.filter(institution=actor.institution)
    if actor.person is not None:
        codes = [importer.code for importer in importers_for(actor.person, actor.institution)]
        rows = SheetImport.objects.visible_to(actor.person).filter(institution=actor.institution, importer__in=codes)
    return rows.select_related("requested_by", "task", "same_as__requested_by").order_by("-id")


def problems(sheet_import: SheetImport, level: str, start: int, size: int) -> list[ShownProblem]:
    """Return one page of the problems of a level ("error" or "warning") in file order."""
    masks = _masks(sheet_import)

    def pick(line: Line) -> Iterable[Problem]:
        return (problem for problem in line.row.problems if problem.level == level)

    found = chunks.window(sheet_import, [f"{level}s"], pick, start, size)
    return [
        ShownProblem(
            one.row, one.label, _masked(masks.get(one.column, ""), one.value), one.reason, one.advice, one.level
        )
        for one in found
    ]


def problem_counts(sheet_import: SheetImport) -> Counter[str]:
    """Return how many problems of each level there are: errors, warnings, waitings."""
    total: Counter[str] = Counter()
    for counts in sheet_import.chunks.values_list("counts", flat=True):
        total.update(counts)
    return total


def lines(sheet_import: SheetImport, kind: RowKind, start: int, size: int) -> list[ShownLine]:
    """Return one page of the data lines of a kind in file order."""
    taken = [one for one in sheet_import.columns if one["name"]]
    masks, labels = _masks(sheet_import), {one["name"]: one["header"] for one in taken}

    def pick(line: Line) -> Iterable[Line]:
        return [line] if line.kind == kind else []

    def show(line: Line) -> ShownLine:
        texts = [_masked(masks.get(one["name"], ""), _text(line, one["place"])) for one in taken]
        changes = [
            (labels.get(name, name), _masked(masks.get(name, ""), old), _masked(masks.get(name, ""), new))
            for name, (old, new) in line.changes.items()
        ]
        return ShownLine(line.row.number, texts, changes, line.subject, _url(sheet_import, line))

    return [show(line) for line in chunks.window(sheet_import, [kind.value], pick, start, size)]


def _url(sheet_import: SheetImport, line: Line) -> str:
    """Return where the record of a line that was taken stands, empty before that."""
    importer = find(sheet_import.importer)
    if importer is None or sheet_import.applied_at is None:
        return ""
    return importer.row_url(
        {one["name"]: tidy(_text(line, one["place"])) for one in sheet_import.columns if one["name"]}
    )


def ignored(sheet_import: SheetImport) -> list[dict[str, str]]:
    """Return what was left out: [{"place", "reason", "text"}]."""
    found: list[dict[str, str]] = json.loads(sheet_import.ignored) if sheet_import.ignored else []
    return [one | {"text": mask_text(one.get("text", ""))} for one in found]


def has_personal(sheet_import: SheetImport) -> bool:
    """Say whether the file has columns that a page masks."""
    return any(_masks(sheet_import).values())


def taken_headers(sheet_import: SheetImport) -> list[str]:
    """Return the headers of the columns that are taken, as written in the file."""
    return [one["header"] for one in sheet_import.columns if one["name"]]


def _text(line: Line, place: int) -> str:
    return line.texts[place] if place < len(line.texts) else ""


def _masks(sheet_import: SheetImport) -> dict[str, str]:
    importer = find(sheet_import.importer)
    columns: Iterable[Column] = importer.columns if importer else ()
    return {column.name: column.masked_as for column in columns}


def _masked(how: str, text: str) -> str:
    mask: Any = MASKS.get(how)
    return mask(text) if mask and text else text
