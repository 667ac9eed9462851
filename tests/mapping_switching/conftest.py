"""A hospital with relations in force, and the people who change and approve them. All invented."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from insurance.mapping.choices import MappingState, Verdict
from insurance.mapping.models import CodeSwitch, HospitalItem, Mapping
from insurance.mapping.models.relations import OPEN_END
from insurance.mapping.switching.services.assessing import assess
from insurance.mapping.switching.services.rows import take_rows
from insurance.mapping.switching.services.switches import create_switch
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.directory.conftest import connect
from tests.mapping_items.factories import make_code, make_item

TODAY = timezone.localdate
DAY = dt.timedelta(days=1)


@pytest.fixture
def hospital(institution: Institution) -> Institution:
    """The hospital of the tests, with a connection to nowhere."""
    connect(institution)
    return institution


@pytest.fixture
def office(member: Person, hospital: Institution) -> Actor:
    """Somebody of the 医保办, who prepares."""
    return Actor.of(member, hospital)


@pytest.fixture
def second(person: Callable[..., Person], hospital: Institution) -> Actor:
    """Another person, who approves."""
    return Actor.of(person("second", hospital, "reviewer"), hospital)


@pytest.fixture
def looker(person: Callable[..., Person], institution: Institution) -> Person:
    """Somebody who may only look (收费)."""
    return person("looker", institution, "cashier")


def in_force(item: HospitalItem, code: str, first: Person, other: Person, **changes: Any) -> Mapping:
    """A relation that stands and that the platform holds."""
    values: dict[str, Any] = {
        "institution": item.institution, "item": item, "list_type": item.list_type, "med_list_codg": code,
        "begndate": dt.date(2020, 1, 1), "enddate": OPEN_END, "state": MappingState.IN_FORCE, "proposed_by": first,
        "approved_by": other, "approved_at": timezone.now(), "told_at": timezone.now(), "verdict": Verdict.PASSED,
        **changes,
    }  # fmt: skip
    made: Mapping = Mapping.objects.create(**values)
    return made


class Ward:
    """What a test of a switch works on: relations by old code, made when asked for."""

    def __init__(self, hospital: Institution, office: Actor, second: Actor) -> None:
        assert office.person
        assert second.person
        self.hospital, self.first, self.other = hospital, office.person, second.person
        self.office, self.second = office, second

    def relation(self, code: str, list_type: str = "101", **changes: Any) -> Mapping:
        """An item in force under a code; the code stands in the catalogue."""
        known = changes.pop("known", True)
        row = changes.pop("row", {})
        item = make_item(self.hospital, list_type=list_type, revenue=changes.pop("revenue", 100), **changes)
        if known:
            make_code(list_type, code, **row)
        return in_force(item, code, self.first, self.other)

    def switch(self, *pairs: tuple[str, str], day: dt.date | None = None, known: bool = True) -> CodeSwitch:
        """A switch in some days whose table has these (old, new) pairs; the new codes stand in the catalogue."""
        made = create_switch(self.office, name=f"切换{CodeSwitch.objects.count()}", day=day or TODAY() + 5 * DAY)
        for code in dict.fromkeys(new for _, new in pairs if new and known):
            make_code("101", code)
        take_rows(self.office, switch=made, rows=[{"old_code": old, "new_code": new} for old, new in pairs])
        return assess(made)


@pytest.fixture
def ward(hospital: Institution, office: Actor, second: Actor) -> Ward:
    """Relations and switches on demand."""
    return Ward(hospital, office, second)
