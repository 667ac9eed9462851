"""What holds for every transaction: the valid survives, and nothing at all raises anything but our own errors."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from insurance.specification.books import open_book
from insurance.specification.checking import check
from insurance.specification.errors import SpecificationError
from insurance.specification.reading import read
from insurance.specification.writing import write
from tests.specification import strategies

BOOK = open_book("guangzhou+trace-codes")
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example]
SIDES = [
    (infno, side)
    for infno, transaction in BOOK.transactions.items()
    for side in ("input", "output")
    if not transaction.side(side).empty
]


def names_of(infno: str) -> list[str]:
    """Return every node and field name of a transaction."""
    transaction = BOOK.transaction(infno)
    nodes = [node for root in (transaction.input, transaction.output) for node in root.walk()]
    return sorted({name for node in nodes for name in (node.name, *node.fields) if name})


@pytest.mark.parametrize(("infno", "side"), SIDES)
def test_valid_survives(infno, side):
    """A valid message passes the check and comes back from JSON as it was, up to the empty-value rule."""
    transaction = BOOK.transaction(infno)
    root = transaction.side(side)

    @settings(max_examples=4, deadline=None, suppress_health_check=QUIET, database=None)
    @given(strategies.messages(root))
    def holds(message):
        assert [str(p) for p in check(transaction, message, BOOK, side) if p.level == "error"] == []
        travelling = json.dumps(write(transaction, message, side), allow_nan=False)
        answer = read(transaction, json.loads(travelling, parse_float=Decimal), side)
        assert answer.doubts == ()
        assert answer.rows() == (
            strategies.expected(root, message) if root.many else [strategies.expected(root, message)]
        )

    holds()


@settings(max_examples=250, deadline=None, suppress_health_check=QUIET)
@given(st.data())
def test_anything_goes_in(data):
    """No value whatsoever makes check or read raise; write raises only its own error, and never for a clean message."""
    infno = data.draw(st.sampled_from(list(BOOK.transactions)))
    transaction = BOOK.transaction(infno)
    value = data.draw(strategies.anything(names_of(infno)))
    problems = check(transaction, value, BOOK)
    assert all(str(problem).encode("utf-8") for problem in problems)
    for side in ("input", "output"):
        [str(doubt) for doubt in read(transaction, value, side).doubts]
    try:
        json.dumps(write(transaction, value), allow_nan=False)
    except SpecificationError:
        assert any(problem.level == "error" for problem in problems)


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(st.data())
def test_one_wrong_value_is_found(data):
    """A valid message with one value replaced by junk is either still writable, or the check says where it is wrong."""
    infno, side = data.draw(st.sampled_from([(i, s) for i, s in SIDES if s == "input"]))
    transaction = BOOK.transaction(infno)
    message = data.draw(strategies.messages(transaction.side(side)))
    filled = [name for name, value in message.items() if name in transaction.input.children and value]
    assume(filled)
    node = data.draw(st.sampled_from(filled))
    target = message[node][0] if isinstance(message[node], list) else message[node]
    assume(target)
    name = data.draw(st.sampled_from(sorted(target)))
    target[name] = data.draw(strategies.SCALARS)
    errors = [problem for problem in check(transaction, message, BOOK) if problem.level == "error"]
    if not errors:
        json.dumps(write(transaction, message), allow_nan=False)
    else:
        assert all(problem.node.startswith(node) for problem in errors)


@pytest.mark.parametrize("infno", ["3401", "5204", "3101", "1901"])
def test_deep_and_large_values(infno):
    """Depth and size do not exhaust anything."""
    transaction = BOOK.transaction(infno)
    deep: object = {}
    for _ in range(20_000):
        deep = {"data": deep}
    for value in (
        deep,
        [deep],
        10**9000,
        {10**9000: 10**9000},
        "[" * 200_000,
        {"data": "9" * 1_000_000},
        {f"k{n}": n for n in range(5_000)},
    ):
        check(transaction, value, BOOK)
        read(transaction, value)
        with contextlib.suppress(SpecificationError):
            write(transaction, value)
