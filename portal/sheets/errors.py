"""What goes wrong with a spreadsheet, in words for the person who sent it."""

from __future__ import annotations


class SheetError(Exception):
    """A file or an import that cannot go on. The message is Chinese: what happened, where, what to do."""
