"""What a catalogue row is looked for by, as one array in one index: its characters and a few marks.

An index of pairs of neighbours (portal.lists.searching) over five columns takes 16 s to make for 343,000 rows; one of
single characters takes 3 s and answers as fast: two Chinese characters seldom meet in one row by chance, and the few
rows that have both are compared with the word. Marks (the catalogue, its version, whether it is restricted, its
validity) stand in the same array, so that a word within one catalogue needs no second look.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db.models import BooleanField, F, Func, Index, Lookup, Q, TextField

SEARCHED = ("name", "generic", "alias", "spec", "dosform", "maker")
"""Columns in which a word may stand anywhere."""
LIMITED = "#限"


class Joined(Func):
    """Several columns as one text, blanks between."""

    template = "(%(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field = TextField()


class Characters(Func):
    """The single characters of a text, in small letters."""

    template = "string_to_array(lower(%(expressions)s), NULL)"


class Marks(Func):
    """What else is asked for by equality: catalogue, version, validity, restriction."""

    template = "ARRAY[%(expressions)s]"


class Marked(Func):
    """A column behind a sign, so that no mark is a character or another mark."""

    template = "'%(sign)s' || %(expressions)s"


class Limit(Func):
    """The mark of a restricted row."""

    template = f"CASE WHEN %(expressions)s = '' THEN '' ELSE '{LIMITED}' END"


TEXT = Joined(*(F(name) for name in SEARCHED))
LOOKS = Func(
    Characters(TEXT),
    Marks(
        Marked(F("infno"), sign="@"), Marked(F("ver"), sign="#"), Marked(F("vali_flag"), sign="!"), Limit(F("limits"))
    ),
    function="array_cat",
)  # fmt: skip
APPROVAL = Func(F("aprvno"), template="substring(%(expressions)s from '[A-Za-z0-9].*')", output_field=TextField())
"""An approval number from its first letter or digit on: 国药准字H20010709 is asked for as H20010709."""


class Bears(Lookup):
    """`Bears(LOOKS, ["阿", "莫", "@1301"])`: all of these are in the row's array."""

    lookup_name = "bears"
    prepare_rhs = False
    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return the condition."""
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} @> %s::text[]", [*params, list(self.rhs)]


class Says(Lookup):
    """`Says(TEXT, "阿莫")`: the folded word occurs in the text; widths are folded only where it is not there."""

    lookup_name = "says"
    prepare_rhs = False
    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return the condition."""
        lhs, params = self.process_lhs(compiler, connection)
        plain, folded = f"strpos(lower({lhs}), %s) > 0", f"strpos(lower(normalize({lhs}, NFKC)), %s) > 0"
        # folding costs ten times the comparison, and few texts have wide signs
        wide = f"({lhs}) ~ '[\uff01-\uff5e]'"
        return f"({plain} OR ({wide} AND {folded}))", [*params, self.rhs, *params, *params, self.rhs]


class Opens(Lookup):
    """`Opens(APPROVAL, "H2001")`: the text begins with it; by an index with text_pattern_ops."""

    lookup_name = "opens"
    prepare_rhs = False
    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return the condition."""
        lhs, params = self.process_lhs(compiler, connection)
        escaped = str(self.rhs).replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        return f"{lhs} LIKE %s", [*params, f"{escaped}%"]


CURRENT = Q(current=True)
SEARCH_INDEXES: list[Index] = [
    GinIndex(LOOKS, name="catalogue_row_looks", condition=CURRENT, fastupdate=False),
    Index(fields=["code"], opclasses=["text_pattern_ops"], name="catalogue_row_code_start", condition=CURRENT),
    Index(fields=["pinyin"], opclasses=["text_pattern_ops"], name="catalogue_row_pinyin_start", condition=CURRENT),
    Index(OpClass(APPROVAL, "text_pattern_ops"), name="catalogue_row_approval", condition=CURRENT & ~Q(aprvno="")),
    Index(fields=["infno", "code", "id"], name="catalogue_row_browse", condition=CURRENT),
    Index(fields=["enddate"], name="catalogue_row_ending", condition=CURRENT & Q(enddate__isnull=False)),
]
"""What searching and browsing need of `models.Item`; all but the first are plain and quickly made."""

AREA_TEXT = F("hilist_name")
AREA_LOOKS = Characters(AREA_TEXT)
AREA_INDEXES: list[Index] = [
    GinIndex(AREA_LOOKS, name="area_item_looks"),
    Index(fields=["hilist_code"], opclasses=["text_pattern_ops"], name="area_item_code_start"),
    Index(fields=["pinyin"], opclasses=["text_pattern_ops"], name="area_item_pinyin_start"),
    Index(fields=["insu_admdvs", "hilist_code", "id"], name="area_item_browse"),
]
"""The same for `models.AreaItem`, of which an area has several hundred thousand."""
