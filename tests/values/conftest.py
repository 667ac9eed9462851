"""A hospital, its people, and two sets of values: one with money, one without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.values.registry import ValueSet, _sets, _waiters, register_set
from tests.people.factories import make_institution, make_person

FRUIT = {"A1": "苹果", "B2": "梨", "C3": "香蕉"}


@pytest.fixture(autouse=True)
def fruit() -> Iterator[None]:
    """Sets of the tests: `fruit` (one person decides) and `price` (two persons)."""
    kept = (dict(_sets), dict(_waiters))
    register_set(ValueSet("fruit", "水果", target=lambda institution: FRUIT))
    register_set(ValueSet("price", "计价单位", target=lambda institution: {"盒": "", "支": ""}, money=True))
    yield
    for registry, before in zip((_sets, _waiters), kept, strict=True):
        registry.clear()
        registry.update(before)


@pytest.fixture
def hospital(db: None) -> Institution:
    return make_institution()


@pytest.fixture
def elsewhere(db: None) -> Institution:
    return make_institution("H99990000002", "另一样例医院")


@pytest.fixture
def clerk(hospital: Institution) -> Person:
    return make_person("insurance_office", hospital)


@pytest.fixture
def reviewer(hospital: Institution) -> Person:
    return make_person("reviewer", hospital)


@pytest.fixture
def actor(clerk: Person, hospital: Institution) -> Actor:
    return Actor.of(clerk, hospital)


@pytest.fixture
def second(reviewer: Person, hospital: Institution) -> Actor:
    return Actor.of(reviewer, hospital)
