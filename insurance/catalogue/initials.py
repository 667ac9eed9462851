"""拼音码 of catalogue names: the first letter of each character's usual reading, fast enough for a whole catalogue.

Hospital items take pypinyin's phrase book; for 260,000 names that takes half a minute and 50 MB, so here only its
table of single characters is read, once, and turned into one letter a character.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from functools import cache
from pathlib import Path


@cache
def _letters() -> dict[int, str | None]:
    """Return, for str.translate, each Chinese character's letter; signs that are no letter or digit vanish."""
    spec = importlib.util.find_spec("pypinyin")
    if spec is None or spec.origin is None:
        raise ImportError("pypinyin")
    # The file alone, not the package: importing that loads the phrase book as well.
    place = Path(spec.origin).parent / "pinyin_dict.py"
    alone = importlib.util.spec_from_file_location("catalogue_pinyin_dict", place)
    if alone is None or alone.loader is None:
        raise ImportError(str(place))
    module = importlib.util.module_from_spec(alone)
    alone.loader.exec_module(module)
    found: dict[int, str | None] = {number: _plain(said[0]) for number, said in module.pinyin_dict.items() if said}
    signs = [*range(0x20, 0x7F), *range(0xA0, 0x100), *range(0x2000, 0x206F), *range(0x3000, 0x3040)]
    wide = range(0xFF01, 0xFF5F)
    for number in (*signs, *wide):
        sign = unicodedata.normalize("NFKC", chr(number)).lower()
        found[number] = sign if sign.isalnum() and sign.isascii() else None
    return found


def _plain(letter: str) -> str:
    return unicodedata.normalize("NFD", letter)[0].lower()


def initials(name: str) -> str:
    """Return the letters by which people look for a name: 阿莫西林胶囊 → amxljn."""
    return name.translate(_letters())
