"""Every page for three people, a constant number of queries, and what the buttons do."""

from __future__ import annotations

import re

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.people.actor import Actor
from portal.people.models import Institution, Membership, Person
from portal.values import services
from portal.values.choices import MappingState
from portal.values.models import MissingValue, ValueMapping
from portal.values.registry import ValueSet, register_set, register_waiter
from portal.values.waiting import note_many, note_missing
from tests.people.factories import make_person

pytestmark = pytest.mark.django_db
LISTS = ("missing", "mappings")


def entered(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def fill(actor: Actor, start: int = 0, count: int = 3) -> None:
    register_waiter("tests.row", lambda institution, references: {}, label="测试行", url=lambda one: f"/rows/{one}/")
    for number in range(start, start + count):
        note_missing(actor.institution, "fruit", f"没见过{number}", waiting=("tests.row", f"r{number}"))
        made = services.propose(actor, set_code="price", source=f"箱{number}", target="盒", source_label="大箱")
        services.submit(actor, mappings=[made])


@pytest.mark.parametrize("name", LISTS)
def test_lists_for_three_people(
    name: str, actor: Actor, clerk: Person, hospital: Institution, elsewhere: Institution
) -> None:
    fill(actor)
    url = reverse(f"values:{name}")
    own = entered(clerk).get(url)
    assert own.status_code == 200
    assert ("没见过1" if name == "missing" else "箱1") in own.content.decode()
    other = entered(make_person("insurance_office", elsewhere)).get(url)
    assert other.status_code == 200
    assert "没见过1" not in other.content.decode()
    assert "箱1" not in other.content.decode()
    assert entered(make_person("cashier", hospital)).get(url).status_code == 403
    assert Client().get(url).status_code == 302


@pytest.mark.parametrize(
    ("name", "model"), [("missing_value", MissingValue), ("mapping", ValueMapping), ("edit", ValueMapping)]
)
def test_own_pages_for_three_people(
    name: str, model: type, actor: Actor, clerk: Person, hospital: Institution, elsewhere: Institution
) -> None:
    fill(actor)
    if name == "edit":
        ValueMapping.objects.update(state=MappingState.DRAFT)
    url = reverse(f"values:{name}", args=[model.objects.order_by("pk")[1].pk])  # type: ignore[attr-defined]
    shown = entered(clerk).get(url)
    assert shown.status_code == 200
    if name == "missing_value":
        assert "/rows/r1/" in shown.content.decode()
    assert entered(make_person("insurance_office", elsewhere)).get(url).status_code == 404
    assert entered(make_person("cashier", hospital)).get(url).status_code == 403
    looker = entered(make_person("manager", hospital)).get(url)
    assert looker.status_code == (403 if name == "edit" else 200)


@pytest.mark.parametrize("name", LISTS)
def test_lists_cost_the_same_however_many_rows(name: str, actor: Actor, clerk: Person) -> None:
    fill(actor)
    client, url = entered(clerk), reverse(f"values:{name}")
    client.get(url)
    counts = []
    for start in (3, 20):
        with CaptureQueriesContext(database) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
        fill(actor, start, 12)
    assert counts[0] == counts[1]


def form_of(client: Client, url: str, **values: str) -> dict[str, str]:
    page = client.get(url)
    return {"intent": page.content.decode().split('name="intent" value="')[1].split('"')[0], **values}


def test_a_missing_value_is_mapped_in_its_form_once(actor: Actor, clerk: Person) -> None:
    fill(actor)
    client = entered(clerk)
    url = f"{reverse('values:new')}?set=fruit&source=没见过1"
    said = form_of(client, url, target="苹果", begins="2026-01-01", last_day="", submit="1")
    for _ in range(2):
        answer = client.post(url, said, follow=True)
        assert answer.status_code == 200
    made = ValueMapping.objects.get(set_code="fruit")
    assert (made.source, made.target, made.state) == ("没见过1", "A1", MappingState.IN_FORCE)
    assert "没有重复执行" in answer.content.decode()
    assert MissingValue.objects.get(source="没见过1").settled_at is not None
    assert "没见过1" not in client.get(reverse("values:missing")).content.decode()


def test_the_form_says_all_that_is_wrong(actor: Actor, clerk: Person) -> None:
    client, url = entered(clerk), reverse("values:new")
    said = form_of(client, url, set_code="fruit", source="x", target="西瓜", begins="2026-05-01", last_day="2026-04-01")
    answer = client.post(url, said)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "不在「水果」的平台字典中" in text
    assert "失效日期须晚于生效日期" in text
    assert not ValueMapping.objects.exists()


def test_the_targets_offered_are_searched(clerk: Person) -> None:
    url = reverse("values:targets")
    found = entered(clerk).get(url, {"set_code": "fruit", "target": "蕉"}).content.decode()
    assert "C3 香蕉" in found
    assert "A1" not in found


def chosen(client: Client, name: str, rows: list[ValueMapping], **more: str) -> str:
    """Press a batch button, then its confirmation; returns the page that follows."""
    url = reverse(f"values:{name}")
    panel = client.post(url, {"row": [row.pk for row in rows], "query": "tab=all"}).content.decode()
    if 'name="intent" value="' not in panel:
        return panel
    key = panel.split('name="intent" value="')[1].split('"')[0]
    said = {"row": [row.pk for row in rows], "query": "tab=all", "intent": key, **more}
    return str(client.post(url, said, follow=True).content.decode())


def test_the_second_person_approves_many(actor: Actor, clerk: Person, reviewer: Person) -> None:
    fill(actor)
    rows = list(ValueMapping.objects.all())
    assert entered(clerk).post(reverse("values:approve"), {"row": [rows[0].pk]}).status_code == 403
    assert "已通过 3 条" in chosen(entered(reviewer), "approve", rows)
    assert set(ValueMapping.objects.values_list("state", flat=True)) == {MappingState.IN_FORCE}
    assert "已设定 3 条" in chosen(entered(clerk), "end", rows, last_day="2099-01-01", reason="换系统")
    assert "现在是" in chosen(entered(reviewer), "approve", rows)


def test_send_back_and_discard(actor: Actor, clerk: Person, reviewer: Person) -> None:
    fill(actor)
    rows = list(ValueMapping.objects.all())
    assert "已退回 3 条" in chosen(entered(reviewer), "send_back", rows, reason="单位不对")
    assert "退回：单位不对" in entered(clerk).get(reverse("values:mappings") + "?tab=draft").content.decode()
    assert "已作废 3 条" in chosen(entered(clerk), "discard", rows)


def test_names_of_persons_are_masked_and_in_no_address(actor: Actor, clerk: Person) -> None:
    register_set(ValueSet("staff", "医务人员", personal=True))
    note_many(actor.institution, "staff", {"00123": []}, labels={"00123": "陈某某"})
    made = services.propose(actor, set_code="staff", source="00124", source_label="陈某某", target="D1")
    for url in (reverse("values:missing"), reverse("values:mappings") + "?tab=all", made.get_absolute_url()):
        page = entered(clerk).get(url).content.decode()
        assert "陈*" in page
        assert "陈某某" not in page
        assert "source_label" not in page


def test_an_author_is_told_before_they_approve(actor: Actor, hospital: Institution) -> None:
    """Handed in by a colleague it is still theirs: the panel says so, instead of a refused page after the click."""
    author = make_person("insurance_office", hospital)
    Membership.objects.create(person=author, institution=hospital, role="reviewer")
    made = services.propose(Actor.of(author, hospital), set_code="price", source="箱", target="盒")
    services.submit(actor, mappings=[made])
    panel = entered(author).post(reverse("values:approve"), {"row": [made.pk], "query": "tab=all"}).content.decode()
    assert "本次通过1条" not in re.sub(r"<[^>]+>|\s+", "", panel)
    assert 'name="intent"' not in panel
