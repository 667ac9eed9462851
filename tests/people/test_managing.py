"""系统 · 人员: services, their limits and their audit, and the pages over them."""

from __future__ import annotations

import re

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from portal.audit.models import AuditEvent
from portal.people import services, throttle
from portal.people.actor import NotAllowed
from portal.people.models import Membership, Person
from tests.people.factories import PASSWORD, make_actor, make_institution, make_person

pytestmark = pytest.mark.django_db


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def test_creating_and_granting() -> None:
    actor = make_actor("it")
    person = services.create_person(actor, username="new", name="新人", password=PASSWORD)
    assert person.must_change_password
    assert last_event().subjects == [f"people.person:{person.pk}"]
    services.grant(actor, person=person, role="cashier", opter="0001", opter_name="新人")
    assert person.may("desk.view", actor.institution)
    assert last_event().detail["role"] == "cashier"
    assert PASSWORD not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    ("username", "password", "said"),
    [("weak", "12345", "密码至少 10 位"), ("", PASSWORD, "此字段不能为空"), ("taken", PASSWORD, "已存在")],
)
def test_what_is_wrong_with_a_new_person_is_said_in_chinese(username: str, password: str, said: str) -> None:
    make_person(username="taken")
    with pytest.raises(ValidationError) as caught:
        services.create_person(make_actor("it"), username=username, name="甲", password=password)
    assert said in "".join(caught.value.messages)


def test_who_may_not_manage_may_not() -> None:
    actor, person = make_actor("insurance_office"), make_person("cashier")
    for act in (
        lambda: services.create_person(actor, username="x", name="x", password=PASSWORD),
        lambda: services.grant(actor, person=person, role="it"),
        lambda: services.set_password(actor, person=person, password=PASSWORD),
        lambda: services.lock_person(actor, person=person),
        lambda: services.rename_person(actor, person=person, name="x"),
        lambda: services.revoke(actor, membership=person.memberships.get()),
    ):
        with pytest.raises(NotAllowed, match="人员与权限"):
            act()


def test_nobody_manages_another_institutions_people() -> None:
    there = make_institution("H99990000002", "另一院")
    actor, person = make_actor("it"), make_person("cashier", there)
    with pytest.raises(NotAllowed, match="不属于当前机构"):
        services.set_password(actor, person=person, password=PASSWORD)
    with pytest.raises(NotAllowed):
        services.grant(actor, person=person, role="it", institution=there)


def test_one_cannot_lock_oneself_out() -> None:
    actor = make_actor("it")
    with pytest.raises(NotAllowed, match="自己"):
        services.lock_person(actor, person=actor.person)
    with pytest.raises(NotAllowed, match="自己"):
        services.revoke(actor, membership=actor.person.memberships.get())


def test_a_locked_persons_open_session_ends(client) -> None:
    person = make_person()
    client.force_login(person)
    assert client.get("/tasks/").status_code == 200
    services.lock_person(make_actor("it"), person=person, reason="离职")
    assert client.get("/tasks/").status_code == 302
    assert last_event().reason == "离职"
    services.unlock_person(make_actor("it"), person=person)
    assert Person.objects.get(pk=person.pk).is_active


def test_a_new_password_unlocks_and_must_be_changed() -> None:
    person = make_person()
    for _ in range(5):
        throttle.spend(person.username, "10.0.0.1")
    assert throttle.locked_until(person.username)
    services.set_password(make_actor("it"), person=person, password="Another-one-2026")
    person.refresh_from_db()
    assert person.must_change_password
    assert person.check_password("Another-one-2026")
    assert throttle.locked_until(person.username) is None


def test_a_new_person_through_the_pages(client) -> None:
    admin = make_person("it")
    client.force_login(admin)
    form = {"username": "nurse", "name": "护士甲", "role": "records", "opter": ""}
    shown = client.post(reverse("people:new"), form)
    password = re.search(r"初始密码</dt>\s*<dd><code>([^<]+)", shown.content.decode()).group(1)
    assert "no-store" in shown["Cache-Control"]
    other = Client()
    assert other.post(reverse("people:login"), {"username": "nurse", "password": password}).status_code == 302
    assert other.get("/tasks/").url == reverse("people:password")
    assert "已有人使用" in client.post(reverse("people:new"), form).content.decode()


def test_roles_and_locks_through_the_pages(client) -> None:
    client.force_login(make_person("it", name="王信息"))
    person = make_person("cashier", name="收费甲")
    client.post(reverse("people:grant", args=[person.pk]), {"role": "reviewer"})
    assert set(person.memberships.values_list("role", flat=True)) == {"cashier", "reviewer"}
    member = person.memberships.get(role="cashier")
    client.post(reverse("people:revoke", args=[person.pk, member.pk]))
    client.post(reverse("people:lock", args=[person.pk]))
    shown = client.get(reverse("people:detail", args=[person.pk])).content.decode()
    for said in ("授予", "收回", "停用", "王信息"):
        assert said in shown
    client.post(reverse("people:unlock", args=[person.pk]))
    assert "启用" in client.get(reverse("people:list"), {"words": "收费甲"}).content.decode()
    last = person.memberships.get()
    assert client.post(reverse("people:revoke", args=[person.pk, last.pk])).url == reverse("people:list")


def test_another_institutions_person_is_not_there(client) -> None:
    client.force_login(make_person("it"))
    strange = make_person("cashier", make_institution("H99990000002", "另一院"), name="外人甲")
    assert client.get(reverse("people:detail", args=[strange.pk])).status_code == 404
    assert client.post(reverse("people:reset", args=[strange.pk])).status_code == 404
    assert "外人甲" not in client.get(reverse("people:list")).content.decode()


@pytest.mark.parametrize("role", ["insurance_office", "manager", "cashier"])
def test_others_do_not_see_the_pages(client, role: str) -> None:
    client.force_login(make_person(role))
    assert client.get(reverse("people:list")).status_code == 403


@pytest.mark.parametrize("rows", [1, 12])
def test_the_list_costs_the_same_for_any_number(client, django_assert_max_num_queries, rows: int) -> None:
    client.force_login(make_person("it"))
    for _ in range(rows):
        make_person("cashier")
    with django_assert_max_num_queries(9):
        client.get(reverse("people:list"))


def test_the_command_makes_the_first_person(capsys) -> None:
    place = make_institution()
    call_command("person", "first", "第一人", "it", institution=place.fixmedins_code)
    password = re.search("初始密码 ([^（]+)", capsys.readouterr().out).group(1)
    person = Person.objects.get(username="first")
    assert person.check_password(password)
    assert Membership.objects.get(person=person).role == "it"
    assert AuditEvent.objects.filter(actor_name="命令行").count() == 2
    with pytest.raises(CommandError, match="没有机构"):
        call_command("person", "x", "x", "it", institution="H0")
    with pytest.raises(CommandError, match="已存在"):
        call_command("person", "first", "x", "it", institution=place.fixmedins_code)
