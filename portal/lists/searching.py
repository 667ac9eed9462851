"""Search in long lists: two Chinese characters, one, many, and 拼音码, over a million rows.

A trigram index cannot serve two characters, and two is what people type (阿莫, 输液). So the name's characters and
pairs of neighbours are indexed (`lists_grams`, a function of the database made by this app's migration; full-width
and capital letters are folded). Whatever one looks for then is a set of pairs that must all be there; from three
characters on the few rows found are compared with the whole word. 拼音码 and codes are looked for from their first
letter, by an ordinary index.

    class Item(models.Model):
        class Meta:
            indexes = search_indexes("item", holds=["name"], starts=["pinyin", "code"])

    class ItemFilter(ListFilter):
        words = SearchFilter(label="名称、编码", holds=["name"], starts=["pinyin", "code"])

The room's migration depends on this app's `0002`. Measured by `script/bench pages`. Lists of a few thousand rows need
none of this: `SearchFilter(fields=[…])`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db.models import CharField, Func, Index, Lookup, Q, TextField

FUNCTION = """
CREATE OR REPLACE FUNCTION lists_grams(words text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
COST 4000 AS $$
    SELECT array_agg(DISTINCT substr(folded, place, width))
    FROM (SELECT lower(normalize(words, NFKC)) AS folded) AS once,
         generate_series(1, char_length(folded)) AS place, (VALUES (1), (2)) AS widths(width)
$$
"""
NO_FUNCTION = "DROP FUNCTION IF EXISTS lists_grams(text)"


class Grams(Func):
    """The characters of a text and its pairs of neighbours, for an index."""

    function = "lists_grams"
    arity = 1


def fold(text: str) -> str:
    """Return a text as the index has it: plain widths, small letters."""
    return unicodedata.normalize("NFKC", text).lower()


def grams(text: str) -> list[str]:
    """Return the pairs of neighbours in a word, or its only character."""
    word = fold(text)
    return sorted({word[place : place + 2] for place in range(max(len(word) - 1, 1))}) if word else []


@CharField.register_lookup
@TextField.register_lookup
class Holds(Lookup):
    """`name__holds="阿莫"`: the word occurs in the text, found by the index on `Grams("name")`."""

    lookup_name = "holds"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return the condition; an empty word is held by everything.

        The word itself is compared first: where a plan must look at a row, that costs a fiftieth of its pairs.
        """
        lhs, params = self.process_lhs(compiler, connection)
        word = fold(str(self.rhs))
        if not word:
            return "TRUE", []
        # Spelled the same way as in the index, so that neither can find what the other does not.
        there = f"strpos(lower(normalize({lhs}, NFKC)), %s) > 0"
        return f"({there} AND lists_grams({lhs}) @> %s::text[])", [*params, word, *params, grams(word)]


def search_indexes(prefix: str, *, holds: Sequence[str] = (), starts: Sequence[str] = ()) -> list[Index]:
    """Return the indexes for SearchFilter(holds=…, starts=…); their names begin with `prefix`.

    None begins with the institution: together they must answer the whole OR, else each row found is compared again.
    """
    found: list[Index] = [GinIndex(Grams(name), name=f"{prefix}_{name}_grams"[:30]) for name in holds]
    return found + [
        Index(fields=[name], opclasses=["text_pattern_ops"], name=f"{prefix}_{name}_start"[:30]) for name in starts
    ]


def looking_for(word: str, holds: Sequence[str], starts: Sequence[str]) -> Q:
    """Return the condition that a word is held by one of some columns, or that one of others starts with it.

    Codes and 拼音码 are typed in small or capital letters and have no Chinese characters.
    """
    found = Q()
    for name in starts if word.isascii() else ():
        for spelled in sorted({word, word.lower(), word.upper()}):
            found |= Q(**{f"{name}__startswith": spelled})
    for name in holds:
        found |= Q(**{f"{name}__holds": word})
    return found if found else Q(pk__in=[])
