"""拼音码: the first letters by which people here look for a Chinese name."""

from __future__ import annotations

from pypinyin import Style, lazy_pinyin


def initials(name: str) -> str:
    """Return the lower-case first letters of `name`'s syllables: 产科一区 → ckyq; letters and digits stay."""
    parts = lazy_pinyin(name, style=Style.FIRST_LETTER, errors=_plain)
    return "".join(parts).lower()


def _plain(rest: str) -> str:
    return "".join(sign for sign in rest if sign.isalnum())
