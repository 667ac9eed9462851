"""Two persons at the same moment: one wins, the other is told by whom."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from insurance.exchange.models import Submission
from insurance.mapping.choices import MappingState
from insurance.mapping.errors import MappingError
from insurance.mapping.models import Mapping
from insurance.mapping.review import services
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.mapping_review.conftest import Propose, pair

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], str]) -> list[str]:
    """Run all at the same moment, each with a connection of its own, and return what each said."""
    start, said = threading.Barrier(len(works)), []

    def run(work: Callable[[], str]) -> None:
        start.wait()
        try:
            said.append(work())
        except MappingError as error:
            said.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(said)


def test_two_mappers(connected: Institution, mapper: Actor, office: Actor) -> None:
    item, code = pair(connected, 1)

    def take(actor: Actor) -> str:
        services.propose_mapping(actor, item=item, code=code.code, source="searched")
        return "+"

    said = at_once(lambda: take(mapper), lambda: take(office))
    assert said[0] == "+"
    assert "正在待审核" in said[1]
    assert Mapping.objects.count() == 1


def test_two_approvers(
    connected: Institution, approver: Actor, office: Actor, proposed: Propose, person: Callable[..., Person]
) -> None:
    mapping = proposed(1)

    def approve(actor: Actor) -> str:
        done = services.approve_mappings(actor, mappings=[mapping])
        return "+" if done.approved else done.left_out[0][1]

    said = at_once(lambda: approve(approver), lambda: approve(office))
    assert said[0] == "+"
    assert "没有重复执行" in said[1]
    assert Submission.objects.count() == 1
    assert Mapping.objects.get().state == MappingState.APPROVED
