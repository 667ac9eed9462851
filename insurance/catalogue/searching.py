"""Looking for codes over all catalogues at once: name, code, 拼音码, approval number, maker, specification."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from insurance.catalogue.kinds import infno_of
from insurance.catalogue.looks import APPROVAL, AREA_LOOKS, AREA_TEXT, LOOKS, TEXT, Bears, Opens, Says
from insurance.catalogue.models import Item
from portal.lists.filters import MOST_WORDS
from portal.lists.searching import fold

SHORTEST_NUMBER = 7
"""From so many letters and digits on, a word is a code or an approval number and not looked for in texts."""


def holding(words: str) -> Q:
    """Return the condition that each of several words is found in one of the columns; nothing asked is all rows."""
    found = Q()
    # PostgreSQL's texts have no NUL
    for word in fold((words or "").replace("\0", " ")).split()[:MOST_WORDS]:
        found &= _word(word)
    return found


def said(word: str, text: object = TEXT) -> Q:
    """Return the condition that a word stands in a text that is part of the searched ones, by the index."""
    # The comparison stands first: where rows are looked at, it costs a tenth of taking their characters apart.
    return (Q(Says(text, word)) if len(word) > 1 else Q()) & Q(Bears(LOOKS, characters(word)))


def listed(words: str) -> Q:
    """Return the condition on entries of 1312: each word stands in the name, or code or 拼音码 begin with it."""
    found = Q()
    for word in fold(words or "").split()[:MOST_WORDS]:
        named = Q(Says(AREA_TEXT, word)) & Q(Bears(AREA_LOOKS, characters(word)))
        for spelled in sorted({word, word.upper()}) if word.isascii() else ():
            named |= Q(hilist_code__startswith=spelled) | Q(pinyin__startswith=spelled)
        found &= named
    return found


def characters(word: str) -> list[str]:
    """Return the characters by which a folded word is looked up in the index.

    Texts come with letters and brackets of either width; the index has them as they came. So a word with Chinese
    characters is looked up by these alone, and compared afterwards.
    """
    wide = {sign for sign in word if not sign.isascii() and sign.isalnum()}
    return sorted(wide or {sign for sign in word if sign.isalnum()} or set(word))


def _word(word: str) -> Q:
    if not word.isascii():
        return said(word) | _approval(word)
    number = word.isalnum() and len(word) >= SHORTEST_NUMBER and any(sign.isdigit() for sign in word)
    return _opening(word) if number else said(word) | _opening(word)


def _opening(word: str) -> Q:
    found = Q()
    for spelled in sorted({word, word.upper()}):
        found |= Q(code__startswith=spelled) | Q(pinyin__startswith=spelled) | _number(spelled)
    return found


def _approval(word: str) -> Q:
    """国药准字H20010709 as it stands on the box: by what begins with its first letter or digit, then as a whole."""
    place = next((n for n, sign in enumerate(word) if sign.isascii() and sign.isalnum()), None)
    if not place or len(word) - place < SHORTEST_NUMBER - 2:
        return Q(pk__in=[])
    return _number(word[place:].upper()) & Q(aprvno__icontains=word)


def _number(opening: str) -> Q:
    """By the index of approval numbers, which has no empty ones; unsaid, the whole OR would walk the table."""
    return ~Q(aprvno="") & Q(Opens(APPROVAL, opening))


def search_codes(words: str, list_type: str = "", infno: str = "") -> QuerySet[Item]:
    """Return the current rows that hold all of several words, over all catalogues or one (`infno`, or by `list_type`).

    Valid or not: whoever offers them says which are in force. Unordered; a caller cuts it (`[:50]`).
    """
    rows = Item.objects.filter(holding(words), current=True)
    wanted = infno or (infno_of(list_type) if list_type else "")
    if list_type and not wanted:
        return rows.none()
    return rows.filter(within(wanted)) if wanted else rows


def within(infno: str) -> Q:
    """Return the condition of one catalogue, so that it is found in the index together with a word."""
    return Q(Bears(LOOKS, [f"@{infno}"]), infno=infno)
