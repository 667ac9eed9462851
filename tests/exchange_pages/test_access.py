"""Who may open which page: three people on each, and nothing of another institution."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from insurance.exchange.choices import CallState
from insurance.exchange.models import Call, Connection, Submission
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.exchange_pages.conftest import queue, say

PAGES = ["exchange:submissions", "exchange:calls", "exchange:connection"]
MANAGED = ["exchange:connection_change", "exchange:pause", "exchange:resume"]


@pytest.mark.parametrize("name", PAGES)
def test_a_member_sees_the_page(
    name: str, member: Person, connection: Connection, enter: Callable[[Person], Client]
) -> None:
    assert enter(member).get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", [*PAGES, *MANAGED])
def test_a_stranger_is_refused_in_words(
    name: str, stranger: Person, connection: Connection, enter: Callable[[Person], Client]
) -> None:
    answer = enter(stranger).get(reverse(name))
    assert answer.status_code == 403
    assert "没有" in answer.content.decode()


@pytest.mark.parametrize("name", [*PAGES, *MANAGED])
def test_who_is_not_logged_in_goes_to_the_login(name: str, client: Client, db: None) -> None:
    answer = client.get(reverse(name))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("people:login"))


@pytest.mark.parametrize("name", [*MANAGED, "exchange:resend", "exchange:withdraw", "exchange:decide"])
def test_a_role_without_the_right_cannot_reach_the_act_by_its_address(
    name: str, person: Callable[..., Person], institution: Institution, connection: Connection,
    enter: Callable[[Person], Client],
) -> None:  # fmt: skip
    cashier = person("cashier", institution, "cashier")
    assert enter(cashier).post(reverse(name)).status_code == 403


@pytest.mark.parametrize("name", MANAGED)
def test_the_insurance_office_looks_at_the_connection_but_does_not_change_it(
    name: str, member: Person, connection: Connection, enter: Callable[[Person], Client]
) -> None:
    assert enter(member).post(reverse(name), {"reason": "试"}).status_code == 403


def test_another_institution_sees_nothing(
    refused: Submission, outsider: Person, other_connection: Connection, enter: Callable[[Person], Client]
) -> None:
    client = enter(outsider)
    call = Call.objects.get(rows__submission=refused)
    assert client.get(reverse("exchange:submission", args=[refused.pk])).status_code == 404
    assert client.get(reverse("exchange:call", args=[call.pk])).status_code == 404
    for name in ("exchange:submissions", "exchange:calls"):
        content = client.get(reverse(name), {"tab": "all"}).content.decode()
        assert refused.label not in content
        assert call.msgid not in content
    answer = client.post(reverse("exchange:resend"), {"only": refused.pk}, follow=True)
    assert "不属于您的机构" in answer.content.decode()
    assert Submission.objects.count() == 1


def test_the_other_institutions_connection_is_its_own(
    connection: Connection, other_connection: Connection, outsider: Person, enter: Callable[[Person], Client]
) -> None:
    content = enter(outsider).get(reverse("exchange:connection")).content.decode()
    assert "other" in content
    assert "geheim" not in content


def test_an_institution_without_a_connection_is_told_so(
    connection: Connection, outsider: Person, enter: Callable[[Person], Client]
) -> None:
    client = enter(outsider)
    assert "还没有建立平台连接" in client.get(reverse("exchange:connection")).content.decode()
    assert client.get(reverse("exchange:submissions")).status_code == 200


@pytest.mark.parametrize("name", ["exchange:submissions", "exchange:calls"])
def test_thirty_rows_cost_the_queries_of_one(
    name: str, actor: Actor, member: Person, enter: Callable[[Person], Client]
) -> None:
    client = enter(member)

    def fill(count: int) -> None:
        for _ in range(count):
            waiting = queue(actor)
            say(waiting, CallState.UNDELIVERED, words="连不上平台")
            Submission.objects.filter(pk=waiting.pk).update(thread="one", ready=False, attempts=2)

    def cost() -> int:
        with CaptureQueriesContext(database) as counted:
            answer = client.get(reverse(name), {"tab": "queued" if "sub" in name else "all", "per_page": 50})
        assert answer.status_code == 200
        return len(counted)

    fill(2)
    cost()
    few = cost()
    fill(28)
    assert cost() == few
    assert few <= 16
