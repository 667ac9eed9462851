"""Where an error happened, without its words: they may quote a patient, and logs are read by many."""

from __future__ import annotations

import traceback


def frames_of(error: BaseException) -> str:
    """Return the error's type and its stack as text for a log line, without the exception's own words."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"
