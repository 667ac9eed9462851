"""Mappings: who may, which counts on which day, what the database guards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.audit.models import AuditEvent
from portal.audit.queries import history
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution
from portal.values import services
from portal.values.choices import MappingState
from portal.values.enforcing import expire
from portal.values.errors import ValueRefused
from portal.values.models import MissingValue, ValueMapping
from portal.values.queries import translate
from portal.values.registry import ValueSet, register_set
from tests.people.factories import make_person

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


def mapped(actor: Actor, source: str = "苹果汁", target: str = "A1", **more: Any) -> ValueMapping:
    """A mapping of fruit in force."""
    made = services.propose(actor, set_code="fruit", source=source, target=target, **more)
    assert services.submit(actor, mappings=[made]) == {"待审核": 0, "生效": 1}
    made.refresh_from_db()
    return made


def days(*mappings: ValueMapping) -> list[tuple[date, date | None]]:
    return [(m.begins, m.until) for m in ValueMapping.objects.filter(pk__in=[m.pk for m in mappings]).order_by("pk")]


def test_one_person_decides_where_no_money_hangs_on_it(actor: Actor) -> None:
    made = mapped(actor)
    assert (made.state, made.target_label, made.approved_by, made.owner) == (
        MappingState.IN_FORCE, "苹果", actor.person, actor.person,
    )  # fmt: skip
    assert translate(actor.institution, "fruit", ["苹果汁", "  苹果汁 ", "梨"]) == {
        "苹果汁": "A1", "  苹果汁 ": "A1", "梨": None,
    }  # fmt: skip
    assert [event.action for event in history(made)] == ["values.in_force", "values.propose"]


def test_two_persons_decide_where_money_hangs_on_it(actor: Actor, second: Actor) -> None:
    made = services.propose(actor, set_code="price", source="BOX", target="盒")
    assert services.submit(actor, mappings=[made]) == {"待审核": 1, "生效": 0}
    assert translate(actor.institution, "price", ["BOX"]) == {"BOX": None}
    both = Actor.of(make_person("insurance_office", actor.institution), actor.institution)
    with pytest.raises(NotAllowed):
        services.approve(both, mappings=[made])
    assert services.approve(second, mappings=[made]) == 1
    assert translate(actor.institution, "price", ["box", "ＢＯＸ"]) == {"box": "盒", "ＢＯＸ": "盒"}


def test_nobody_approves_their_own(hospital: Institution) -> None:
    one = make_person("insurance_office", hospital)
    from portal.people.models import Membership

    Membership.objects.create(person=one, institution=hospital, role="reviewer")
    own = Actor.of(one, hospital)
    made = services.propose(own, set_code="price", source="BOX", target="盒")
    services.submit(own, mappings=[made])
    with pytest.raises(NotAllowed, match="另一位"):
        services.approve(own, mappings=[made])
    made.refresh_from_db()
    assert made.state == MappingState.WAITING


def test_nobody_approves_what_they_wrote_and_a_colleague_handed_in(actor: Actor, hospital: Institution) -> None:
    one = make_person("insurance_office", hospital)
    from portal.people.models import Membership

    Membership.objects.create(person=one, institution=hospital, role="reviewer")
    own = Actor.of(one, hospital)
    made = services.propose(own, set_code="price", source="BOX", target="盒")
    services.submit(actor, mappings=[made])
    with pytest.raises(NotAllowed, match="另一位"):
        services.approve(own, mappings=[made])


def test_who_may_not(actor: Actor, second: Actor, hospital: Institution, elsewhere: Institution) -> None:
    made = services.propose(actor, set_code="price", source="BOX", target="盒")
    cashier = Actor.of(make_person("cashier", hospital), hospital)
    with pytest.raises(NotAllowed):
        services.propose(cashier, set_code="price", source="X", target="盒")
    with pytest.raises(NotAllowed):
        services.submit(second, mappings=[made])
    stranger = Actor.of(make_person("insurance_office", elsewhere), elsewhere)
    with pytest.raises(ValueRefused, match="不存在"):
        services.submit(stranger, mappings=[made])


def test_the_target_is_found_by_code_label_or_both(actor: Actor) -> None:
    for text in ("B2", "梨", "B2 梨"):
        assert services.propose(actor, set_code="fruit", source="鸭梨", target=text).target == "B2"
    assert ValueMapping.objects.count() == 1
    with pytest.raises(ValueRefused, match="不在「水果」的平台字典中"):
        services.propose(actor, set_code="fruit", source="鸭梨", target="西瓜")
    register_set(ValueSet("free", "自由"))
    assert services.propose(actor, set_code="free", source="x", target="任何 代码").target == "任何 代码"
    with pytest.raises(ValueRefused, match="没有「nothing」"):
        services.propose(actor, set_code="nothing", source="x", target="y")


def test_the_new_one_ends_the_old_one(actor: Actor) -> None:
    old = mapped(actor, begins=TODAY - timedelta(days=30))
    new = mapped(actor, target="B2", begins=TODAY)
    assert days(old, new) == [(TODAY - timedelta(days=30), TODAY), (TODAY, None)]
    old.refresh_from_db()
    assert old.state == MappingState.ENDED
    ask = translate
    where = actor.institution
    assert ask(where, "fruit", ["苹果汁"], TODAY - timedelta(days=1)) == {"苹果汁": "A1"}
    assert ask(where, "fruit", ["苹果汁"]) == {"苹果汁": "B2"}
    assert ask(where, "fruit", ["苹果汁"], TODAY - timedelta(days=31)) == {"苹果汁": None}


def test_one_of_the_same_day_is_replaced_and_a_later_one_stays(actor: Actor) -> None:
    first = mapped(actor, begins=TODAY)
    later = mapped(actor, target="C3", begins=TODAY + timedelta(days=10))
    again = mapped(actor, target="B2", begins=TODAY)
    assert days(first, later, again) == [
        (TODAY, TODAY), (TODAY + timedelta(days=10), None), (TODAY, TODAY + timedelta(days=10)),
    ]  # fmt: skip
    assert translate(actor.institution, "fruit", ["苹果汁"]) == {"苹果汁": "B2"}
    assert translate(actor.institution, "fruit", ["苹果汁"], TODAY + timedelta(days=10)) == {"苹果汁": "C3"}


def test_the_database_refuses_two_at_a_time(actor: Actor) -> None:
    made = mapped(actor)
    made.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        made.save(force_insert=True)


def test_the_same_value_twice_in_one_approval_is_refused(actor: Actor) -> None:
    one = services.propose(actor, set_code="fruit", source="苹果汁", target="A1")
    other = ValueMapping.objects.get(pk=one.pk)
    other.pk = None
    other.save(force_insert=True)
    with pytest.raises(ValueRefused, match="不止一次"):
        services.submit(actor, mappings=[one, other])
    assert set(ValueMapping.objects.values_list("state", flat=True)) == {MappingState.DRAFT}


def test_end_and_expire(actor: Actor) -> None:
    made = mapped(actor, begins=TODAY - timedelta(days=5))
    with pytest.raises(ValueRefused, match="请填写原因"):
        services.end(actor, mappings=[made], last_day=TODAY, reason=" ")
    services.end(actor, mappings=[made], last_day=TODAY, reason="停用")
    made.refresh_from_db()
    assert (made.state, made.last_day) == (MappingState.IN_FORCE, TODAY)
    assert translate(actor.institution, "fruit", ["苹果汁"]) == {"苹果汁": "A1"}
    ValueMapping.objects.update(until=TODAY)
    assert expire() == 1
    assert translate(actor.institution, "fruit", ["苹果汁"]) == {"苹果汁": None}
    with pytest.raises(ValueRefused, match="已由他人处理"):
        services.end(actor, mappings=[made], last_day=TODAY, reason="再停")


def test_send_back_says_why(actor: Actor, second: Actor) -> None:
    made = services.propose(actor, set_code="price", source="BOX", target="盒")
    services.submit(actor, mappings=[made])
    services.send_back(second, mappings=[made], reason="应为支")
    made.refresh_from_db()
    assert (made.state, made.state_more) == (MappingState.DRAFT, "退回：应为支")
    services.discard(actor, mappings=[made])
    assert not ValueMapping.objects.exists()
    assert AuditEvent.objects.filter(action="values.discard").count() == 1


def bulk(actor: Actor, count: int, begins: date = TODAY, **more: Any) -> Sequence[ValueMapping]:
    rows = [
        ValueMapping(
            institution=actor.institution, set_code="price", source=f"D{n:05}", key=f"D{n:05}", target="盒",
            begins=begins, state=MappingState.WAITING, proposed_by=actor.person, **more,
        )
        for n in range(count)
    ]  # fmt: skip
    return ValueMapping.objects.bulk_create(rows)


def test_thousands_at_once_in_a_few_statements(actor: Actor, second: Actor) -> None:
    bulk(actor, 3_000, TODAY - timedelta(days=9))
    services.approve(second, mappings=list(ValueMapping.objects.all()))
    bulk(actor, 3_000)
    waiting = list(ValueMapping.objects.filter(state=MappingState.WAITING))
    with CaptureQueriesContext(connection) as queries:
        assert services.approve(second, mappings=waiting) == 3_000
    assert len(queries) < 25
    with CaptureQueriesContext(connection) as queries:
        found = translate(actor.institution, "price", [f"d{n:05}" for n in range(70_000)])
    assert len(queries) == 1
    assert sum(1 for code in found.values() if code) == 3_000
    assert MissingValue.objects.count() == 0
