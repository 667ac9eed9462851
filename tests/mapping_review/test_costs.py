"""What many at once cost, what a queue filled later must not send, and prices of less than a fen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from insurance.catalogue.queries import Terms
from insurance.exchange.models import Submission
from insurance.exchange.queries import connection_of
from insurance.mapping.choices import MappingState, Source
from insurance.mapping.delivery.submitting import queue_mappings
from insurance.mapping.models import HospitalItem, Mapping
from insurance.mapping.review import services
from insurance.mapping.review.services import Choice
from insurance.mapping.review.showing import money_of
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.mapping_delivery.world import connect
from tests.mapping_items.factories import make_code
from tests.mapping_review.conftest import code_named, pair

pytestmark = pytest.mark.django_db
# A savepoint, its end and the row itself: one that fails must hinder no other.
OF_EACH = 3


def queries(work: Callable[[], Any]) -> tuple[Any, int]:
    with CaptureQueriesContext(database) as seen:
        result = work()
    return result, len(seen)


def test_many_cost_hardly_more_than_few(connected: Institution, mapper: Actor, approver: Actor) -> None:
    def both(numbers: range) -> tuple[int, int]:
        pairs = [pair(connected, number) for number in numbers]
        choices = [Choice(item, code.code, Source.SUGGESTED, certain=True) for item, code in pairs]
        proposed, proposing = queries(lambda: services.propose_all(mapper, choices=choices))
        approved, approving = queries(lambda: services.approve_mappings(approver, mappings=proposed.made))
        assert approved.queued == len(pairs)
        return proposing, approving

    both(range(2))
    few, many = both(range(2, 6)), both(range(6, 26))
    assert many[0] == few[0]
    assert many[1] <= few[1] + 16 * OF_EACH


def test_what_an_ending_takes_out_is_not_sent_after_all(
    institution: Institution, other_institution: Institution, person: Callable[..., Person]
) -> None:
    connection_of(institution)
    mapper = Actor.of(person("mapper", other_institution, "pharmacy"), other_institution)
    approver = Actor.of(person("approver", other_institution, "reviewer"), other_institution)
    item, code = pair(other_institution, 1)
    old = services.propose_mapping(mapper, item=item, code=code.code, source=Source.SEARCHED)
    done = services.approve_mappings(approver, mappings=[old])
    assert "尚未建立平台连接" in done.held_back[0]
    make_code("101", code_named(2))
    tomorrow = timezone.localdate() + dt.timedelta(days=1)
    new = services.propose_mapping(mapper, item=item, code=code_named(2), begndate=tomorrow, source=Source.SEARCHED)
    services.approve_mappings(approver, mappings=[new])
    connect(other_institution, "https://platform.invalid")
    queue_mappings(approver, mappings=[old, new])
    assert Mapping.objects.get(pk=old.pk).state == MappingState.REMOVED
    assert list(Submission.objects.values_list("subject_id", flat=True)) == [str(new.pk)]


def test_a_ceiling_is_not_rounded_to_what_the_item_costs() -> None:
    found = money_of(HospitalItem(pric=Decimal("0.0100")), Terms(payable=True, ceiling=Decimal("0.0085")))
    assert (found.ceiling, found.over) == ("0.0085", True)
