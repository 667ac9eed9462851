"""TAB-separated files: by position, more or fewer columns, null, a TAB at the end."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insurance.specification.books import open_book
from insurance.specification.errors import Unwritable
from insurance.specification.files import open_text, read_rows, write_rows

LAYOUT = open_book().layout("3202-upload")
NAMES = list(LAYOUT.positions)
CELLS = st.none() | st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\t\r\n\x00"), min_size=1, max_size=8
).filter(lambda text: text != "null")


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, CELLS)), max_size=5), st.booleans())
def test_rows_survive(rows, trailing_tab):
    """What is written is read again, with and without a TAB at each row's end."""
    rows = [{**row, "setl_id": "S" + (row["setl_id"] or "")} for row in rows]  # a row of blanks alone is no row
    stream = io.BytesIO("".join(write_rows(rows, LAYOUT, trailing_tab)).encode("utf-8"))
    assert [dict(row) for row in read_rows(open_text(stream), LAYOUT)] == rows


def test_fewer_and_more_columns():
    """Later editions append columns; earlier ones lack them."""
    text = "S1\tM1\tP1\n\nS2\tnull\t\t1.00\t2.00\t3.00\t0\t新列\r\n"
    short, long = read_rows(io.StringIO(text, newline="\n"), LAYOUT)
    assert (short["setl_id"], short["acct_pay"], short.short, short.extra) == ("S1", None, 4, ())
    assert (long["mdtrt_id"], long["psn_no"], long["refd_setl_flag"]) == (None, None, "0")
    assert (long.extra, long.short, long.number) == (("新列",), 0, 3)
    assert len(short) == len(NAMES)
    with pytest.raises(KeyError):
        short["nothing"]


def test_only_the_line_feed_ends_a_row():
    """Other separators of Unicode stand inside a cell; a byte order mark does not."""
    stream = io.BytesIO("\ufeffS1\u2028x\tM\x0b1\n".encode())
    (row,) = read_rows(open_text(stream), LAYOUT)
    assert row.cells == ("S1\u2028x", "M\x0b1")


def test_numbers_are_written_plainly():
    """Money keeps its decimals."""
    (line,) = write_rows([{"setl_id": "S1", "medfee_sumamt": Decimal("10.50"), "acct_pay": 0}], LAYOUT)
    assert line == "S1\tnull\tnull\t10.50\tnull\t0\tnull\n"


@pytest.mark.parametrize(
    "row", [{"setl_id": "a\tb"}, {"setl_id": "a\nb"}, {"setl_id": []}, {"nothing": 1}, {"setl_id": "null"}]
)
def test_what_would_break_the_columns_is_refused(row):
    """A TAB in a cell would move every later column."""
    with pytest.raises(Unwritable):
        list(write_rows([row], LAYOUT))
