"""The dictionaries of the edition in force: what each code means, and which parameters of which transactions use it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from insurance.specification import learned
from insurance.specification.books import Book
from insurance.specification.errors import SpecificationError

MOST_HITS = 500


@dataclass(frozen=True)
class Use:
    """One parameter that takes its codes from a dictionary."""

    infno: str
    transaction: str
    side: str
    node: str
    field: str
    label: str


@dataclass(frozen=True)
class Dictionary:
    """One dictionary: its name in the tables, what most parameters call it, its size and its uses."""

    code: str
    label: str
    size: int
    reason: str
    uses: Sequence[Use]


@dataclass(frozen=True)
class Hit:
    """One code that fits what was asked."""

    dictionary: Dictionary
    code: str
    word: str


def dictionaries_of(book: Book) -> Sequence[Dictionary]:
    """Return every dictionary that some parameter names, by code. Reads all tables once (about 30 ms)."""
    return _dictionaries(book, learned.stamp())


@lru_cache(maxsize=4)
def _dictionaries(book: Book, stamp: str) -> Sequence[Dictionary]:
    """Return them as they are since the stamp of the learned codes."""
    uses: dict[str, list[Use]] = {}
    for infno, transaction in book.transactions.items():
        for side, root in (("输入", transaction.input), ("输出", transaction.output)):
            for node in root.walk():
                for name, field in node.fields.items():
                    if field.code:
                        use = Use(infno, transaction.name, side, node.path, name, field.label)
                        uses.setdefault(field.code, []).append(use)
    return tuple(_dictionary(book, code, found) for code, found in sorted(uses.items(), key=lambda one: one[0].lower()))


def _dictionary(book: Book, code: str, uses: list[Use]) -> Dictionary:
    label = Counter(use.label for use in uses).most_common(1)[0][0]
    try:
        size = len(book.dictionary(code))
    except SpecificationError:
        size = 0
    return Dictionary(code, label, size, book.exceptions.get(code, ""), tuple(uses))


def fitting(book: Book, words: str) -> Sequence[Dictionary]:
    """Return the dictionaries whose name, label or using parameter holds `words`; all for an empty text."""
    asked = words.strip().lower()
    return [one for one in dictionaries_of(book) if not asked or _fits(one, asked)]


def _fits(one: Dictionary, asked: str) -> bool:
    return (
        asked in one.code.lower()
        or asked in one.label.lower()
        or any(
            asked in use.field.lower() or asked in use.label.lower() or asked == use.infno.lower() for use in one.uses
        )
    )


def hits(book: Book, words: str) -> Sequence[Hit]:
    """Return codes of any dictionary that are `words`, or whose word holds it; the first MOST_HITS."""
    asked = words.strip().lower()
    if not asked:
        return []
    found: list[Hit] = []
    for one in dictionaries_of(book):
        for code, word in _codes(book, one).items():
            if asked == code.lower() or asked in word.lower():
                found.append(Hit(one, code, word))
                if len(found) == MOST_HITS:
                    return found
    return found


def _codes(book: Book, one: Dictionary) -> dict[str, str]:
    return dict(book.dictionary(one.code)) if one.size else {}


def one_of(book: Book, code: str) -> Dictionary | None:
    """Return the dictionary `code`, None when no parameter names it."""
    return next((one for one in dictionaries_of(book) if one.code == code), None)
