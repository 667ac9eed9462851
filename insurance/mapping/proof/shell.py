"""What this corner gives to the shell: menu lines, work lines, importers, the words of its acts."""

from __future__ import annotations


def register_shell() -> None:
    """Hand over what the shell shows of this corner."""
