"""Pages by three people, what they cost, and what they say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from insurance.mapping.choices import Certainty, MappingState, Verdict
from insurance.mapping.models import Mapping
from insurance.mapping.review import services
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.mapping_items.factories import make_code
from tests.mapping_review.conftest import Propose, code_named, pair, suggest

pytestmark = pytest.mark.django_db
PAGES = ("mapping:review", "mapping:certain", "mapping:approvals", "mapping:ending_approvals", "mapping:mappings")


@pytest.mark.parametrize("name", PAGES)
def test_who_may_open_it(
    name: str, client: Client, mapper_person: Person, outsider: Person, stranger: Person, proposed: Propose,
    connected: Institution,
) -> None:  # fmt: skip
    suggest(*pair(connected, 8))
    shown = proposed(9).item.fixmedins_hilist_name
    client.force_login(mapper_person)
    assert client.get(reverse(name)).status_code == 200
    client.force_login(outsider)
    page = client.get(reverse(name), {"tab": "all"})
    assert page.status_code == 200
    assert shown not in page.content.decode()
    assert "演示药8号片" not in page.content.decode()
    client.force_login(stranger)
    assert client.get(reverse(name)).status_code == 403


def test_a_longer_queue_costs_no_more(client: Client, mapper_person: Person, connected: Institution) -> None:
    client.force_login(mapper_person)

    def cost() -> int:
        with CaptureQueriesContext(database) as seen:
            assert client.get("/mapping/review/").status_code == 200
        return len(seen)

    for number in range(1, 4):
        item, code = pair(connected, number)
        suggest(item, code)
    cost()
    few = cost()
    for number in range(4, 40):
        item, code = pair(connected, number)
        suggest(item, code)
    assert cost() == few


def test_received_is_never_shown_as_approved(
    client: Client, member: Person, approver: Actor, proposed: Propose, connected: Institution
) -> None:
    mapping = proposed(1)
    services.approve_mappings(approver, mappings=[mapping])
    Mapping.objects.update(
        state=MappingState.IN_FORCE, told_at=timezone.now() - dt.timedelta(days=6), verdict=Verdict.WAITING
    )
    client.force_login(member)
    for address in ("/mapping/mappings/?tab=waiting", mapping.get_absolute_url()):
        page = client.get(address).content.decode()
        assert "待局方审核" in page
        assert "局方通过" not in page.split("<main")[1].split("query-rest")[0]


def test_own_proposals_are_disabled_with_the_reason(client: Client, member: Person, connected: Institution) -> None:
    item, code = pair(connected, 1)
    services.propose_mapping(Actor.of(member, connected), item=item, code=code.code, source="searched")
    client.force_login(member)
    page = client.get("/mapping/approvals/?tab=mine").content.decode()
    assert "须由另一位有审核权限的人员审核" in page
    answer = client.post("/mapping/approvals/approve/", {"row": Mapping.objects.get().pk}, follow=True)
    assert "是您自己提出的" in answer.content.decode()


def test_an_ambiguous_item_says_what_would_decide(
    client: Client, mapper_person: Person, connected: Institution
) -> None:
    item, code = pair(connected, 1)
    other = make_code("101", code_named(2), name=code.name, maker="别的厂")
    suggest(item, code, other, certainty=Certainty.AMBIGUOUS, deciding=["生产企业", "包装"])
    client.force_login(mapper_person)
    page = client.get("/mapping/review/").content.decode()
    assert "要分清须看：<b>生产企业、包装</b>" in page
    assert 'aria-label="不同"' in page


def test_searching_marks_the_same_differences(client: Client, mapper_person: Person, connected: Institution) -> None:
    pair(connected, 1)
    make_code("101", code_named(2), name="演示药2号片", maker="别的厂", spec="0.5g")
    client.force_login(mapper_person)
    page = client.get("/mapping/review/", {"q": "演示药2号"}).content.decode()
    assert code_named(2) in page
    assert "mark-differs" in page


def test_a_small_choice_is_approved_on_one_page(
    client: Client, approver_person: Person, proposed: Propose, connected: Institution
) -> None:
    rows = [proposed(number) for number in (1, 2)]
    client.force_login(approver_person)
    shown = client.post("/mapping/approvals/approve/", {"row": [row.pk for row in rows]}, follow=True)
    page = shown.content.decode()
    assert "通过 2 条" in page
    key = page.split('name="intent" value="')[1].split('"')[0]
    address = shown.redirect_chain[-1][0] + "approve/"
    for _ in range(2):
        answer = client.post(address, {"intent": key}, follow=True)
    assert "没有重复执行" in answer.content.decode()
    assert Mapping.objects.filter(state=MappingState.APPROVED).count() == 2


def test_returning_needs_a_reason(
    client: Client, approver_person: Person, proposed: Propose, connected: Institution
) -> None:
    row = proposed(1)
    client.force_login(approver_person)
    panel = client.post("/mapping/approvals/return/", {"row": row.pk}).content.decode()
    key = panel.split('name="intent" value="')[1].split('"')[0]
    refused = client.post("/mapping/approvals/return/", {"row": row.pk, "intent": key}).content.decode()
    assert "请选择或填写退回原因" in refused
    client.post("/mapping/approvals/return/", {"row": row.pk, "intent": key, "common": "剂型不符"})
    row.refresh_from_db()
    assert (row.state, "剂型不符" in row.words) == (MappingState.RETURNED, True)


def test_a_code_says_who_bears_it(
    client: Client, member: Person, approver: Actor, proposed: Propose, connected: Institution,
    person: Callable[..., Person],
) -> None:  # fmt: skip
    from insurance.catalogue.models import Item
    from insurance.catalogue.registry import uses_of

    mapping = proposed(1)
    services.approve_mappings(approver, mappings=[mapping])
    found = uses_of(Actor.of(member, connected), Item.objects.get(code=mapping.med_list_codg))
    assert [one.url for one in found] == [mapping.get_absolute_url()]
    assert uses_of(Actor.of(person("nobody"), connected), Item.objects.get(code=mapping.med_list_codg)) == []
