"""帮助: everyday words lead to pages that are there."""

from __future__ import annotations

import pytest
from django.test import Client

from portal.desk.helping import everyday_words
from portal.people.models import Person

pytestmark = pytest.mark.django_db


def test_words_lead_to_pages_that_answer(office: Client) -> None:
    page = office.get("/help/").content.decode()
    for word in everyday_words():
        assert word.said in page
        if word.url:
            assert office.get(word.url).status_code == 200, word.said


def test_search_of_the_menu_knows_everyday_words_and_initials(office: Client) -> None:
    page = office.get("/").content.decode()
    assert "data-menu-search" in page
    assert "ksyry" not in page  # initials stand for whole names, not for groups
    assert 'data-menu-words="科室与人员 科室 3401' in page
    assert " ks " in page


def test_help_needs_a_role(client: Client, stranger: Person) -> None:
    client.force_login(stranger)
    assert client.get("/help/").status_code == 403
