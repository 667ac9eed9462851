"""How relations travel: the row, what an outcome changes, and what a look at the platform proves."""

from __future__ import annotations


def register_handlers() -> None:
    """Make the purposes of this room known to delivery."""
