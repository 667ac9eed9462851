"""A hospital that talks to the sandbox, with two persons who may decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from insurance.exchange.bodies import forget_keys
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.mapping_delivery.world import World, connect
from tests.sandbox_fixture import RunningSandbox, running_sandbox


@pytest.fixture(autouse=True)
def short_waits(settings: Any) -> Iterator[None]:
    """Looks at the platform come soon."""
    settings.VERIFY_MIN_AGE = 0.3
    settings.VERIFY_EVERY = 0.2
    settings.BREAKER_SECONDS = 0.3
    settings.DEADLINE_SUBMIT = 5
    settings.CONNECT_SECONDS = 1
    forget_keys()
    yield
    forget_keys()


@pytest.fixture
def second(person: Callable[..., Person], institution: Institution) -> Person:
    """A colleague of the 医保办."""
    return person("second", institution, "insurance_office")


@pytest.fixture
def office(member: Person, institution: Institution) -> Actor:
    """The 医保办 at work."""
    return Actor.of(member, institution)


@pytest.fixture
def colleague(second: Person, institution: Institution) -> Actor:
    """The second person at work."""
    return Actor.of(second, institution)


@pytest.fixture
def world(institution: Institution, member: Person, second: Person) -> World:
    """The hospital without a platform."""
    return World(institution, member, second)


@pytest.fixture
def platform(world: World, sandbox: RunningSandbox) -> RunningSandbox:
    """The sandbox, where the bureau passes everything at once."""
    connect(world.institution, sandbox.url)
    return sandbox


@pytest.fixture
def slow_bureau(world: World) -> Iterator[RunningSandbox]:
    """A sandbox whose bureau decides only by hand."""
    with running_sandbox(review_seconds=-1) as running:
        connect(world.institution, running.url)
        yield running
