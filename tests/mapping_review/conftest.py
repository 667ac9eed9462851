"""People, items, codes and suggestions of the review tests. All names and codes are invented."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from insurance.catalogue.models import Item
from insurance.catalogue.queries import catalogue_stamp
from insurance.exchange.queries import connection_of
from insurance.mapping.choices import Certainty
from insurance.mapping.matching.storing import digest_of
from insurance.mapping.models import HospitalItem, Mapping, Suggestion
from insurance.mapping.review import services
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.mapping_items.factories import make_code, make_item

Propose = Callable[..., Mapping]


@pytest.fixture
def mapper_person(person: Callable[..., Person], institution: Institution) -> Person:
    """Somebody of the pharmacy, who ties drugs."""
    return person("mapper", institution, "pharmacy")


@pytest.fixture
def approver_person(person: Callable[..., Person], institution: Institution) -> Person:
    """Somebody who approves and ties nothing."""
    return person("approver", institution, "reviewer")


@pytest.fixture
def mapper(mapper_person: Person, institution: Institution) -> Actor:
    """The pharmacist at work."""
    return Actor.of(mapper_person, institution)


@pytest.fixture
def approver(approver_person: Person, institution: Institution) -> Actor:
    """The second person at work."""
    return Actor.of(approver_person, institution)


@pytest.fixture
def office(member: Person, institution: Institution) -> Actor:
    """The 医保办, who may map and approve, but never both of one relation."""
    return Actor.of(member, institution)


@pytest.fixture
def connected(institution: Institution) -> Institution:
    """The institution with its connection, so that what is approved can be queued."""
    connection_of(institution)
    return institution


def code_named(number: int) -> str:
    """An obviously invented drug code of 23 characters."""
    return f"XZZ00DEMO{number:06}00000000"[:23]


def suggest(item: HospitalItem, *codes: Item, certainty: Certainty = Certainty.CERTAIN, **changes: Any) -> Suggestion:
    """Keep codes as the item's suggestion, best first, each with its reasons."""
    candidates = [
        {
            "code": code.code,
            "score": float(Decimal("0.98") - Decimal("0.06") * number),
            "reasons": [
                {"what": "名称", "ours": item.fixmedins_hilist_name, "theirs": code.name, "agrees": True},
                {"what": "规格", "ours": item.spec, "theirs": code.spec, "agrees": item.spec == code.spec},
                {"what": "生产企业", "ours": item.prodentp_name, "theirs": code.maker,
                 "agrees": item.prodentp_name == code.maker},
                {"what": "批准文号", "ours": item.aprvno, "theirs": code.aprvno,
                 "agrees": None if not item.aprvno else item.aprvno == code.aprvno},
            ],
        }
        for number, code in enumerate(codes)
    ]  # fmt: skip
    values: dict[str, Any] = {
        "certainty": certainty, "candidates": candidates, "score": candidates[0]["score"] if candidates else None,
        "item_digest": digest_of(item), "catalogue_ver": catalogue_stamp(item.list_type), **changes,
    }  # fmt: skip
    made: Suggestion = Suggestion.objects.create(item=item, **values)
    return made


def pair(institution: Institution, number: int, **changes: Any) -> tuple[HospitalItem, Item]:
    """An item and the code that fits it."""
    name = changes.pop("name", f"演示药{number}号片")
    maker = changes.pop("maker", f"演示制药{number % 7}厂")
    facts = {"spec": "0.25g", "dosform": "片剂"}
    item = make_item(
        institution, fixmedins_hilist_id=f"R{number:05}", fixmedins_hilist_name=name, prodentp_name=maker,
        revenue=Decimal(10_000 - number), aprvno=f"国药准字H0000{number:04}", **facts, **changes,
    )  # fmt: skip
    code = make_code(
        "101",
        code_named(number),
        name=name,
        maker=maker,
        aprvno=f"国药准字H0000{number:04}",
        pacspec="24片/盒",
        **facts,
    )
    return item, code


@pytest.fixture
def proposed(institution: Institution, mapper: Actor) -> Propose:
    """Makes one proposal by the pharmacist: `proposed(number)`."""

    def make(number: int, **changes: Any) -> Mapping:
        item, code = pair(institution, number)
        values: dict[str, Any] = {"source": "suggested", "certain": True, **changes}
        return services.propose_mapping(mapper, item=item, code=code.code, **values)

    return make
