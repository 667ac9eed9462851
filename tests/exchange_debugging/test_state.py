"""Form, message and JSON say the same, for every outbound transaction and whatever stands in it."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insurance.exchange.debugging.drawing import Drawer
from insurance.exchange.debugging.jsontext import NotJson, dumps, loads
from insurance.exchange.debugging.posting import PREFIX, BadAct, Posted, places
from insurance.exchange.debugging.state import Misfit, State, blank, message_of, state_of
from insurance.specification.books import open_book
from insurance.specification.model import Node
from insurance.specification.writing import write
from tests.specification.strategies import messages

BOOK = open_book()
OUTBOUND = [infno for infno in BOOK.index if BOOK.index[infno].cells["direction"] != "inbound"]
# A browser turns a lone carriage return into a line break, whatever the field; nothing of the protocol has one.
TYPED = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00\r"), min_size=1, max_size=12)
SOME = {"max_examples": 4, "deadline": None, "suppress_health_check": list(HealthCheck)}


JSON = ['["11", "21"]', '{"a": 1, "b": [1.50, null]}', "true", "12.50", '"文"']
# Where what was typed stands is chosen by a seed: a message of 4101 is too large to draw value by value.
FORMS = st.tuples(st.integers(0, 2**32), st.lists(TYPED, min_size=1, max_size=6))


def state_from(node: Node, form: tuple[int, list[str]]) -> State:
    """What a person may have typed into the form of a node: any text in any field, rows empty too."""
    seed, texts = form
    return _state(node, Random(seed), texts)


def _state(node: Node, chance: Random, texts: list[str]) -> State:
    state: State = {}
    for name, field in node.fields.items():
        # another writing of the same JSON is the same value, so JSON is typed as the portal writes it
        pool = JSON if field.type == "json" else [text for text in texts if not text.startswith("[")]
        if pool and chance.random() < 0.6:
            state[name] = chance.choice(pool)
    for name, child in node.children.items():
        below = [_state(child, chance, texts) for _ in range(chance.randrange(4) if child.many else 1)]
        state |= {name: found} if (found := below if child.many else below[0]) else {}
    return state


def posted(node: Node, state: State) -> State:
    """The state after a browser has sent it and the server has read it."""
    pairs = [(name, text.replace("\n", "\r\n")) for name, text in places(node, state)]
    body = urlencode(pairs)
    return Posted(node, parse_qsl(body, keep_blank_values=True)).state


@pytest.mark.parametrize("infno", OUTBOUND)
@settings(**SOME)
@given(form=FORMS)
def test_what_is_typed_survives_the_form(infno: str, form: Any) -> None:
    root = BOOK.transaction(infno).input
    state = state_from(root, form)
    assert posted(root, state) == state


@pytest.mark.parametrize("infno", OUTBOUND)
@settings(**SOME)
@given(form=FORMS)
def test_form_to_json_to_form(infno: str, form: Any) -> None:
    root = BOOK.transaction(infno).input
    state = state_from(root, form)
    message = message_of(root, state)
    text = dumps(message)
    assert loads(text) == message
    assert state_of(root, loads(text)) == state


@pytest.mark.parametrize("infno", OUTBOUND)
@settings(**SOME)
@given(data=st.data())
def test_a_valid_message_travels_the_same_after_form_and_json(infno: str, data: Any) -> None:
    transaction = BOOK.transaction(infno)
    root = transaction.input
    message = without_returns(write(transaction, data.draw(messages(root))))
    shown = posted(root, state_of(root, message))
    back = loads(dumps(message_of(root, shown)))
    assert said(write(transaction, back)) == said(write(transaction, message))


def said(value: Any) -> Any:
    """What a message says: an empty single node says nothing, nor do the "" and 0 that the empty rule writes."""
    if isinstance(value, dict):
        return {name: found for name, item in value.items() if (found := said(item)) not in ("", 0, {})}
    return [said(item) for item in value] if isinstance(value, list) else value


def without_returns(value: Any) -> Any:
    """The message without carriage returns, which no browser sends alone; numbers as JSON gives them."""
    if isinstance(value, dict):
        return {without_returns(name): without_returns(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_returns(item) for item in value]
    if isinstance(value, float):
        return Decimal(repr(value))
    return value.replace("\r", " ") if isinstance(value, str) else value


@pytest.mark.parametrize("infno", OUTBOUND)
def test_every_form_can_be_drawn_and_every_input_is_named_once(infno: str) -> None:
    transaction = BOOK.transaction(infno)
    drawn = Drawer(BOOK, transaction).draw(blank(transaction.input))
    names = [box.name for box in drawn.root.boxes]
    for section in drawn.sections:
        names += [box.name for row in section.rows for box in row.boxes]
    assert len(names) == len(set(names))
    assert {section.path for section in drawn.prototypes} == {n.path for n in transaction.input.walk() if n.many}
    sent = {name for name, _ in places(transaction.input, blank(transaction.input))}
    assert set(names) <= sent


def test_4101_2204_and_7101_have_every_field_of_their_tables() -> None:
    for infno in ("4101", "2204", "7101"):
        transaction = BOOK.transaction(infno)
        one = {node.name: [{}] if node.many else {} for node in transaction.input.children.values()}
        drawn = Drawer(BOOK, transaction).draw(one)
        shown = {
            (section.path, box.rule.name) for section in drawn.sections for row in section.rows for box in row.boxes
        }
        assert shown == {(node.path, name) for node in transaction.input.walk() for name in node.fields}


def test_numbers_keep_their_digits() -> None:
    root = BOOK.transaction("2204").input
    state = {"feedetail": [{"cnt": "12.50", "pric": "007", "det_item_fee_sumamt": "-0.00"}]}
    text = dumps(message_of(root, state))
    assert '"cnt": 12.50' in text
    assert '"pric": "007"' in text
    assert state_of(root, loads(text)) == state


def test_rows_are_added_copied_and_dropped_at_any_depth() -> None:
    root = BOOK.transaction("3101").input
    pairs = [
        (PREFIX + "data.patient_dtos.0.patn_id", "A"),
        (PREFIX + "data.patient_dtos.0.fsi_encounter_dtos.4.mdtrt_id", "one"),
        (PREFIX + "data.patient_dtos.0.fsi_encounter_dtos.9.mdtrt_id", "two"),
    ]
    form = Posted(root, pairs)
    assert form.act("copy:data.patient_dtos.0.fsi_encounter_dtos.4") == "data.patient_dtos.0.fsi_encounter_dtos.1"
    assert form.act("add:data.patient_dtos.0.fsi_encounter_dtos") == "data.patient_dtos.0.fsi_encounter_dtos.3"
    rows = form.state["data"]["patient_dtos"][0]["fsi_encounter_dtos"]
    assert rows == [{"mdtrt_id": "one"}, {"mdtrt_id": "one"}, {"mdtrt_id": "two"}, {}]
    form = Posted(root, pairs)
    form.act("drop:data.patient_dtos.0.fsi_encounter_dtos.4")
    assert form.state["data"]["patient_dtos"][0]["fsi_encounter_dtos"] == [{"mdtrt_id": "two"}]


@pytest.mark.parametrize(
    "act", ["drop:feedetail.7", "copy:feedetail", "add:nothing", "drop:", "add:", "copy:feedetail.x"]
)
def test_an_act_on_a_row_that_is_not_there_is_refused(act: str) -> None:
    with pytest.raises(BadAct):
        Posted(BOOK.transaction("2204").input, [(PREFIX + "feedetail.0.cnt", "1")]).act(act)


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=10)), max_size=6))
@settings(max_examples=150, deadline=None)
def test_no_name_breaks_the_parser(pairs: list[tuple[str, str]]) -> None:
    root = BOOK.transaction("4101").input
    named = [(PREFIX + name, text) for name, text in pairs] + [
        (PREFIX + "payinfo." + name, text) for name, text in pairs
    ]
    state = Posted(root, named).state
    assert set(state) <= set(root.children)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"data": }', "应有值"),
        ('{"data": {"a": 1, "a": 2}}', "两次"),
        ('{"data": NaN}', "NaN"),
        ('{"data": "\\ud800"}', "无法传输"),
        ('{"data": "\\u0000"}', "无法传输"),
        ("[" * 100_000, "嵌套"),
        ('{"data": ' + "9" * 5000 + "}", "过长"),
    ],
)
def test_bad_json_is_refused_with_words(text: str, word: str) -> None:
    with pytest.raises(NotJson, match=word):
        loads(text)


@pytest.mark.parametrize(
    "message",
    [
        {"feedetail": {"cnt": 1}},
        {"feedetail": [{"cnt": True}]},
        {"feedetail": [{"cnt": {}}]},
        {"feedetail": [{"strange": 1}]},
        {"strange": 1},
        [1],
        "text",
    ],
)
def test_what_no_form_can_hold_is_said_and_not_lost(message: Any) -> None:
    with pytest.raises(Misfit):
        state_of(BOOK.transaction("2204").input, message)


def test_a_huge_exponent_costs_nothing() -> None:
    root = BOOK.transaction("2204").input
    state = state_of(root, {"feedetail": [{"cnt": Decimal("1e999999")}]})
    assert len(dumps(message_of(root, state))) < 100
