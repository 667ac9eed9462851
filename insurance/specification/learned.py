"""Codes that the platform itself told beside the tables (1901): laid over the dictionaries by who keeps them.

The specification has no models and reads no database. A room above gives a source; the tables' own words stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


class Source(Protocol):
    """Where learned codes come from."""

    def stamp(self) -> str:
        """Return what changes whenever the codes changed; asked often, so it must be cheap."""

    def codes(self, dictionary: str) -> Mapping[str, str]:
        """Return code → label of one dictionary, {} for none."""


@dataclass
class _Held:
    source: Source | None = None


_held = _Held()


def register_source(source: Source | None) -> Callable[[], None]:
    """Let a source tell learned codes from now on (None for nobody); returns what puts back the one before."""
    before, _held.source = _held.source, source

    def restore() -> None:
        _held.source = before

    return restore


def stamp() -> str:
    """Return the stamp of the learned codes, "" without a source."""
    return _held.source.stamp() if _held.source is not None else ""


def codes(dictionary: str) -> Mapping[str, str]:
    """Return the learned codes of a dictionary, {} without a source."""
    return _held.source.codes(dictionary) if _held.source is not None else {}
