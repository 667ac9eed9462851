"""Looking for codes over all catalogues at once: name, code, 拼音码, approval number, maker, specification."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from insurance.catalogue.kinds import infno_of
from insurance.catalogue.models import Item
from portal.lists.filters import MOST_WORDS, narrow
from portal.lists.searching import looking_for

HOLDS = ("name", "generic", "alias", "spec", "maker", "aprvno")
"""Columns that hold a word anywhere in them."""
STARTS = ("code", "pinyin", "aprvno")
"""Columns that begin with a word, in small or capital letters."""


def holding(words: str) -> Q:
    """Return the condition that each of several words is found in one of the columns; nothing asked is all rows."""
    found = Q()
    for word in narrow(words or "").split()[:MOST_WORDS]:
        found &= looking_for(word, HOLDS, STARTS)
    return found


def search_codes(words: str, list_type: str = "", infno: str = "") -> QuerySet[Item]:
    """Return the current rows that hold all of several words, over all catalogues or one (`infno`, or by `list_type`).

    Valid or not: whoever offers them says which are in force. Unordered, so that a caller may cut it by its own order.
    """
    rows = Item.objects.filter(holding(words), current=True)
    wanted = infno or (infno_of(list_type) if list_type else "")
    if list_type and not wanted:
        return rows.none()
    return rows.filter(infno=wanted) if wanted else rows
