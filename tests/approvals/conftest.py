"""Who proposes and who approves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portal.approvals import services
from portal.approvals.models import Approval
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.approvals import kinds

Make = Callable[..., Person]


@pytest.fixture(autouse=True)
def _no_runs() -> None:
    kinds.RUNS.clear()


@pytest.fixture
def proposer(person: Make, institution: Institution) -> Person:
    """Someone of the insurance office, who may propose and not approve."""
    return person("proposer", institution, "insurance_office")


@pytest.fixture
def reviewer(person: Make, institution: Institution) -> Person:
    """A second person."""
    return person("reviewer", institution, "reviewer")


@pytest.fixture
def both(person: Make, institution: Institution) -> Person:
    """Someone who may do either, but not both with the same thing."""
    return person("both", institution, "insurance_office", "reviewer")


@pytest.fixture
def propose(institution: Institution, proposer: Person) -> Callable[..., Approval]:
    """Proposes a new name: `propose("新名")`."""

    def make(name: str = "新名", by: Person | None = None) -> Approval:
        return services.propose(
            Actor.of(by or proposer, institution),
            kind="test.rename",
            label=f"更名为「{name}」",
            subjects=[institution],
            payload={"name": name},
            reason="执业许可变更",
        )

    return make
