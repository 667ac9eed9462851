"""People of the item tests: who ties drugs, who ties services and supplies, who only looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portal.people.actor import Actor
from portal.people.models import Institution, Person


@pytest.fixture
def pharmacist(person: Callable[..., Person], institution: Institution) -> Person:
    """Somebody of the pharmacy: drugs only."""
    return person("pharmacist", institution, "pharmacy")


@pytest.fixture
def clerk(person: Callable[..., Person], institution: Institution) -> Person:
    """Somebody of the price office and supply: services and consumables only."""
    return person("clerk", institution, "price_supply")


@pytest.fixture
def pharmacy(pharmacist: Person, institution: Institution) -> Actor:
    """The pharmacist at work."""
    return Actor.of(pharmacist, institution)


@pytest.fixture
def supply(clerk: Person, institution: Institution) -> Actor:
    """The clerk of prices and supplies at work."""
    return Actor.of(clerk, institution)


@pytest.fixture
def office(member: Person, institution: Institution) -> Actor:
    """The 医保办 at work: every kind."""
    return Actor.of(member, institution)
