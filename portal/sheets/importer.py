"""What a room tells the wizard: its columns, how a row is judged, how rows are taken.

A room writes one subclass of `Importer` in its `importing.py` and calls `register` on it in `AppConfig.ready()`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from portal.people.actor import Actor
from portal.sheets.choices import RowKind
from portal.sheets.columns import ADVICE, Column, Level, Problem, Row, Value
from portal.sheets.errors import SheetError

if TYPE_CHECKING:
    from portal.people.models import Institution, Person
    from portal.sheets.models import SheetImport

__all__ = [
    "Column", "Importer", "Problem", "Row", "RowKind", "RowResult", "SheetError", "Value", "find", "importers_for",
    "register",
]  # fmt: skip

MAX_ROWS = 100_000


@dataclass
class RowResult:
    """What taking a row would do: `changes` is column name → (old, new) as shown; `subject` names the record."""

    kind: RowKind | str
    problems: list[Problem] = field(default_factory=list)
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)
    subject: str = ""


class Importer:
    """A kind of spreadsheet that a room takes in. Subclasses set the class attributes and write `check` and `apply`.

    code: `room.thing`, its address is /sheets/<code>/new; label: the thing, as in 「导入科室」; action: the right to
    upload and confirm; key: names of the columns that together may not occur twice in one file; note: a sentence for
    the template and the upload page; effect: what confirming does, said before it is done.
    """

    code: ClassVar[str]
    label: ClassVar[str]
    action: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    key: ClassVar[tuple[str, ...]] = ()
    max_rows: ClassVar[int] = MAX_ROWS
    note: ClassVar[str] = ""
    effect: ClassVar[str] = "导入只改变本院记录，不会向医保平台上传。"

    def check(self, actor: Actor, rows: Sequence[Row]) -> Sequence[RowResult]:
        """Judge `rows` against the records as they are now, one result per row in the same order; change nothing.

        The rows come in portions of some thousands, and only those without an error of their own cells. It is called
        again right before `apply`, so that what changed in between is noticed.
        """
        return [RowResult(RowKind.NEW) for _ in rows]

    def apply(self, actor: Actor, rows: Sequence[Row]) -> Mapping[str, int]:
        """Take `rows` (judged new or changed just now) and return words with counts, like {"新增": 30}.

        Runs inside a transaction of the wizard. Raise SheetError to refuse the portion in words.
        """
        raise SheetError(f"「{self.label}」只能校验，不能导入。")

    def result_url(self, sheet_import: SheetImport) -> str:
        """Return the address of the list that shows the rows touched, or an empty text."""
        return ""

    def row_url(self, texts: Mapping[str, str]) -> str:
        """Return where the record of one line stands, by the line's texts (column name → text), or an empty text."""
        return ""

    def column(self, name: str) -> Column:
        """Return the column called `name`. Raises KeyError."""
        return {column.name: column for column in self.columns}[name]

    def problem(self, row: Row, name: str, reason: str, *, level: Level = "error", advice: str = ADVICE) -> Problem:
        """Return a problem of `row` in the column `name` (empty: of the whole row), with its label and value."""
        if not name:
            return Problem(row.number, "", "", reason, level=level, advice=advice)
        value = row.values.get(name)
        text = "" if value is None else str(value)
        return Problem(row.number, name, self.column(name).label, reason, text, level, advice)


_importers: dict[str, Importer] = {}


def register(importer: type[Importer]) -> type[Importer]:
    """Make `importer` known; usable as a decorator. A second registration of a code replaces the first."""
    names = [column.name for column in importer.columns]
    doubled = {name for name in names if names.count(name) > 1} | (set(importer.key) - set(names))
    if doubled:
        raise ValueError(f"{importer.code}: column named twice or key not a column: {sorted(doubled)}")
    _importers[importer.code] = importer()
    return importer


def find(code: str) -> Importer | None:
    """Return the importer with `code`, or None."""
    return _importers.get(code)


def importers_for(person: Person, institution: Institution | None) -> list[Importer]:
    """Return the importers `person` may use in `institution`, by label."""
    allowed = [one for one in _importers.values() if person.may(one.action, institution)]
    return sorted(allowed, key=lambda one: one.label)
