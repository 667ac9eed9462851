"""The hospital and its people for the tests of the wizard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.people.factories import make_institution, make_person
from tests.sheets.ward import WardImport


@pytest.fixture(autouse=True)
def wards(settings: Any, tmp_path: Path) -> Iterator[type[WardImport]]:
    settings.FILES_DIR = tmp_path / "files"
    WardImport.forget()
    yield WardImport
    WardImport.forget()


@pytest.fixture
def hospital(db: None) -> Institution:
    return make_institution()


@pytest.fixture
def other_hospital(db: None) -> Institution:
    return make_institution("H99990000002", "另一样例医院")


@pytest.fixture
def clerk(hospital: Institution) -> Person:
    return make_person("insurance_office", hospital)


@pytest.fixture
def actor(clerk: Person, hospital: Institution) -> Actor:
    return Actor.of(clerk, hospital)
