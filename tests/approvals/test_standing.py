"""代办: what a deputy gets, under which name, for how long, and what never."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.approvals import delegating, services
from portal.approvals.errors import ApprovalRefused
from portal.approvals.rules import must_differ
from portal.audit.models import AuditEvent
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Person
from portal.people.standing import Delegation

pytestmark = pytest.mark.django_db


@pytest.fixture
def days():
    today = timezone.localdate()
    return {"starts_on": today, "ends_on": today + timedelta(days=3)}


@pytest.fixture
def delegate(institution, days):
    """Lets one person stand in for another: `delegate(absent, deputy)`."""

    def make(absent: Person, deputy: Person, **changes: object) -> Delegation:
        given = {"absent": absent, "deputy": deputy, "roles": [], "reason": "年休假", **days, **changes}
        made = delegating.delegate(Actor.of(absent, institution), **given)
        deputy.forget()
        return made

    return make


def acting(person: Person, institution) -> Actor:
    return Actor.of(Person.objects.get(pk=person.pk), institution)


def test_a_deputy_may_what_the_absent_person_may_and_the_name_says_so(
    institution, reviewer, person, propose, delegate
) -> None:
    clerk = person("clerk", institution, "cashier")
    assert not clerk.may("exchange.approve", institution)
    delegate(reviewer, clerk)
    done = services.approve(acting(clerk, institution), approval=propose())
    assert done.decided_as == "演示clerk（代 演示reviewer）"
    assert AuditEvent.objects.get(action="approvals.approve").actor_name == done.decided_as


def test_shown_in_the_head_and_on_the_persons_page(client, institution, reviewer, person, delegate) -> None:
    clerk, officer = person("clerk", institution, "cashier"), person("officer", institution, "security_admin")
    delegate(reviewer, clerk)
    client.force_login(clerk)
    assert '<span class="top-deputy"' in client.get(reverse("approvals:list")).content.decode()
    client.force_login(officer)
    for someone in (clerk, reviewer):
        page = client.get(reverse("system:person", args=[someone.pk])).content.decode()
        assert "演示clerk 代 演示reviewer" in page


def test_an_own_right_comes_first(institution, reviewer, both, propose, delegate) -> None:
    delegate(reviewer, both)
    assert services.approve(acting(both, institution), approval=propose()).decided_as == "演示both"


def test_never_for_ones_own_work(institution, both, person, propose, delegate) -> None:
    """Neither what the absent person proposed, nor what the deputy proposed in their place."""
    clerk = person("clerk", institution, "cashier")
    delegate(both, clerk)
    with pytest.raises(NotAllowed, match="代办身份"):
        services.approve(acting(clerk, institution), approval=propose(by=both))
    standing_in = propose("代提", by=Person.objects.get(pk=clerk.pk))
    assert (standing_in.proposed_as, standing_in.proposed_for) == ("演示clerk（代 演示both）", both)
    for someone in (clerk, both):
        with pytest.raises(NotAllowed):
            services.approve(acting(someone, institution), approval=standing_in)
    fresh = acting(clerk, institution)
    fresh.must("exchange.approve")
    with pytest.raises(NotAllowed):
        must_differ(fresh, both)


def test_two_absent_persons_one_of_them_the_proposer(institution, both, reviewer, person, propose, delegate) -> None:
    clerk = person("clerk", institution, "cashier")
    delegate(both, clerk)
    delegate(reviewer, clerk)
    done = services.approve(acting(clerk, institution), approval=propose(by=both))
    assert done.decided_as == "演示clerk（代 演示reviewer）"


@pytest.mark.parametrize(("start", "end", "yes"), [(1, 3, False), (-3, -1, False), (-3, 0, True), (0, 0, True)])
def test_it_begins_and_ends_by_itself(institution, reviewer, person, start, end, yes) -> None:
    clerk, today = person("clerk", institution, "cashier"), timezone.localdate()
    Delegation.objects.create(
        institution=institution, absent=reviewer, deputy=clerk, reason="休假",
        starts_on=today + timedelta(days=start), ends_on=today + timedelta(days=end),
    )  # fmt: skip
    assert clerk.may("exchange.approve", institution) is yes


def test_ended_early_and_stopped_accounts(institution, reviewer, person, delegate) -> None:
    clerk = person("clerk", institution, "cashier")
    made = delegate(reviewer, clerk)
    assert clerk.may("exchange.approve", institution)
    delegating.end_delegation(Actor.of(clerk, institution), delegation=made, reason="提前返岗")
    clerk.forget()
    assert not clerk.may("exchange.approve", institution)
    with pytest.raises(ApprovalRefused, match="已提前结束"):
        delegating.end_delegation(Actor.of(reviewer, institution), delegation=made)
    delegate(reviewer, clerk)
    Person.objects.filter(pk=reviewer.pk).update(is_active=False)
    clerk.forget()
    assert not clerk.may("exchange.approve", institution)


def test_only_some_roles_and_only_there(institution, other_institution, both, person, delegate) -> None:
    clerk = person("clerk", institution, "cashier")
    delegate(both, clerk, roles=["insurance_office"])
    assert clerk.may("exchange.submit", institution)
    assert not clerk.may("exchange.approve", institution)
    assert not clerk.may("exchange.submit", other_institution)
    third = person("third", institution, "cashier")
    delegate(clerk, third)  # what clerk only has as a deputy does not go on
    assert not third.may("exchange.submit", institution)


@pytest.mark.parametrize("pair", [("system_admin", "security_admin"), ("audit_admin", "system_admin")])
def test_officers_never_stand_in_for_each_other(institution, person, delegate, days, pair) -> None:
    absent, deputy = person("a", institution, pair[0]), person("b", institution, pair[1])
    with pytest.raises(ApprovalRefused, match="三员"):
        delegate(absent, deputy)
    # written behind the service's back, it still gives nothing
    Delegation.objects.create(institution=institution, absent=absent, deputy=deputy, reason="绕过", **days)
    deputy.forget()
    action = "people.manage" if pair[0] == "system_admin" else "audit.view"
    assert not deputy.may(action, institution)


def test_nobody_gathers_two_officers(institution, person, delegate, days) -> None:
    clerk = person("clerk", institution, "cashier")
    system, security = person("s1", institution, "system_admin"), person("s2", institution, "security_admin")
    delegate(system, clerk)
    with pytest.raises(ApprovalRefused, match="三员"):
        delegate(security, clerk)
    Delegation.objects.create(institution=institution, absent=security, deputy=clerk, reason="绕过", **days)
    clerk.forget()
    assert clerk.may("people.manage", institution)
    assert not clerk.may("people.grant", institution)


def test_who_makes_and_ends_it(institution, other_institution, reviewer, person, days) -> None:
    clerk, officer = person("clerk", institution, "cashier"), person("officer", institution, "security_admin")
    given = {"absent": reviewer, "deputy": clerk, "roles": [], "reason": "病假", **days}
    with pytest.raises(NotAllowed):
        delegating.delegate(Actor.of(clerk, institution), **given)
    with pytest.raises(NotAllowed, match="给自己"):
        delegating.delegate(Actor.of(officer, institution), **given | {"deputy": officer})
    made = delegating.delegate(Actor.of(officer, institution), **given)
    assert made.made_by == officer
    outsider = person("far", other_institution, "security_admin")
    with pytest.raises(NotAllowed):
        delegating.end_delegation(Actor.of(outsider, other_institution), delegation=made)
    with pytest.raises(ApprovalRefused, match="本机构"):
        delegating.delegate(Actor.of(officer, institution), **given | {"deputy": outsider})
    for wrong in (
        {"deputy": reviewer},
        {"ends_on": days["starts_on"] - timedelta(days=1)},
        {"ends_on": days["starts_on"] + timedelta(days=400)},
        {"roles": ["insurance_office"]},
        {"reason": ""},
    ):
        with pytest.raises(ApprovalRefused):
            delegating.delegate(Actor.of(officer, institution), **given | wrong)
