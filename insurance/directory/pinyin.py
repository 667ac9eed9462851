"""拼音码: the first letters by which people here look for a Chinese name."""

from __future__ import annotations


def initials(name: str) -> str:
    """Return the lower-case first letters of `name`'s syllables: 产科一区 → ckyq; letters and digits stay."""
    # Its phrase book takes a quarter of a second to load: only who saves a name pays, not every process that starts.
    from pypinyin import Style, lazy_pinyin

    parts = lazy_pinyin(name, style=Style.FIRST_LETTER, errors=_plain)
    return "".join(parts).lower()


def _plain(rest: str) -> str:
    return "".join(sign for sign in rest if sign.isalnum())
