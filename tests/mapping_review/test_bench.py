"""对码工作台 as plain forms."""

from __future__ import annotations

import pytest
from django.test import Client

from insurance.mapping.choices import Certainty, MappingState
from insurance.mapping.models import Mapping
from portal.people.models import Institution, Person
from tests.mapping_review.conftest import pair, suggest

pytestmark = pytest.mark.django_db


def intent(page: bytes) -> str:
    """The key of the page's form."""
    return page.decode().split('name="intent" value="')[1].split('"')[0]


def test_taking_goes_to_the_next_item(client: Client, mapper_person: Person, connected: Institution) -> None:
    first, code = pair(connected, 1)
    second, other = pair(connected, 2)
    suggest(first, code, other)
    suggest(second, other)
    client.force_login(mapper_person)
    shown = client.get("/mapping/review/")
    assert first.fixmedins_hilist_name in shown.content.decode()
    answer = client.post(
        f"/mapping/review/{first.pk}/take/",
        {"code": code.code, "intent": intent(shown.content), "next": second.pk, "tab": "open"}, follow=True,
    )  # fmt: skip
    made = Mapping.objects.get(item=first)
    assert (made.state, made.proposed_by, made.certain) == (MappingState.PROPOSED, mapper_person, True)
    page = answer.content.decode()
    assert "已对码，待另一人审核" in page
    assert f"/mapping/review/{second.pk}/take/" in page
    assert "今日已对 <b>1</b> 条" in page


def test_taking_twice_is_one(client: Client, mapper_person: Person, connected: Institution) -> None:
    item, code = pair(connected, 1)
    suggest(item, code, certainty=Certainty.LIKELY)
    client.force_login(mapper_person)
    key = intent(client.get("/mapping/review/").content)
    for _ in range(2):
        answer = client.post(f"/mapping/review/{item.pk}/take/", {"code": code.code, "intent": key}, follow=True)
    assert Mapping.objects.count() == 1
    assert "没有重复执行" in answer.content.decode()
