"""Which sets of values are mapped, and who waits for a mapping: rooms declare both in `AppConfig.ready()`.

    register_set(ValueSet("caty", "科别", target=dictionary_of("dept"), help="3401 的科别编码"))
    register_waiter("sheets.row", take_waiting_rows, label="导入行", url=url_of_row)

A waiter is a kind of thing that cannot go on without a mapping. Its function gets an institution and the references
that it gave to `note_missing`; it is called in a task, in one transaction with marking them released, once each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.people.models import Institution

Targets = Callable[["Institution"], Mapping[str, str]]
Release = Callable[["Institution", Sequence[str]], Mapping[str, str]]


@dataclass(frozen=True)
class ValueSet:
    """One dictionary to map to. `target` gives code → label for an institution; None takes any code as typed.

    With `open` a code that the dictionary does not know yet is taken too: the platform adds codes before we learn them.
    `money`: an amount or a claim hangs on it, so that two persons decide; else the one who edits puts it in force.
    `personal`: source labels are names of persons and are masked. `edit`, `approve` are the rights it takes.
    """

    code: str
    label: str
    target: Targets | None = None
    money: bool = False
    personal: bool = False
    edit: str = "values.edit"
    approve: str = "values.approve"
    open: bool = False
    help: str = ""

    def targets(self, institution: Institution) -> Mapping[str, str]:
        """Return code → label, empty when any code is taken."""
        return self.target(institution) if self.target is not None else {}


@dataclass(frozen=True)
class Waiter:
    """A kind of thing that waits. `release(institution, references)` returns reference → what came of it, in words."""

    code: str
    label: str
    release: Release
    url: Callable[[str], str] | None = None
    name: Callable[[str], str] | None = None


_sets: dict[str, ValueSet] = {}
_waiters: dict[str, Waiter] = {}


def register_set(value_set: ValueSet) -> ValueSet:
    """Make a set known; a second registration of its code replaces the first."""
    _sets[value_set.code] = value_set
    return value_set


def sets() -> list[ValueSet]:
    """Return all sets by label."""
    return sorted(_sets.values(), key=lambda one: one.label)


def find_set(code: str) -> ValueSet | None:
    """Return the set with `code`, None when no installed room has it."""
    return _sets.get(code)


def register_waiter(
    code: str,
    release: Release,
    *,
    label: str = "",
    url: Callable[[str], str] | None = None,
    name: Callable[[str], str] | None = None,
) -> None:
    """Make a kind of waiting thing known; a second registration of its code replaces the first.

    `name` says a reference in words a person knows; without it `label` and the reference are shown.
    """
    _waiters[code] = Waiter(code, label or code, release, url, name)


def find_waiter(code: str) -> Waiter | None:
    """Return the waiter with `code`, None when no installed room has it."""
    return _waiters.get(code)
