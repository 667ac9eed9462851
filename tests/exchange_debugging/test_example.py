"""What 填入示例 puts in: the usual code where the dictionary has one, else its first."""

from __future__ import annotations

from typing import Any

from insurance.exchange.debugging.example import example, usual
from insurance.exchange.masking import DATA
from insurance.specification.books import Book
from portal.people.models import Institution


def filled(book: Book, institution: Institution, *wanted: str) -> dict[str, set[str]]:
    """Return which codes the examples of all transactions take for these dictionaries."""
    found: dict[str, set[str]] = {code: set() for code in wanted}
    for infno in book.transactions:
        what = book.transaction(infno)
        coded = {field.name: field.code for node in what.input.walk() for field in node.fields.values()}
        for name, value in leaves(example(book, what, institution)):
            if coded.get(name) in found:
                found[str(coded[name])].add(value)
    return found


def leaves(state: Any) -> list[tuple[str, str]]:
    """Return every field of a state with its text."""
    rows = state if isinstance(state, list) else [state]
    pairs = [pair for row in rows for pair in row.items()]
    deeper = [leaf for _, value in pairs if not isinstance(value, str) for leaf in leaves(value)]
    return deeper + [(name, value) for name, value in pairs if isinstance(value, str)]


def test_the_usual_codes_are_taken(book: Book, institution: Institution) -> None:
    assert filled(book, institution, "nat_regn_code", "prfs", "naty", "vali_flag", "list_type") == {
        "nat_regn_code": {"CHN"},
        "prfs": {"90"},
        "naty": {"01"},
        "vali_flag": {"1"},
        "list_type": {"101"},  # none is usual: the first
    }


def test_each_dictionary_of_the_table_is_known_and_has_one_of_its_codes(book: Book) -> None:
    assert (DATA / "usual.csv").read_text(encoding="utf-8").startswith("dictionary,code,label")
    for dictionary, codes in usual().items():
        assert set(codes) & set(book.dictionary(dictionary)), dictionary
