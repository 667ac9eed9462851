"""系统 · 字典: codes, their meaning, and who uses them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from insurance.exchange.pages.dictionaries import dictionaries_of, hits
from insurance.specification.books import open_book
from portal.people.models import Institution, Person

pytestmark = pytest.mark.django_db


def test_every_dictionary_that_a_parameter_names_is_listed() -> None:
    book = open_book()
    listed = {one.code for one in dictionaries_of(book)}
    fields = [
        field.code
        for transaction in book.transactions.values()
        for root in (transaction.input, transaction.output)
        for node in root.walk()
        for field in node.fields.values()
    ]
    assert listed == {code for code in fields if code}


def test_codes_are_found_by_code_and_by_word() -> None:
    book = open_book()
    assert any(hit.dictionary.code == "insutype" and hit.code == "310" for hit in hits(book, "310"))
    assert any(hit.dictionary.code == "insutype" and hit.code == "510" for hit in hits(book, "生育保险"))
    assert not hits(book, "")


def test_page_finds_by_word_and_opens_in_the_drawer(client: Client, member: Person) -> None:
    client.force_login(member)
    page = client.get("/exchange/dictionaries/", {"words": "险种"}).content.decode()
    assert "/exchange/dictionaries/insutype/" in page
    drawer = client.get(
        "/exchange/dictionaries/insutype/", headers={"HX-Request": "true", "HX-Target": "drawer-body"}
    ).content.decode()
    assert "职工基本医疗保险" in drawer
    assert "<html" not in drawer


def test_unknown_dictionary_is_not_found_and_odd_questions_do_no_harm(client: Client, member: Person) -> None:
    client.force_login(member)
    assert client.get("/exchange/dictionaries/nothing/").status_code == 404
    assert client.get("/exchange/dictionaries/..%2F..%2Findex/").status_code == 404
    assert client.get("/exchange/dictionaries/", {"words": "\0%_'"}).status_code == 200


def test_only_those_with_a_role_may_read(
    client: Client, stranger: Person, outsider: Person, person: Callable[..., Person], institution: Institution
) -> None:
    assert client.get("/exchange/dictionaries/")["Location"].startswith("/login/")
    client.force_login(stranger)
    assert client.get("/exchange/dictionaries/").status_code == 403
    for someone in (outsider, person("till", institution, "cashier")):
        client.force_login(someone)
        assert client.get("/exchange/dictionaries/").status_code == 200
