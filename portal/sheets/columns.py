"""What a column of a spreadsheet may hold, and what can be wrong with a cell of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Value = str | int | Decimal | date | datetime | None
Kind = Literal["text", "code", "number", "whole", "date", "datetime", "phone", "document"]
# waiting: right as soon as a person has mapped a value in 值对照
Level = Literal["error", "warning", "waiting"]
Dictionary = Mapping[str, str]

ADVICE = "请改正后重新导入本行"


@dataclass(frozen=True)
class Column:
    """One column that an importer takes.

    `name` is the key in `Row.values` (a platform parameter code where there is one), `label` the header on the sheet;
    `aliases` are further headers under which hospitals export it. `code` is a dictionary code → label, or a function
    that returns one (asked anew for each check); cells are matched by code or by label and the code is kept.
    `unknown` says whether a value outside the dictionary is an error or a warning; with `dictionary_code` (the name of
    a map of 值对照, like "caty") it is looked up there, and the row waits until somebody maps it. `spellings` are
    further words for a code (word → code) that everybody means alike. `check` answers a reason in Chinese, or an
    empty text. `mask` hides the value on pages: phones and documents are masked by their kind.
    """

    name: str
    label: str
    kind: Kind = "text"
    required: bool = False
    max_length: int = 0
    code: Dictionary | Callable[[], Dictionary] | None = None
    unknown: Level = "error"
    aliases: tuple[str, ...] = ()
    places: int = 2
    minimum: Decimal | int | None = None
    maximum: Decimal | int | None = None
    check: Callable[[Value], str] | None = None
    mask: Literal["", "name", "phone", "document"] = ""
    help: str = ""
    sample: str = ""
    dictionary_code: str = ""
    spellings: Mapping[str, str] = field(default_factory=dict)

    @property
    def masked_as(self) -> str:
        """Return how pages hide the value: "", "name", "phone" or "document"."""
        if self.mask:
            return self.mask
        return self.kind if self.kind in ("phone", "document") else ""

    @property
    def textual(self) -> bool:
        """Say whether digits are signs here and not a quantity, so that a rounded number must be refused."""
        return self.kind in ("text", "code", "phone", "document")

    def dictionary(self) -> Dictionary:
        """Return code → label, empty when the column has no dictionary."""
        if self.code is None:
            return {}
        return self.code() if callable(self.code) else self.code


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one cell, or with a whole row when `column` is empty."""

    row: int
    column: str
    label: str
    reason: str
    value: str = ""
    level: Level = "error"
    advice: str = ADVICE

    def __str__(self) -> str:
        place = f"第 {self.row} 行 {self.label}" if self.label else f"第 {self.row} 行"
        return f"{place}：{self.reason}。{self.advice}。" if self.advice else f"{place}：{self.reason}。"


@dataclass
class Row:
    """One line of the file. `values` holds only columns that the file has; an empty cell is None."""

    number: int
    values: dict[str, Value]
    problems: list[Problem] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Say whether nothing but warnings was found."""
        return all(problem.level == "warning" for problem in self.problems)

    @property
    def waits(self) -> bool:
        """Say whether nothing but missing 值对照 keeps the row back."""
        return not self.good and all(problem.level != "error" for problem in self.problems)


def has_example(columns: Iterable[Column]) -> bool:
    """Say whether templates show an example: enough samples that no real line is taken for it."""
    return sum(1 for column in columns if column.sample) > 1
