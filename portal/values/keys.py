"""When two spellings are one value."""

from __future__ import annotations

import re

from portal.lists.filters import narrow

MAX_VALUE = 200
BLANKS = re.compile(r"\s+")


def key_of(text: str) -> str:
    """Return how a source value is compared: half-width, single blanks, capitals (a01.0x1 is A01.0X1)."""
    return BLANKS.sub(" ", narrow(text)).upper()[:MAX_VALUE]
