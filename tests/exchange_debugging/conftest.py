"""A hospital on the sandbox, and people who send by hand. All invented."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from insurance.exchange.bodies import forget_keys
from insurance.exchange.debugging.drafting import Content, new_key, start_draft
from insurance.exchange.debugging.state import state_of
from insurance.exchange.models import Connection, DebugDraft
from insurance.specification.books import Book, open_book
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.exchange.conftest import connect
from tests.sandbox_fixture import RunningSandbox


@pytest.fixture(autouse=True)
def fresh_month_keys(db: None) -> Iterator[None]:
    """The month's key of an earlier test is gone with its database."""
    forget_keys()
    yield
    forget_keys()


@pytest.fixture
def book() -> Book:
    """The specification."""
    return open_book()


@pytest.fixture
def quiet(institution: Institution) -> Connection:
    """A connection to a place where nobody listens."""
    return connect(institution, "http://127.0.0.1:9")


@pytest.fixture
def connection(institution: Institution, sandbox: RunningSandbox) -> Connection:
    """The hospital's connection to the running sandbox."""
    return connect(institution, sandbox.url)


@pytest.fixture
def actor(member: Person, institution: Institution) -> Actor:
    """The member at the hospital."""
    return Actor.of(member, institution)


@pytest.fixture
def reviewer(person: Callable[..., Person], institution: Institution) -> Person:
    """The second person (审核)."""
    return person("reviewer", institution, "reviewer")


@pytest.fixture
def draft(actor: Actor, book: Book) -> Callable[..., DebugDraft]:
    """Makes a draft of a message: `draft("5101", {})`."""

    def make(infno: str, message: dict[str, Any], insuplc: str = "", **changes: Any) -> DebugDraft:
        content = Content(state_of(book.transaction(infno).input, message), insuplc_admdvs=insuplc)
        made = start_draft(actor, key=new_key(), infno=infno, content=content)
        if changes:
            DebugDraft.objects.filter(pk=made.pk).update(**changes)
            made.refresh_from_db()
        return made

    return make


@pytest.fixture
def enter(client: Client) -> Callable[[Person], Client]:
    """Logs somebody in: `enter(member)`."""

    def log_in(someone: Person) -> Client:
        client.force_login(someone)
        return client

    return log_in


def department(code: str = "D00001", **changes: Any) -> dict[str, Any]:
    """A valid input of 3401."""
    row = {
        "hosp_dept_codg": code, "hosp_dept_name": "产科", "caty": "A05", "itro": "产科门诊",
        "begntime": "2020-01-01 00:00:00", "dept_resper_name": "欧阳某某", "dept_resper_tel": "00000000000",
        "dept_estbdat": "2001-05-01", "aprv_bed_cnt": 40, "poolarea_no": "441700", "dr_psncnt": 3, "phar_psncnt": 0,
        "nurs_psncnt": 6, "tecn_psncnt": 0,
    }  # fmt: skip
    return {"deptinfo": row | changes}
