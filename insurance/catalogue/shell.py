"""What this room gives to the shell: menu lines, work lines, the words of its acts."""

from __future__ import annotations


def register_shell() -> None:
    """Hand over the menu lines and what the desk shows of this room."""
