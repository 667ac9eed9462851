"""The first letters of Chinese words (拼音助记码), from the order of GB 2312's common characters."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

# Where each initial begins among the common characters, which GB 2312 orders by pinyin.
STARTS = (
    (0xB0A1, "A"), (0xB0C5, "B"), (0xB2C1, "C"), (0xB4EE, "D"), (0xB6EA, "E"), (0xB7A2, "F"), (0xB8C1, "G"),
    (0xB9FE, "H"), (0xBBF7, "J"), (0xBFA6, "K"), (0xC0AC, "L"), (0xC2E8, "M"), (0xC4C3, "N"), (0xC5B6, "O"),
    (0xC5BE, "P"), (0xC6DA, "Q"), (0xC8BB, "R"), (0xC8F6, "S"), (0xCBFA, "T"), (0xCDDA, "W"), (0xCEF4, "X"),
    (0xD1B9, "Y"), (0xD4D1, "Z"),
)  # fmt: skip
LAST = 0xD7F9
PLACES = [place for place, _ in STARTS]


@lru_cache(maxsize=65536)
def initials(text: str) -> str:
    """Return the initials of what is Chinese, letters and digits as they are; rare characters are left out."""
    return "".join(_initial(sign) for sign in text)[:30]


def _initial(sign: str) -> str:
    if sign.isascii():
        return sign.upper() if sign.isalnum() else ""
    try:
        code = int.from_bytes(sign.encode("gb2312"), "big")
    except UnicodeEncodeError:
        return ""
    place = bisect_right(PLACES, code) - 1
    return STARTS[place][1] if place >= 0 and code <= LAST else ""
