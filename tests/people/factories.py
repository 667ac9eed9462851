"""Institutions and persons for tests; everybody is invented."""

from __future__ import annotations

from itertools import count

from portal.people.actor import Actor
from portal.people.models import Institution, Membership, Person

PASSWORD = "right-horse-battery-7"
_numbers = count(1)


def make_institution(code: str = "H99990000001", name: str = "样例妇幼保健院") -> Institution:
    """Return an institution; one per code."""
    return Institution.objects.get_or_create(
        fixmedins_code=code, defaults={"fixmedins_name": name, "admdvs": "999900"}
    )[0]


def make_person(
    role: str | None = "insurance_office", institution: Institution | None = None, username: str = "", **fields: object
) -> Person:
    """Return a person with `role` in `institution` (default: the first one); without a role: a stranger."""
    number = next(_numbers)
    fields = {"name": f"测试{number}", "must_change_password": False} | fields
    person = Person.objects.create_user(username or f"tester{number}", PASSWORD, **fields)
    if role:
        Membership.objects.create(person=person, institution=institution or make_institution(), role=role)
    return person


def make_actor(role: str = "insurance_office", institution: Institution | None = None) -> Actor:
    """Return a new person with `role`, acting."""
    institution = institution or make_institution()
    return Actor.of(make_person(role, institution), institution, "10.9.8.7")
