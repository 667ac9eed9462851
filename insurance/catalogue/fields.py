"""Columns of the catalogues that rest and are searched in their own way.

Searching 260,000 drugs by any two characters of name, generic name, alias, specification or maker would need a bigram
index (portal.lists.searching) on each of these columns; building one costs ten seconds, more than everything else a
load does. But the texts repeat: 260,000 rows have some 50,000 different ones. So each different text is kept once in
`models.SearchText`, which bears the only bigram index, and the columns have plain indexes: `name__holds="阿莫"` finds
the few texts first, then the rows that have them. A trigger of the table keeps the texts, whoever writes the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import CharField, Func, Lookup, TextField

from portal.lists.searching import fold, grams

NULL = "null"
TEXTS_TABLE = "catalogue_searchtext"


class Tail(Func):
    """What stands in an approval number from its first digit on, with a letter before: 国药准字H20010709 → H20010709."""

    template = "substring(%(expressions)s from '[A-Za-z]?[0-9].*$')"
    arity = 1
    output_field = TextField()


class SearchedText(CharField):
    """A text that is searched through `SearchText`; its `holds` means what it means everywhere."""

    description = "A text that is kept once for searching"


@SearchedText.register_lookup
class HoldsThrough(Lookup):
    """`name__holds="阿莫"`: the column's text is one of those that hold the word."""

    lookup_name = "holds"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return the condition; an empty word is held by everything."""
        lhs, params = self.process_lhs(compiler, connection)
        word = fold(str(self.rhs))
        if not word:
            return "TRUE", []
        texts = (
            f"SELECT text FROM {TEXTS_TABLE} WHERE strpos(lower(normalize(text, NFKC)), %s) > 0"
            " AND lists_grams(text) @> %s::text[]"
        )
        return f"{lhs} = ANY(ARRAY({texts}))", [*params, word, grams(word)]


class ApprovalText(CharField):
    """An approval or registration number, looked for from its beginning or from its digits on."""

    description = "An approval number"


@ApprovalText.register_lookup
class BeginsOrTails(Lookup):
    """`aprvno__holds="H20010709"`: the number begins so, or does so after the characters before its digits."""

    lookup_name = "holds"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return the condition; an empty word is held by everything."""
        lhs, params = self.process_lhs(compiler, connection)
        word = str(self.rhs).strip()
        if not word:
            return "TRUE", []
        begins = connection.ops.prep_for_like_query(word) + "%"
        tail = Tail.template % {"expressions": lhs}
        small = connection.ops.prep_for_like_query(word.upper()) + "%"
        return (
            f"({lhs} LIKE %s OR {tail} LIKE %s OR {tail} LIKE %s)",
            [*params, begins, *params, begins, *params, small],
        )


class CellsField(TextField):
    """The columns of one row as a list of texts (None for null), kept as the line of the file: TAB between them.

    Half the size of an array and nothing to take apart when it is loaded. A TAB or line break within a cell, which no
    file can bear, becomes a blank.
    """

    description = "The columns of a row as its line"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> list[str | None] | None:
        """Split the line."""
        return None if value is None else split_line(value)

    def to_python(self, value: Any) -> Any:
        """Take a line or a list."""
        return split_line(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> str | None:
        """Join a list; a text is a line already."""
        return value if value is None or isinstance(value, str) else join_line(value)


def split_line(line: str) -> list[str | None]:
    """Return the cells of a line, None for `null` and for nothing."""
    return [None if cell in ("", NULL) else cell for cell in line.split("\t")]


def join_line(cells: Sequence[str | None]) -> str:
    """Return the line of some cells."""
    return "\t".join(_cell(cell) for cell in cells)


def _cell(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return " ".join(text.replace("\0", "").split("\t")).replace("\n", " ").replace("\r", " ") or NULL
