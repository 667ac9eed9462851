"""What can be wrong with an approval; the words are Chinese and for the person."""

from __future__ import annotations


class ApprovalRefused(Exception):
    """It cannot be proposed, approved or ended like that now; nothing was changed."""


class CannotExecute(Exception):
    """Raised by a kind's `execute` when it cannot be done now: the proposal stays 待审核 with these words."""
